// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a failure in a report means for the domain that it is about, and how to mend it.

#include <string>
#include <string_view>

namespace tlsrpt {

/// One or two sentences each, with a full stop, DOMAIN for the policy domain; empty for a result
/// type that is not registered.
struct FailureAdvice {
  std::string_view meaning;
  std::string_view remedy;
  bool operator==(const FailureAdvice&) const = default;
};

/// By policy type, result type and, where it tells more, the reason code; those of other senders
/// are understood as far as they are alike (RFC 8460 sections 4.3 and 4.4).
FailureAdvice advise(std::string_view policy_type, std::string_view result_type,
                     std::string_view reason_code);

/// The sentence with that domain in place of "DOMAIN".
std::string for_domain(std::string_view sentence, std::string_view domain);

}  // namespace tlsrpt
