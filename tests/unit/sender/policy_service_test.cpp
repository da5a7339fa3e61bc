// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_service.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <csignal>
#include <thread>

#include "sender/outcome_socket.hpp"
#include "sender/policy_ask.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/fake_log.hpp"
#include "tests/unit/sender/policy_house.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::chrono::seconds kPatience{20};

/// A service on a socket of its own; TERM ends it.
class PolicyServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    block_signals();
    socket_.path = folder_.path() + "/policy.sock";
    settings_.patience = std::chrono::seconds(10);
    policies_.set("a.example", enforced_standing("a.example"));
  }
  void TearDown() override {
    policies_.hold("");
    stop();
  }

  void start() {
    signals_.emplace(SignalFd::create().value());
    stop_.emplace(StopSignal::create().value());
    SocketSettings where;
    where.kind = SocketKind::stream;
    where.path = socket_.path;
    SocketWarnings warnings;
    listener_.emplace(OutcomeSocket::bind(where, warnings).value());
    pool_.emplace(settings_.threads);
    knowledge_.emplace(remembering_, policies_, dns_);
    service_ = std::make_unique<PolicyService>(
        settings_, std::vector<int>{listener_->fd()}, *knowledge_, *pool_, dns_,
        OutcomeSender({folder_.path() + "/outcomes.sock"}), *signals_, *stop_, clock_, log_);
    thread_ = std::thread([this] { result_ = service_->run(); });
  }
  Exit stop() {
    if (thread_.joinable()) {
      ::kill(::getpid(), SIGTERM);
      thread_.join();
    }
    return result_;
  }
  SocketmapReply ask(const std::string& map, const std::string& key) {
    const auto reply = ask_policy(socket_, map, key, kPatience);
    EXPECT_TRUE(reply.has_value()) << reply.error().detail;
    return reply.value_or(SocketmapReply{SocketmapStatus::permanent, "no reply"});
  }
  UniqueFd connect() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static std::string read_until(int fd, std::size_t bytes) {
    std::string text;
    std::array<char, 4096> buffer;
    pollfd entry{fd, POLLIN, 0};
    while (text.size() < bytes && ::poll(&entry, 1, 20000) == 1) {
      const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  TempDir folder_;
  StreamSocket socket_;
  PolicyServiceSettings settings_;
  KnowledgeSettings remembering_;
  FakeDns dns_;
  FakeStsPolicies policies_;
  FakeLog log_;
  SystemClock clock_;
  std::optional<SignalFd> signals_;
  std::optional<StopSignal> stop_;
  std::optional<OutcomeSocket> listener_;
  std::optional<PolicyKnowledge> knowledge_;
  std::optional<LookupPool> pool_;
  std::unique_ptr<PolicyService> service_;
  std::thread thread_;
  Exit result_ = Exit::software;
};

TEST_F(PolicyServiceTest, answers_by_map_and_key) {
  start();
  EXPECT_EQ(ask("plain", "a.example").text, "secure match=mx.a.example servername=hostname");
  EXPECT_EQ(ask("tlsrpt", "A.example")
                .text.find("secure match=mx.a.example servername=hostname "
                           "policy_type=sts"),
            0u);
  EXPECT_EQ(ask("tlsrpt", "b.example").status, SocketmapStatus::not_found);
  EXPECT_EQ(ask("tlsrpt", ".a.example").status, SocketmapStatus::not_found) << "never a parent's";
  EXPECT_EQ(policies_.asked(), 2) << "the second question about a.example was answered at once";
  EXPECT_EQ(stop(), Exit::ok);
  EXPECT_EQ(service_->stats().questions, 4u);
  EXPECT_EQ(service_->stats().at_once, 2u);
}

TEST_F(PolicyServiceTest, pipelined_questions_are_answered_in_order) {
  start();
  const UniqueFd fd = connect();
  std::string questions;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const bool known = i % 3 == 0;
    questions += write_netstring(known ? "plain a.example" : "plain b.example");
    expected +=
        write_netstring(known ? "OK secure match=mx.a.example servername=hostname" : "NOTFOUND ");
  }
  std::thread writer([&] {
    EXPECT_EQ(::send(fd.get(), questions.data(), questions.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(questions.size()));
  });
  EXPECT_EQ(read_until(fd.get(), expected.size()), expected);
  writer.join();
}

TEST_F(PolicyServiceTest, who_waits_for_one_domain_does_not_keep_others_waiting) {
  policies_.hold("slow.example");
  start();
  const UniqueFd slow = connect();
  const std::string question = write_netstring("plain slow.example");
  ASSERT_GT(::send(slow.get(), question.data(), question.size(), 0), 0);
  EXPECT_EQ(ask("plain", "a.example").status, SocketmapStatus::ok);
  policies_.set("slow.example", enforced_standing("slow.example"));
  policies_.hold("");
  EXPECT_NE(read_until(slow.get(), 10).find("OK secure match=mx.slow.example"), std::string::npos);
}

TEST_F(PolicyServiceTest, a_look_up_that_is_late_does_not_hide_a_policy_in_force) {
  settings_.patience = std::chrono::milliseconds(50);
  settings_.grace = std::chrono::milliseconds(50);
  policies_.hold("a.example");
  policies_.set("b.example", {});
  start();
  EXPECT_EQ(ask("plain", "a.example").status, SocketmapStatus::ok);
}

TEST_F(PolicyServiceTest, R270_slow_strangers_do_not_keep_a_policy_in_force_waiting) {
  settings_.threads = 1;
  settings_.patience = std::chrono::hours(1);
  settings_.known_patience = std::chrono::milliseconds(20);
  settings_.grace = std::chrono::milliseconds(20);
  remembering_.fresh = std::chrono::seconds(0);
  start();
  EXPECT_EQ(ask("plain", "a.example").status, SocketmapStatus::ok);
  policies_.hold("slow.example");
  const UniqueFd slow = connect();
  const std::string question = write_netstring("plain slow.example");
  ASSERT_GT(::send(slow.get(), question.data(), question.size(), 0), 0);
  EXPECT_EQ(ask("plain", "a.example").status, SocketmapStatus::ok);
  EXPECT_EQ(ask("plain", "a.example").status, SocketmapStatus::ok);
}

TEST_F(PolicyServiceTest, a_remembered_policy_that_has_expired_is_not_told) {
  settings_.threads = 1;
  settings_.patience = settings_.grace = std::chrono::milliseconds(20);
  remembering_.fresh = std::chrono::seconds(0);
  StsStanding old = enforced_standing("a.example");
  old.expires_at = clock_.now();
  policies_.set("a.example", old);
  start();
  ask("plain", "a.example");
  policies_.set("a.example", {});
  policies_.hold("slow.example");
  const UniqueFd slow = connect();
  const std::string question = write_netstring("plain slow.example");
  ASSERT_GT(::send(slow.get(), question.data(), question.size(), 0), 0);
  EXPECT_EQ(ask("plain", "a.example").status, SocketmapStatus::not_found);
}

TEST_F(PolicyServiceTest, what_is_no_question_ends_the_connection_after_the_answers) {
  start();
  const UniqueFd fd = connect();
  const std::string text = write_netstring("plain .example") + "GET / HTTP/1.1\r\n";
  ASSERT_GT(::send(fd.get(), text.data(), text.size(), 0), 0);
  EXPECT_EQ(read_until(fd.get(), 1000), write_netstring("NOTFOUND ")) << "then the end";
  stop();
  EXPECT_EQ(service_->stats().malformed, 1u);
}

TEST_F(PolicyServiceTest, further_connections_wait_until_one_goes) {
  settings_.connections = 2;
  start();
  auto first = connect();
  const auto second = connect();
  const std::string question = write_netstring("plain a.example");
  for (const int fd : {first.get(), second.get()}) {
    ASSERT_GT(::send(fd, question.data(), question.size(), 0), 0);
    EXPECT_FALSE(read_until(fd, 1).empty());
  }
  const auto third = connect();
  ASSERT_GT(::send(third.get(), question.data(), question.size(), 0), 0);
  pollfd entry{third.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 50), 0);
  first.reset();
  EXPECT_FALSE(read_until(third.get(), 1).empty());
}

TEST_F(PolicyServiceTest, a_problem_is_recorded_once_for_each_question) {
  StsStanding standing;
  standing.problem = PolicyProblem{"sts-policy-fetch-error", "http-status-404", ""};
  policies_.set("c.example", standing);
  dns_.add_txt("_smtp._tls.c.example", "v=TLSRPTv1; rua=mailto:r@c.example");
  SocketSettings where;
  where.path = folder_.path() + "/outcomes.sock";
  SocketWarnings warnings;
  std::optional<OutcomeSocket> outcomes(OutcomeSocket::bind(where, warnings).value());
  start();
  EXPECT_EQ(ask("tlsrpt", "c.example").status, SocketmapStatus::not_found);
  EXPECT_EQ(ask("tlsrpt", "c.example").status, SocketmapStatus::not_found);
  EXPECT_EQ(ask("plain", "c.example").status, SocketmapStatus::not_found);
  DatagramBatch batch(8, 65536);
  EXPECT_EQ(batch.receive(outcomes->fd()).value(), 2u);
  EXPECT_NE(batch[0].find("\"f\":\"http-status-404\""), std::string_view::npos) << batch[0];
  outcomes.reset();
  EXPECT_EQ(ask("tlsrpt", "c.example").status, SocketmapStatus::not_found)
      << "mail does not depend on the collector";
  EXPECT_EQ(stop(), Exit::ok);
  EXPECT_EQ(service_->stats().recorded, 2u);
  EXPECT_EQ(service_->stats().not_recorded, 1u);
  EXPECT_EQ(log_.count("policy-not-recorded"), 1);
}

}  // namespace
}  // namespace tlsrpt::sender
