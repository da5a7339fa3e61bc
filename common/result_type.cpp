// SPDX-License-Identifier: BSD-2-Clause
#include "common/result_type.hpp"

#include <algorithm>
#include <string>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

/// In the order of kResultTypes.
constexpr std::array<std::string_view, kResultTypes.size()> kExplanations = {
    "the receiving MX did not offer STARTTLS",
    "the name in the MX's certificate is not the name that the sender had to find",
    "the sender does not trust the MX's certificate: its issuer, its chain or a constraint is "
    "wrong",
    "the MX's certificate has expired",
    "TLS failed for a reason that has no word of its own; the reason code says more",
    "the MTA-STS policy could not be fetched over HTTPS",
    "the MTA-STS policy was fetched, but does not follow its grammar",
    "the certificate of the MTA-STS policy host (mta-sts.) is not valid",
    "the TLSA records of the MX are not usable, or none of them matches its certificate",
    "DNSSEC validation of the domain's or the MX's records failed",
    "the sender demands DANE, and the MX has no usable TLSA records"};

template <std::size_t n>
bool holds(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// In lower case, with one hyphen for all that is between letters.
std::string folded(std::string_view word) {
  std::string text;
  bool between = false;
  for (const char c : word) {
    const char lower = ascii_lower(c);
    const bool letter = lower >= 'a' && lower <= 'z';
    if (letter && between && !text.empty()) text += '-';
    if (letter) text += lower;
    between = !letter;
  }
  return text;
}

template <std::size_t n>
std::optional<std::string_view> find_spelling(const std::array<std::string_view, n>& words,
                                              std::string_view spelling) {
  constexpr std::size_t kLongest = 100;
  if (spelling.size() > kLongest) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), folded(spelling));
  return found == words.end() ? std::nullopt : std::optional(*found);
}

/// Senders do not agree on the word for a certificate that no TLSA record vouches for (R256).
constexpr std::array<std::string_view, 4> kDaneAuthentication = {
    "tlsa-invalid", "certificate-not-trusted", "certificate-host-mismatch", "validation-failure"};
constexpr std::string_view kDaneExplanation =
    "DANE authentication failed: most likely no TLSA record matches the MX's certificate";

}  // namespace

bool is_registered_result_type(std::string_view word) { return holds(kResultTypes, word); }

bool is_registered_policy_type(std::string_view word) { return holds(kPolicyTypes, word); }

std::optional<std::string_view> find_result_type(std::string_view spelling) {
  return find_spelling(kResultTypes, spelling);
}

std::optional<std::string_view> find_policy_type(std::string_view spelling) {
  return find_spelling(kPolicyTypes, spelling);
}

std::string_view explain_result_type(std::string_view word, std::string_view policy_type) {
  if (policy_type == "tlsa" && holds(kDaneAuthentication, word)) return kDaneExplanation;
  const auto found = std::find(kResultTypes.begin(), kResultTypes.end(), word);
  if (found == kResultTypes.end()) return {};
  return kExplanations[static_cast<std::size_t>(found - kResultTypes.begin())];
}

}  // namespace tlsrpt
