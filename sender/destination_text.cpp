// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destination_text.hpp"

#include <algorithm>
#include <string>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt::sender {

namespace {

bool is_unreserved(char c) {
  const char low = ascii_lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return encoded;
}

bool has_scheme(std::string_view text) {
  const std::string_view scheme = text.substr(0, text.find(':'));
  return equal_ignoring_case(scheme, "mailto") || equal_ignoring_case(scheme, "https");
}

}  // namespace

Result<Rua> parse_destination(std::string_view text) {
  text = trimmed(text);
  const auto explain = [&](const Error& error) {
    return error.context(fmt::format("\"{}\"", text));
  };
  if (has_scheme(text)) return parse_rua(text).map_error(explain);
  const std::string_view local = text.substr(0, std::min(text.rfind('@'), text.size()));
  const auto domain = domain_of_address(text);
  if (!domain || !is_plain_address(fmt::format("{}@{}", local, *domain))) {
    return fail(ErrorCode::invalid_argument,
                "\"{}\" is no destination; write an address, or a mailto: or https: URI", text);
  }
  return parse_rua(fmt::format("mailto:{}@{}", percent_encode(local), *domain)).map_error(explain);
}

}  // namespace tlsrpt::sender
