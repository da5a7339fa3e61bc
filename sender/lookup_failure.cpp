// SPDX-License-Identifier: BSD-2-Clause
#include "sender/lookup_failure.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tlsrpt::sender {

std::optional<unsigned> extended_error(std::string_view detail) {
  constexpr std::string_view kMark = "(EDE ";
  const std::size_t at = detail.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = detail.substr(at + kMark.size());
  unsigned number = 0;
  const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (end.ec != std::errc() || number > 0xffff) return std::nullopt;
  return number;
}

bool is_dnssec_failure(std::string_view detail) {
  const auto number = extended_error(detail);
  return number && *number >= 5 && *number <= 12;
}

std::string lookup_reason(std::string_view detail) {
  if (const auto number = extended_error(detail)) return fmt::format("ede-{}", *number);
  if (detail.starts_with("SERVFAIL")) return "servfail";
  if (detail.starts_with("timeout")) return "timeout";
  return "dns-failure";
}

}  // namespace tlsrpt::sender
