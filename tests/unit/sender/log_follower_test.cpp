// SPDX-License-Identifier: BSD-2-Clause
// A log from which each session is counted once, through the real journal and the real database.
#include "sender/log_follower.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "sender/storer.hpp"
#include "tests/unit/sender/fake_log.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Seconds now() const override { return Seconds(kDay) + 12h; }
};

/// A log in memory, that outlives its sources.
struct FakeFile {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::atomic<std::size_t> idle = 0;  ///< how often there was nothing to read
};

class FakeSource final : public LogSource {
 public:
  explicit FakeSource(FakeFile& file) : file_(file) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string position() const override { return std::to_string(next_); }
  Result<void> seek(std::string_view position) override {
    next_ = std::stoul(std::string(position));
    return {};
  }
  Result<void> seek_to_end() override {
    const std::lock_guard lock(file_.mutex);
    next_ = file_.lines.size();
    return {};
  }
  Result<std::size_t> read(std::size_t at_most,
                           const std::function<void(const LogItem&)>& give) override {
    const std::lock_guard lock(file_.mutex);
    std::size_t given = 0;
    for (; given < at_most && next_ < file_.lines.size(); ++given) {
      LogItem item;
      item.line = file_.lines[next_++];
      give(item);
    }
    return given;
  }
  void wait(std::chrono::milliseconds, int) override {
    ++file_.idle;
    std::this_thread::yield();
  }

 private:
  FakeFile& file_;
  std::string name_ = "/var/log/fake";
  std::size_t next_ = 0;
};

class FakeFinder final : public PolicyFinder {
 public:
  Result<AppliedPolicies> find(const std::string& domain, const std::string&) override {
    ++asked;
    if (domain.starts_with("fail")) return fail(ErrorCode::temporary, "SERVFAIL");
    if (domain.starts_with("flaky") && asked % 2 == 1) return fail(ErrorCode::temporary, "timeout");
    AppliedPolicies applied;
    if (!domain.starts_with("silent")) applied.tlsrpt_record = "v=TLSRPTv1;rua=mailto:r@x.example";
    if (domain.starts_with("huge")) applied.tlsrpt_record.append(3900, 'x');
    if (domain.starts_with("testing") || domain.starts_with("enforce")) {
      StsPolicy policy;
      policy.mode = domain.starts_with("testing") ? StsMode::testing : StsMode::enforce;
      policy.mx = {"mx." + domain};
      applied.sts.policy = policy;
    }
    return applied;
  }
  std::atomic<int> asked = 0;
};

class FakeWitness final : public CertificateWitness {
 public:
  std::optional<Verification> look_at(const std::string& mx_host,
                                      const std::string& address) override {
    ++asked;
    EXPECT_EQ(address, "192.0.2.1");
    if (mx_host.find("unseen") != std::string::npos) return std::nullopt;
    const bool bad = mx_host.find("bad") != std::string::npos;
    return Verification{bad ? std::vector{X509_V_ERR_CERT_HAS_EXPIRED} : std::vector<int>{}, true};
  }
  std::atomic<int> asked = 0;
};

class LogFollowerTest : public testing::Test {
 protected:
  LogFollowerTest() { settings_.store.path = temp_.file("outbound.db"); }
  ~LogFollowerTest() override { end(); }

  /// A process: its journal is that of the one before, if that was killed.
  void start() {
    JournalSettings journal;
    journal.folders = {temp_.path()};
    journal.database = settings_.store.path;
    journal_ = Journal::open(journal);
    storer_ = std::make_unique<Storer>(settings_, *journal_, clock_, log_);
    ASSERT_TRUE(storer_->open());
    ASSERT_TRUE(storer_->flush());
    PolicyLookupSettings lookups;
    lookups.first_pause = 1ms;
    lookups.patience = 5ms;
    lookups.witness_testing_only = follower_settings_.testing_only;
    lookups_ = std::make_unique<PolicyLookups>(finder_, lookups, witness_);
    LogFollowerParts parts{
        *lookups_,
        *journal_,
        clock_,
        log_,
        [this] { return storer_->has_replayed(); },
        [this](const std::string& name, const std::string& end) { return load(name, end); },
        [this](const std::string& name, std::uint64_t events) { storer_->count(name, events); }};
    follower_ =
        LogFollower::create(follower_settings_, std::make_unique<FakeSource>(file_), parts).value();
    file_.idle = 0;
    thread_ = std::jthread([this] { follower_->run(); });
    wait_until_read();
  }
  /// Stops reading. What is in the journal and not in the database stays there: as after kill -9.
  void end() {
    if (!follower_) return;
    follower_->stop();
    thread_.join();
    follower_.reset();
    lookups_.reset();
    storer_.reset();
    journal_.reset();
  }
  Result<std::optional<LogPosition>> load(const std::string& source, const std::string& end) {
    auto store = OutboundStore::open(settings_.store.path, SqliteMode::read_write_create);
    if (!store) return tl::unexpected(store.error());
    return store->claim_log(source, end, clock_.now());
  }
  void wait_until_read() {
    const std::size_t idle = file_.idle;
    while (file_.idle < idle + 3) std::this_thread::yield();
  }

  void write(const std::string& line, std::string_view time = "12:00:00") {
    const std::lock_guard lock(file_.mutex);
    file_.lines.push_back(fmt::format("2026-03-01T{}.000000+00:00 out1 {}", time, line));
  }
  void begin_session(int pid, const std::string& domain) {
    write(
        fmt::format("postfix/smtp[{}]: Untrusted TLS connection established to "
                    "mx.{}[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
                    "bits) key-exchange x25519 server-signature ECDSA (prime256v1) "
                    "server-digest SHA256",
                    pid, domain));
  }
  void end_session(int pid, const std::string& domain) {
    write(fmt::format(
        "postfix/smtp[{0}]: 4F{0:08}: to=<u@{1}>, relay=mx.{1}[192.0.2.1]:25, delay=0.6, "
        "delays=0.1/0/0.3/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
        pid, domain));
  }
  void session(int pid, const std::string& domain) {
    begin_session(pid, domain);
    end_session(pid, domain);
  }

  DomainDay counted(const std::string& domain) {
    EXPECT_TRUE(storer_->flush());
    auto store = OutboundStore::open(settings_.store.path, SqliteMode::read_write_create).value();
    return store.load(kDay, domain).value();
  }
  std::uint64_t sum(const std::string& domain) {
    std::uint64_t sum = 0;
    const DomainDay counted = this->counted(domain);
    for (const PolicyResult& policy : counted.policies) {
      sum += policy.total_successful_session_count + policy.total_failure_session_count;
    }
    return sum;
  }
  std::uint64_t event(const std::string& name) { return storer_->stats().events[name]; }
  /// Judged, and in the journal.
  void wait_for_event(const std::string& name, std::uint64_t number) {
    while (event(name) < number) std::this_thread::yield();
  }

  TempDir temp_;
  FixedClock clock_;
  FakeLog log_;
  FakeFile file_;
  FakeFinder finder_;
  CertificateWitness* witness_ = nullptr;
  StorerSettings settings_;
  LogFollowerSettings follower_settings_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Storer> storer_;
  std::unique_ptr<PolicyLookups> lookups_;
  std::unique_ptr<LogFollower> follower_;
  std::jthread thread_;
};

TEST_F(LogFollowerTest, what_was_there_at_the_first_start_is_not_counted) {
  session(1, "a.example");
  start();
  session(1, "a.example");
  session(2, "b.example");
  wait_for_event("log-sessions", 2);
  EXPECT_EQ(sum("a.example"), 1u);
  EXPECT_EQ(sum("b.example"), 1u);
}

TEST_F(LogFollowerTest, a_kill_before_the_database_was_written_costs_and_repeats_nothing) {
  start();
  for (int turn = 1; turn <= 5; ++turn) {
    for (int i = 0; i < 30; ++i) session(i, "a.example");
    wait_for_event("log-sessions", 30);
    end();
    session(99, "a.example");  // while nobody reads
    start();
    wait_for_event("log-sessions", 1);
    end();
    start();
    EXPECT_EQ(sum("a.example"), static_cast<std::uint64_t>(31 * turn));
  }
}

TEST_F(LogFollowerTest, a_journal_that_is_lost_is_read_again_from_the_log) {
  start();
  for (int i = 0; i < 30; ++i) session(i, "a.example");
  wait_for_event("log-sessions", 30);
  end();
  std::size_t removed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(temp_.path())) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("outbound.db")) removed += std::filesystem::remove(entry.path()) ? 1 : 0;
  }
  EXPECT_GE(removed, 2u) << "a segment, and the lock";
  start();
  wait_for_event("log-sessions", 30);
  EXPECT_EQ(sum("a.example"), 30u);
}

/// Two collectors of one database: the second one goes on where the first one was killed, and the
/// first one comes back before the second has stored anything.
TEST_F(LogFollowerTest, what_an_earlier_collector_left_behind_does_not_count_after_another_began) {
  start();
  session(1, "a.example");
  wait_for_event("log-sessions", 1);
  EXPECT_EQ(sum("a.example"), 1u);
  session(2, "b.example");
  wait_for_event("log-sessions", 2);
  end();
  const std::vector<Leftover> left =
      JournalFolder::claim({temp_.path()}, settings_.store.path).leftovers();
  ASSERT_EQ(left.size(), 1u);
  std::filesystem::rename(left[0].path, temp_.file("elsewhere"));
  start();
  wait_for_event("log-sessions", 1);

  SegmentStore first(settings_.store, clock_);
  ClosedSegment closed{std::make_unique<Segment>(1u << 20),
                       left[0].header.journal,
                       left[0].header.number,
                       left[0].header.from,
                       {},
                       true};
  ASSERT_TRUE(read_journal_file(temp_.file("elsewhere"), *closed.segment));
  const auto result = first.add(closed, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->superseded, 1u);
  EXPECT_EQ(sum("b.example"), 1u);
}

TEST_F(LogFollowerTest, a_session_whose_lines_lie_on_both_sides_of_a_restart_is_counted_once) {
  start();
  begin_session(7, "a.example");
  session(8, "b.example");
  wait_for_event("log-sessions", 1);
  EXPECT_EQ(sum("b.example"), 1u);
  end();
  start();
  end_session(7, "a.example");
  wait_for_event("log-sessions", 1);
  EXPECT_EQ(sum("a.example"), 1u);
  EXPECT_EQ(sum("b.example"), 1u);
}

TEST_F(LogFollowerTest, domains_without_record_and_failed_look_ups_are_counted_as_such) {
  start();
  session(1, "silent.example");
  session(2, "fail.example");
  session(3, "a.example");
  wait_for_event("log-sessions", 3);
  EXPECT_EQ(sum("silent.example"), 0u);  // R327
  EXPECT_EQ(sum("fail.example"), 0u);
  EXPECT_EQ(sum("a.example"), 1u);
  EXPECT_EQ(event("log-no-record"), 1u);
  EXPECT_EQ(event("log-lookup-failed"), 1u);
}

TEST_F(LogFollowerTest, a_look_up_that_fails_once_costs_nothing) {
  start();
  session(1, "flaky.example");
  wait_for_event("log-sessions", 1);
  EXPECT_EQ(sum("flaky.example"), 1u);
  EXPECT_EQ(finder_.asked, 2);
}

TEST_F(LogFollowerTest, many_sessions_of_a_host_ask_once) {
  start();
  for (int i = 0; i < 100; ++i) session(i, "a.example");
  wait_for_event("log-sessions", 100);
  EXPECT_EQ(finder_.asked, 1);
}

TEST_F(LogFollowerTest, with_sts_testing_only_domains_in_mode_testing_are_counted) {
  follower_settings_.testing_only = true;
  start();
  session(1, "a.example");
  session(2, "testing.example");
  wait_for_event("log-sessions", 2);
  EXPECT_EQ(sum("a.example"), 0u);
  EXPECT_EQ(event("log-not-testing"), 1u);
}

TEST_F(LogFollowerTest, a_witness_tells_what_the_log_does_not) {
  FakeWitness witness;
  witness_ = &witness;
  start();
  for (int i = 0; i < 3; ++i) session(i, "enforce.example");
  session(4, "enforce-bad.example");
  session(5, "testing-unseen.example");
  session(6, "a.example");  // without a policy nobody need look
  wait_for_event("log-sessions", 6);
  const DomainDay good = counted("enforce.example");
  ASSERT_EQ(good.policies.size(), 1u);
  EXPECT_EQ(good.policies[0].policy.policy_type, "sts");
  EXPECT_EQ(good.policies[0].total_successful_session_count, 3u);
  const DomainDay bad = counted("enforce-bad.example");
  ASSERT_EQ(bad.policies.size(), 1u);
  ASSERT_EQ(bad.policies[0].failure_details.size(), 1u);
  EXPECT_EQ(bad.policies[0].failure_details[0].result_type, "certificate-expired");
  EXPECT_EQ(sum("testing-unseen.example"), 0u);
  EXPECT_EQ(event("log-unjudged"), 1u);
  EXPECT_EQ(witness.asked, 3) << "once for each host";
}

TEST_F(LogFollowerTest, a_witness_is_not_asked_about_sessions_that_do_not_count) {
  FakeWitness witness;
  witness_ = &witness;
  follower_settings_.testing_only = true;
  start();
  session(1, "enforce.example");
  session(2, "testing.example");
  wait_for_event("log-sessions", 2);
  EXPECT_EQ(sum("testing.example"), 1u);
  EXPECT_EQ(event("log-not-testing"), 1u);
  EXPECT_EQ(witness.asked, 1);
}

TEST_F(LogFollowerTest, a_witness_of_today_knows_nothing_about_a_session_of_this_morning) {
  FakeWitness witness;
  witness_ = &witness;
  start();
  for (const char* time : {"05:59:59", "06:00:00"}) {
    write(
        "postfix/smtp[7]: Trusted TLS connection established to mx.testing.example[192.0.2.1]:25: "
        "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
        time);
    write(
        "postfix/smtp[7]: 4F000007: to=<u@testing.example>, "
        "relay=mx.testing.example[192.0.2.1]:25, delay=0.6, delays=0.1/0/0.3/0.2, dsn=2.0.0, "
        "status=sent (250 2.0.0 Ok)",
        time);
  }
  session(8, "testing.example");
  wait_for_event("log-sessions", 3);
  EXPECT_EQ(event("log-unjudged"), 2u);
  EXPECT_EQ(sum("testing.example"), 1u);
}

TEST_F(LogFollowerTest, long_texts_of_some_domains_are_not_at_the_expense_of_others) {
  start();
  end();
  for (int i = 0; i < 50; ++i) session(i, "d" + std::to_string(i) + ".example");
  for (int i = 0; i < 1450; ++i) session(i, "huge" + std::to_string(i) + ".example");
  start();
  wait_for_event("dropped-memory", 1);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(sum("d" + std::to_string(i) + ".example"), 1u);
}

TEST_F(LogFollowerTest, what_the_mta_has_reported_itself_is_left_to_its_datagrams) {
  start();
  session(1, "a.example");
  begin_session(2, "a.example");
  write(
      "postfix/smtp[2]: TLSRPT: status=success, domain=a.example, "
      "receiving_mx=mx.a.example[192.0.2.1]");
  end_session(2, "a.example");
  wait_for_event("log-sessions", 2);
  EXPECT_EQ(sum("a.example"), 1u);
  EXPECT_EQ(event("log-reported-by-mta"), 1u);
}

TEST_F(LogFollowerTest, lines_without_sessions_move_the_place_too) {
  follower_settings_.position_interval = 0ms;
  start();
  for (int i = 0; i < 100; ++i) write("dovecot: nothing of interest");
  wait_until_read();
  const auto has_moved = [&] {
    EXPECT_TRUE(storer_->flush());
    const auto positions =
        OutboundStore::open(settings_.store.path, SqliteMode::read_only).value().log_positions();
    return !positions.value().empty() && positions.value().front().end == "100";
  };
  while (!has_moved()) std::this_thread::yield();
}

}  // namespace
}  // namespace tlsrpt::sender
