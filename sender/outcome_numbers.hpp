// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// libtlsrpt's numbers for the words of RFC 8460.

#include <array>
#include <cstdint>
#include <string_view>

namespace tlsrpt::sender {

struct OutcomeNumber {
  std::int64_t number;
  std::string_view word;
};

inline constexpr std::array kResultNumbers = {OutcomeNumber{201, "starttls-not-supported"},
                                              OutcomeNumber{202, "certificate-host-mismatch"},
                                              OutcomeNumber{203, "certificate-not-trusted"},
                                              OutcomeNumber{204, "certificate-expired"},
                                              OutcomeNumber{205, "validation-failure"},
                                              OutcomeNumber{301, "sts-policy-fetch-error"},
                                              OutcomeNumber{302, "sts-policy-invalid"},
                                              OutcomeNumber{303, "sts-webpki-invalid"},
                                              OutcomeNumber{304, "tlsa-invalid"},
                                              OutcomeNumber{305, "dnssec-invalid"},
                                              OutcomeNumber{306, "dane-required"}};

inline constexpr std::array kPolicyTypeNumbers = {OutcomeNumber{1, "tlsa"}, OutcomeNumber{2, "sts"},
                                                  OutcomeNumber{9, "no-policy-found"}};

/// What read_outcome puts before the number of a policy type that libtlsrpt does not have, and of a
/// result.
inline constexpr std::string_view kUnknownPolicyType = "libtlsrpt-policy-type-";
inline constexpr std::string_view kUnknownResult = "libtlsrpt-code-";

}  // namespace tlsrpt::sender
