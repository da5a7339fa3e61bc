// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The registries of RFC 8460: STARTTLS Validation Result Types (section 6.6, R89) and policy types
// (section 4.4, R68). Words outside of them are read and kept, but never written by the sender.

#include <array>
#include <optional>
#include <string_view>

namespace tlsrpt {

inline constexpr std::array<std::string_view, 11> kResultTypes = {"starttls-not-supported",
                                                                  "certificate-host-mismatch",
                                                                  "certificate-not-trusted",
                                                                  "certificate-expired",
                                                                  "validation-failure",
                                                                  "sts-policy-fetch-error",
                                                                  "sts-policy-invalid",
                                                                  "sts-webpki-invalid",
                                                                  "tlsa-invalid",
                                                                  "dnssec-invalid",
                                                                  "dane-required"};

inline constexpr std::array<std::string_view, 3> kPolicyTypes = {"tlsa", "sts", "no-policy-found"};

bool is_registered_result_type(std::string_view word);
bool is_registered_policy_type(std::string_view word);

/// The registered word that is spelt so in letters of any case and with any signs between words, as
/// "Certificate_Expired" or "no policy found"; nothing if there is none.
std::optional<std::string_view> find_result_type(std::string_view spelling);
std::optional<std::string_view> find_policy_type(std::string_view spelling);

/// What a person should understand by a result type, which under a policy of type tlsa may mean
/// something else: one line without a full stop, empty for unknown words.
std::string_view explain_result_type(std::string_view word, std::string_view policy_type);

}  // namespace tlsrpt
