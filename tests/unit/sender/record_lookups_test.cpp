// SPDX-License-Identifier: BSD-2-Clause
#include "sender/record_lookups.hpp"

#include <set>

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

TEST(RecordLookups, answer_many_domains_in_the_order_of_the_questions) {
  FakeDns dns;
  std::vector<RecordQuery> queries;
  for (int i = 0; i < 500; ++i) {
    const std::string domain = fmt::format("d{}.example", i);
    dns.add_txt(tlsrpt_name(domain), fmt::format("v=TLSRPTv1; rua=mailto:r@{}", domain));
    queries.push_back({domain, "", 0, 0});
  }
  const auto found = find_all_destinations(dns, {}, queries, never);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), queries.size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    ASSERT_EQ((*found)[i].rua.size(), 1u);
    EXPECT_EQ((*found)[i].rua[0].address, "r@" + queries[i].domain);
  }
  EXPECT_EQ(dns.questions().size(), queries.size());
  EXPECT_TRUE(find_all_destinations(dns, {}, {}, never)->empty());
}

TEST(RecordLookups, take_a_bounded_number_and_give_each_back_with_its_tag) {
  FakeDns dns;
  const auto lookups = RecordLookups::create(dns, {}).value();
  const std::size_t room = lookups->room();
  std::set<std::uint64_t> tags;
  for (std::uint64_t tag = 0; lookups->room() > 0; ++tag) {
    lookups->submit({fmt::format("d{}.example", tag), "", 0, tag});
    tags.insert(tag);
  }
  EXPECT_EQ(tags.size(), room);
  while (lookups->open() > 0) {
    wait_a_moment({lookups->fd()}, std::chrono::milliseconds(20));
    for (const RecordAnswer& answer : lookups->take_answers()) {
      EXPECT_EQ(answer.destinations.status, RecordStatus::no_record);
      EXPECT_EQ(tags.erase(answer.query.tag), 1u);
    }
  }
  EXPECT_TRUE(tags.empty());
  EXPECT_EQ(lookups->room(), room);
}

/// Answers nothing before it is told to.
class SlowDns final : public FakeDns {
 public:
  DnsAnswer<std::string> txt(std::string_view name) override {
    std::unique_lock lock(mutex);
    released.wait(lock, [this] { return go; });
    return FakeDns::txt(name);
  }
  void release() {
    const std::lock_guard lock(mutex);
    go = true;
    released.notify_all();
  }
  std::mutex mutex;
  std::condition_variable released;
  bool go = false;
};

TEST(RecordLookups, that_were_not_begun_can_be_cancelled) {
  SlowDns dns;
  const auto lookups = RecordLookups::create(dns, {}).value();
  const std::size_t room = lookups->room();
  for (std::uint64_t tag = 0; tag < room; ++tag) lookups->submit({"x.example", "", 0, tag});
  lookups->cancel();
  dns.release();
  std::size_t cancelled = 0;
  while (lookups->open() > 0) {
    wait_a_moment({lookups->fd()}, std::chrono::milliseconds(20));
    for (const RecordAnswer& answer : lookups->take_answers())
      cancelled += answer.cancelled ? 1 : 0;
  }
  EXPECT_GT(cancelled, 0u);
  EXPECT_EQ(dns.questions().size(), room - cancelled);
}

}  // namespace
}  // namespace tlsrpt::sender
