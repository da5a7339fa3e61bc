// SPDX-License-Identifier: BSD-2-Clause
#include "common/ip_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace tlsrpt {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// "[IPv6:2001:db8::1]" -> "2001:db8::1"; nothing if a bracket has no partner.
std::optional<std::string_view> unwrap(std::string_view text) {
  constexpr std::string_view kTag = "ipv6:";
  text = trim(text);
  const bool opened = text.starts_with('[');
  if (opened != text.ends_with(']')) return std::nullopt;
  if (opened) text = text.size() < 2 ? std::string_view{} : trim(text.substr(1, text.size() - 2));
  const bool tagged = text.size() > kTag.size() &&
                      std::equal(kTag.begin(), kTag.end(), text.begin(), [](char wanted, char c) {
                        return wanted == (c >= 'A' && c <= 'Z' ? c + 32 : c);
                      });
  if (tagged) text = trim(text.substr(kTag.size()));
  return text;
}

/// The only spelling of an IPv4 address: four numbers of at most 255, without leading zeros.
bool is_dotted_quad(std::string_view text) {
  const char* next = text.data();
  const char* const end = next + text.size();
  for (int number = 0; number < 4; ++number) {
    if (number > 0 && (next == end || *next++ != '.')) return false;
    const char* const first = next;
    int value = 0;
    for (; next < end && *next >= '0' && *next <= '9' && value <= 255; ++next)
      value = value * 10 + (*next - '0');
    const bool leading_zero = next - first > 1 && *first == '0';
    if (next == first || value > 255 || leading_zero) return false;
  }
  return next == end;
}

using Groups = std::array<std::uint16_t, 8>;

/// RFC 5952: no leading zeros, lower case, "::" for the first longest run of two or more zeros.
std::string format_groups(const Groups& groups) {
  std::size_t best = 0;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < groups.size();) {
    std::size_t end = i;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = std::max(end, i + 1);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  char* end = text.data();
  for (std::size_t i = 0; i < groups.size();) {
    if (best_length > 1 && i == best) {
      *end++ = ':';
      *end++ = ':';
      i += best_length;
      continue;
    }
    if (end != text.data() && end[-1] != ':') *end++ = ':';
    end = std::to_chars(end, text.data() + text.size(), groups[i], 16).ptr;
    ++i;
  }
  return {text.data(), end};
}

}  // namespace

std::optional<std::string> canonical_ip(std::string_view text) {
  if (is_dotted_quad(text)) return std::string(text);
  const auto unwrapped = unwrap(text);
  constexpr std::size_t kLongest = INET6_ADDRSTRLEN;
  if (!unwrapped || unwrapped->empty() || unwrapped->size() >= kLongest) return std::nullopt;
  // inet_pton stops at a NUL byte; so must nothing that stands behind one.
  if (unwrapped->find('\0') != std::string_view::npos) return std::nullopt;
  if (is_dotted_quad(*unwrapped)) return std::string(*unwrapped);

  std::array<char, kLongest> address{};  // ends with a NUL byte
  std::copy(unwrapped->begin(), unwrapped->end(), address.begin());
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, address.data(), bytes.data()) != 1) return std::nullopt;
  Groups groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
  const bool mapped =
      std::all_of(groups.begin(), groups.begin() + 5, [](auto group) { return group == 0; }) &&
      groups[5] == 0xffff;
  if (mapped) return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  return format_groups(groups);
}

}  // namespace tlsrpt
