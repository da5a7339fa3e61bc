// SPDX-License-Identifier: BSD-2-Clause
#include "sender/certificate_probe.hpp"

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "sender/reason_code.hpp"
#include "tests/unit/sender/fake_log.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

class SetClock final : public Clock {
 public:
  [[nodiscard]] Seconds now() const override { return time; }
  Seconds time{std::chrono::sys_days(2026y / 3 / 1)};
};

class CertificateProbeTest : public testing::Test {
 protected:
  ProbeResult probe(const ProbeTarget& target) {
    targets_.push_back(target.mx_host + ' ' + target.address);
    ProbeResult result = result_;
    result.session.mx_host = target.mx_host;
    result.session.receiving_ip = target.address;
    return result;
  }
  void established(std::vector<int> errors) {
    result_.session.starttls = StarttlsState::established;
    result_.session.pkix = {std::move(errors), true};
  }

  SetClock clock_;
  FakeLog log_;
  ProbeResult result_;  ///< of each session from now on
  std::vector<std::string> targets_;
  int count_ = 0;
  CertificateProbe probe_{{},
                          {[this](const ProbeTarget& target) { return probe(target); },
                           [this] { ++count_; }, clock_, log_}};
};

TEST_F(CertificateProbeTest, what_was_seen_holds_for_six_hours) {
  established({X509_V_ERR_HOSTNAME_MISMATCH});
  const Verification wrong_name{{X509_V_ERR_HOSTNAME_MISMATCH}, true};
  EXPECT_EQ(probe_.look_at("mx.example", "192.0.2.1"), wrong_name);
  established({});
  clock_.time += 6h - 1s;
  EXPECT_EQ(probe_.look_at("mx.example", "192.0.2.1"), wrong_name);
  EXPECT_EQ(count_, 1);
  clock_.time += 1s;
  EXPECT_EQ(probe_.look_at("mx.example", "192.0.2.1"), (Verification{{}, true}));
  EXPECT_EQ(count_, 2);
}

TEST_F(CertificateProbeTest, each_address_of_a_host_has_a_certificate_of_its_own) {
  established({});
  probe_.look_at("mx.example", "192.0.2.1");
  probe_.look_at("mx.example", "192.0.2.2");
  probe_.look_at("mx2.example", "192.0.2.2");
  EXPECT_EQ(targets_, (std::vector<std::string>{"mx.example 192.0.2.1", "mx.example 192.0.2.2",
                                                "mx2.example 192.0.2.2"}));
}

TEST_F(CertificateProbeTest, what_could_not_be_seen_is_tried_again_after_half_an_hour) {
  for (const StarttlsState state :
       {StarttlsState::not_reached, StarttlsState::not_offered, StarttlsState::refused,
        StarttlsState::failed, StarttlsState::established}) {
    result_.session.starttls = state;
    const int before = count_;
    EXPECT_FALSE(probe_.look_at("mx.example", "192.0.2.1"));
    clock_.time += 30min - 1s;
    EXPECT_FALSE(probe_.look_at("mx.example", "192.0.2.1"));
    EXPECT_EQ(count_, before + 1);
    clock_.time += 1s;
  }
}

TEST_F(CertificateProbeTest, an_address_that_is_silent_is_left_alone_with_all_its_hosts) {
  result_.session.starttls = StarttlsState::failed;
  result_.session.reason_code = reason::kHandshakeTimeout;
  probe_.look_at("mx1.example", "192.0.2.1");
  established({});
  EXPECT_FALSE(probe_.look_at("mx2.example", "192.0.2.1"));
  EXPECT_TRUE(probe_.look_at("mx2.example", "192.0.2.2"));
  EXPECT_EQ(count_, 2);
  clock_.time += 30min;
  EXPECT_TRUE(probe_.look_at("mx2.example", "192.0.2.1"));
}

TEST_F(CertificateProbeTest, a_fault_of_one_host_does_not_silence_its_address) {
  result_.session.starttls = StarttlsState::failed;
  result_.session.reason_code = reason::kHandshakeFailure;
  EXPECT_FALSE(probe_.look_at("mx1.example", "192.0.2.1"));
  established({});
  EXPECT_TRUE(probe_.look_at("mx2.example", "192.0.2.1"));
}

TEST_F(CertificateProbeTest, a_fault_of_ours_costs_one_question) {
  bool fails = true;
  CertificateProbe probe({}, {[&](const ProbeTarget& target) {
                                if (std::exchange(fails, false)) throw std::bad_alloc();
                                return this->probe(target);
                              },
                              [] {}, clock_, log_});
  established({});
  EXPECT_THROW(probe.look_at("mx.example", "192.0.2.1"), std::bad_alloc);
  EXPECT_TRUE(probe.look_at("mx.example", "192.0.2.1"));
}

TEST_F(CertificateProbeTest, there_is_one_session_at_a_time_with_an_address) {
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::atomic<int> sessions = 0;
  CertificateProbe probe({}, {[&](const ProbeTarget&) {
                                const int now = ++at_once;
                                most = std::max(most.load(), now);
                                for (int i = 0; i < 100; ++i) std::this_thread::yield();
                                --at_once;
                                ++sessions;
                                return result_;
                              },
                              [] {}, clock_, log_});
  established({});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] { probe.look_at(std::to_string(i) + ".example", "192.0.2.1"); });
    }
  }
  EXPECT_EQ(sessions, 8);
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace tlsrpt::sender
