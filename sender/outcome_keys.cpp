// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_keys.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tlsrpt::sender {

namespace {

/// Lengths before the texts keep ("ab", "c") and ("a", "bc") apart.
void append_field(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{}:", text.size());
  out += text;
}

std::int64_t hash_key(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = (key << 8) | digest[i];
  return static_cast<std::int64_t>(key);
}

}  // namespace

std::int64_t policy_key(const Policy& policy) {
  std::string text;
  append_field(text, policy.policy_type);
  append_field(text, policy.policy_domain);
  append_field(text, fmt::format("{}", policy.policy_string.size()));
  for (const std::string& line : policy.policy_string) append_field(text, line);
  for (const std::string& pattern : policy.mx_host) append_field(text, pattern);
  return hash_key(text);
}

std::int64_t detail_key(const FailureDetails& details) {
  std::string text;
  for (const std::string* field :
       {&details.result_type, &details.sending_mta_ip, &details.receiving_mx_hostname,
        &details.receiving_mx_helo, &details.receiving_ip, &details.additional_information,
        &details.failure_reason_code}) {
    append_field(text, *field);
  }
  return hash_key(text);
}

std::string join_lines(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& line : list) {
    if (&line != &list.front()) out += '\n';
    out += line;
  }
  return out;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace tlsrpt::sender
