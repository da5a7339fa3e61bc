// SPDX-License-Identifier: BSD-2-Clause
#include "common/ip_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

/// "[IPv6:2001:db8::1]" -> "2001:db8::1"; nothing if a bracket has no partner.
std::optional<std::string_view> unwrap(std::string_view text) {
  constexpr std::string_view kTag = "ipv6:";
  text = trim_blanks(text);
  const bool opened = text.starts_with('[');
  if (opened != text.ends_with(']')) return std::nullopt;
  if (opened)
    text = text.size() < 2 ? std::string_view{} : trim_blanks(text.substr(1, text.size() - 2));
  if (text.size() > kTag.size() && equal_ignoring_case(text.substr(0, kTag.size()), kTag))
    text = trim_blanks(text.substr(kTag.size()));
  return text;
}

/// An IPv4 address in its only spelling: four numbers of at most 255, without leading zeros.
std::optional<std::uint32_t> read_dotted_quad(std::string_view text) {
  const char* next = text.data();
  const char* const end = next + text.size();
  std::uint32_t address = 0;
  for (int number = 0; number < 4; ++number) {
    if (number > 0 && (next == end || *next++ != '.')) return std::nullopt;
    const char* const first = next;
    unsigned octet = 0;
    for (; next < end && octet <= 255; ++next) {
      const unsigned digit = static_cast<unsigned char>(*next) - unsigned{'0'};
      if (digit > 9) break;
      octet = octet * 10 + digit;
    }
    const bool leading_zero = next - first > 1 && *first == '0';
    if (next == first || octet > 255 || leading_zero) return std::nullopt;
    address = address << 8 | octet;
  }
  return next == end ? std::optional(address) : std::nullopt;
}

using Groups = std::array<std::uint16_t, 8>;

/// Reads the groups of an IPv6 address one by one. Zeros take the place of "::" in the end.
class GroupReader {
 public:
  explicit GroupReader(std::string_view text) : rest_(text) {}

  std::optional<Groups> run() {
    if (rest_.starts_with(':') && !take_gap()) return std::nullopt;
    while (!rest_.empty()) {
      if (!take_group() || (!rest_.empty() && !take_colon())) return std::nullopt;
    }
    const bool complete = gap_ ? count_ < groups_.size() : count_ == groups_.size();
    if (!complete) return std::nullopt;
    if (gap_) std::rotate(groups_.begin() + *gap_, groups_.begin() + count_, groups_.end());
    return groups_;
  }

 private:
  bool take_gap() {
    if (gap_ || !rest_.starts_with("::")) return false;
    gap_ = count_;
    rest_.remove_prefix(2);
    return true;
  }

  /// Something has to follow a single one.
  bool take_colon() {
    if (rest_.starts_with("::")) return take_gap();
    if (rest_.size() < 2 || rest_.front() != ':') return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_group() {
    constexpr std::size_t kMaxDigits = 4;
    std::size_t digits = 0;
    int value = 0;
    for (; digits < rest_.size() && hex_value(rest_[digits]) >= 0; ++digits) {
      if (digits == kMaxDigits) return false;
      value = value * 16 + hex_value(rest_[digits]);
    }
    if (digits < rest_.size() && rest_[digits] == '.') return take_dotted_quad();
    rest_.remove_prefix(digits);
    return digits > 0 && put(static_cast<unsigned>(value));
  }

  /// The last two groups may be written as IPv4 is.
  bool take_dotted_quad() {
    const auto address = read_dotted_quad(rest_);
    rest_ = {};
    return address && put(*address >> 16) && put(*address & 0xffff);
  }

  bool put(unsigned group) {
    if (count_ == groups_.size()) return false;
    groups_[count_++] = static_cast<std::uint16_t>(group);
    return true;
  }

  std::string_view rest_;
  Groups groups_{};
  std::size_t count_ = 0;
  std::optional<std::size_t> gap_;  ///< how many groups stand before "::"
};

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
  std::array<char, sizeof "0123:4567:89ab:cdef:0123:4567:89ab:cdef"> text{};
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

/// RFC 4291 section 2.5.5.2: what an IPv4 address is where only IPv6 can stand.
bool is_mapped(const Groups& groups) {
  return groups[5] == 0xffff && std::all_of(groups.begin(), groups.begin() + 5,
                                            [](std::uint16_t group) { return group == 0; });
}

std::string format_last_as_ipv4(const Groups& groups) {
  return fmt::format("{}.{}.{}.{}", groups[6] >> 8, groups[6] & 0xff, groups[7] >> 8,
                     groups[7] & 0xff);
}

}  // namespace

std::optional<std::string> canonical_ip(std::string_view text) {
  if (read_dotted_quad(text)) return std::string(text);
  const auto unwrapped = unwrap(text);
  if (!unwrapped) return std::nullopt;
  if (read_dotted_quad(*unwrapped)) return std::string(*unwrapped);
  const auto groups = GroupReader(*unwrapped).run();
  if (!groups) return std::nullopt;
  return is_mapped(*groups) ? format_last_as_ipv4(*groups) : format_groups(*groups);
}

}  // namespace tlsrpt
