// SPDX-License-Identifier: BSD-2-Clause
// However many signatures a mail has and however slow DNS is: the look-ups of all its keys together
// take a bounded time, and what was not looked up is to be tried again.
#include <gtest/gtest.h>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt::dkim_test {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

/// The time that SlowDns and the verifier share; the verifier takes a plain function.
Time& now() {
  static Time time;
  return time;
}

/// Every question takes five seconds and is not answered, as behind a resolver that is gone.
struct SlowDns final : FakeDns {
  DnsAnswer<std::string> txt(std::string_view name) override {
    now() += 5s;
    const auto answer = FakeDns::txt(name);
    return answer.status == DnsStatus::found ? answer : failed<std::string>("timeout");
  }
};

VerifySettings timed_settings(std::chrono::seconds lookup_time) {
  VerifySettings settings = verify_settings();
  settings.lookup_time = lookup_time;
  settings.steady_now = [] { return now(); };
  return settings;
}

std::string signed_times(int times) {
  const DkimKey key = load_key("ed25519");
  std::string message = kMessage;
  for (int i = 0; i < times; ++i) {
    SignSettings settings = sign_settings();
    settings.selector = fmt::format("s{}", times - i);
    message = signed_message(message, key, settings);
  }
  return message;
}

TEST(DkimDeadline, no_key_is_looked_up_after_it) {
  SlowDns dns;
  const Time begin = now();
  const DkimVerdict verdict = dkim_verify(signed_times(10), dns, timed_settings(15s));
  EXPECT_EQ(dns.questions().size(), 3u);
  EXPECT_EQ(now() - begin, 15s);
  ASSERT_EQ(verdict.signatures.size(), 10u);
  EXPECT_EQ(shown(verdict), "temperror key-lookup-failed");
  EXPECT_EQ(shown(verdict.signatures[2]), "temperror key-lookup-failed");
  EXPECT_EQ(shown(verdict.signatures[3]), "temperror no-time-left");
  EXPECT_EQ(shown(verdict.signatures[9]), "temperror no-time-left");
}

TEST(DkimDeadline, the_first_key_is_always_asked_for) {
  SlowDns dns;
  dns.add_txt("s1._domainkey.example.com", key_record(load_key("ed25519")));
  EXPECT_EQ(shown(dkim_verify(signed_times(1), dns, timed_settings(1s))), "pass");
}

TEST(DkimDeadline, a_signature_that_passed_in_time_is_enough) {
  SlowDns dns;
  dns.add_txt("s2._domainkey.example.com", key_record(load_key("ed25519")));
  const DkimVerdict verdict = dkim_verify(signed_times(5), dns, timed_settings(10s));
  EXPECT_EQ(shown(verdict), "pass");
  EXPECT_EQ(verdict.best.selector, "s2");
  EXPECT_EQ(dns.questions().size(), 2u);
}

}  // namespace
}  // namespace tlsrpt::dkim_test
