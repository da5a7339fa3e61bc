// SPDX-License-Identifier: BSD-2-Clause
#include "common/failure_advice.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/result_type.hpp"

namespace tlsrpt {
namespace {

TEST(FailureAdvice, every_result_type_has_some_under_every_policy) {
  for (const std::string_view policy : kPolicyTypes) {
    for (const std::string_view result : kResultTypes) {
      const FailureAdvice advice = advise(policy, result, "");
      EXPECT_TRUE(advice.meaning.ends_with('.')) << policy << " " << result;
      EXPECT_TRUE(advice.remedy.ends_with('.')) << policy << " " << result;
      EXPECT_EQ(advise(policy, result, "anything else"), advice);
    }
  }
}

TEST(FailureAdvice, a_reason_code_says_more) {
  const std::set<std::string_view> remedies = {
      advise("sts", "validation-failure", "mx-not-in-sts-policy").remedy,
      advise("sts", "validation-failure", "tls-handshake-timeout").remedy,
      advise("sts", "validation-failure", "tls-remote-alert-70-protocol-version").remedy,
      advise("sts", "validation-failure", "").remedy};
  EXPECT_EQ(remedies.size(), 4u);
  EXPECT_NE(advise("tlsa", "tlsa-invalid", "all-tlsa-unusable"),
            advise("tlsa", "tlsa-invalid", "tlsa-no-match"));
}

TEST(FailureAdvice, names_the_domain_it_is_for) {
  EXPECT_EQ(for_domain("https://mta-sts.DOMAIN/ and _mta-sts.DOMAIN.", "a.example"),
            "https://mta-sts.a.example/ and _mta-sts.a.example.");
  EXPECT_EQ(for_domain("DOMAIN", "DOMAIN"), "DOMAIN");
  EXPECT_EQ(for_domain("Enable TLS 1.3.", "a.example"), "Enable TLS 1.3.");
}

TEST(FailureAdvice, nothing_for_words_of_strangers) {
  EXPECT_EQ(advise("sts", "certificate-exploded", "").meaning, "");
}

}  // namespace
}  // namespace tlsrpt
