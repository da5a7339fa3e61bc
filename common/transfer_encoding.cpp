// SPDX-License-Identifier: BSD-2-Clause
#include "common/transfer_encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/ascii.hpp"
#include "common/header_field.hpp"
#include "common/swar.hpp"

namespace tlsrpt {
namespace {

constexpr std::uint8_t kForeign = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> digits{};
  for (std::uint8_t& digit : digits) digit = kForeign;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}

constexpr std::array<std::uint8_t, 256> kDigits = make_digits();

std::uint8_t digit_of(char c) { return kDigits[static_cast<unsigned char>(c)]; }

/// Writes the octets that the first 'digits' of a group of four hold; gives the new end.
char* put_group(char* out, std::uint32_t group, int digits) {
  group <<= 6 * (4 - digits);
  for (int octet = 0; octet + 1 < digits; ++octet)
    *out++ = static_cast<char>(group >> (16 - 8 * octet) & 0xffu);
  return out;
}

constexpr std::uint32_t kForeignGroup = 1u << 31;

/// Digits where they stand in a group of four.
constexpr std::array<std::uint32_t, 256> make_shifted(int shift) {
  std::array<std::uint32_t, 256> shifted{};
  for (std::size_t i = 0; i < shifted.size(); ++i)
    shifted[i] = kDigits[i] == kForeign ? kForeignGroup : std::uint32_t{kDigits[i]} << shift;
  return shifted;
}

constexpr std::array<std::array<std::uint32_t, 256>, 4> kShifted = {
    make_shifted(18), make_shifted(12), make_shifted(6), make_shifted(0)};

template <std::size_t place>
std::uint32_t digit_at(const char* group) {
  return kShifted[place][static_cast<unsigned char>(group[place])];
}

/// Takes groups of four digits as long as they come in a row, which is nearly all of the text. Each
/// is written with an octet more than it has, which the next one overwrites.
void decode_groups(const char*& from, const char* end, char*& out) {
  const char* next = from;
  char* made = out;
  for (; end - next >= 4; next += 4, made += 3) {
    const std::uint32_t group =
        digit_at<0>(next) | digit_at<1>(next) | digit_at<2>(next) | digit_at<3>(next);
    if ((group & kForeignGroup) != 0) break;
    store_big_endian(made, group << 8);
  }
  from = next;
  out = made;
}

bool is_foreign_sign(char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; }

std::string decode_base64(std::string_view text, bool& foreign_signs) {
  std::string decoded(text.size() / 4 * 3 + 3, '\0');  // an octet more than can be made
  char* out = decoded.data();
  const char* from = text.data();
  const char* const end = from + text.size();
  std::uint32_t group = 0;
  int digits = 0;
  while (from < end) {
    if (digits == 0) decode_groups(from, end, out);
    if (from == end) break;
    const char c = *from++;
    const std::uint8_t digit = digit_of(c);
    if (digit != kForeign) {
      group = group << 6 | digit;
      if (++digits < 4) continue;
    } else if (c != '=') {
      foreign_signs = foreign_signs || is_foreign_sign(c);
      continue;
    }
    out = put_group(out, group, digits);
    group = 0;
    digits = 0;
  }
  out = put_group(out, group, digits);
  decoded.resize(static_cast<std::size_t>(out - decoded.data()));
  return decoded;
}

/// One line without its line end. True if a line break follows it in the content.
bool append_quoted_printable_line(std::string& out, std::string_view line) {
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  const bool soft_break = line.ends_with('=');
  if (soft_break) line.remove_suffix(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const int octet = line[i] == '=' ? hex_octet(line, i + 1) : -1;
    if (octet >= 0) {
      out += static_cast<char>(octet);
      i += 2;
    } else {
      out += line[i];
    }
  }
  return !soft_break;
}

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::size_t end = std::min(newline, text.size());
    const std::size_t line_end = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
    const std::size_t next = newline == std::string_view::npos ? end : end + 1;
    if (append_quoted_printable_line(out, text.substr(0, line_end)))
      out.append(text.substr(line_end, next - line_end));
    text.remove_prefix(next);
  }
  return out;
}

}  // namespace

NamedEncoding transfer_encoding(std::string_view word) {
  const std::string name = leading_value(word);
  if (name == "base64") return {TransferEncoding::base64, true};
  if (name == "quoted-printable") return {TransferEncoding::quoted_printable, true};
  const bool known = name.empty() || name == "7bit" || name == "8bit" || name == "binary";
  return {TransferEncoding::identity, known};
}

std::string decode_transfer(TransferEncoding encoding, std::string_view text) {
  bool ignored = false;
  return decode_transfer(encoding, text, ignored);
}

std::string decode_transfer(TransferEncoding encoding, std::string_view text, bool& foreign_signs) {
  switch (encoding) {
    case TransferEncoding::identity:
      return std::string(text);
    case TransferEncoding::base64:
      return decode_base64(text, foreign_signs);
    case TransferEncoding::quoted_printable:
      return decode_quoted_printable(text);
  }
  return {};
}

}  // namespace tlsrpt
