// SPDX-License-Identifier: BSD-2-Clause
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

unsigned byte_at(std::string_view text, std::size_t position) {
  return static_cast<unsigned char>(text[position]);
}

bool is_continuation(unsigned byte) { return (byte & 0xc0u) == 0x80u; }

/// What a first byte promises: how many bytes follow, and which second byte may.
struct Lead {
  std::size_t following = 0;  ///< 0: no character begins so
  unsigned low = 0x80;
  unsigned high = 0xbf;
};

Lead lead_of(unsigned byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1};
  if (byte == 0xe0) return {2, 0xa0};        // shorter forms exist
  if (byte == 0xed) return {2, 0x80, 0x9f};  // surrogates
  if (byte >= 0xe1 && byte <= 0xef) return {2};
  if (byte == 0xf0) return {3, 0x90};  // shorter forms exist
  if (byte >= 0xf1 && byte <= 0xf3) return {3};
  if (byte == 0xf4) return {3, 0x80, 0x8f};  // beyond U+10FFFF
  return {};
}

/// Where the next byte that is not ASCII stands.
std::size_t skip_ascii(std::string_view text, std::size_t position) {
  while (position < text.size() && byte_at(text, position) < 0x80) ++position;
  return position;
}

}  // namespace

Utf8Step decode_utf8(std::string_view text, std::size_t position) {
  const unsigned first = byte_at(text, position);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = lead_of(first);
  if (lead.following == 0) return {};
  // 110xxxxx, 1110xxxx, 11110xxx
  char32_t code_point = first & (0x3fu >> lead.following);
  for (std::size_t i = 1; i <= lead.following; ++i) {
    if (position + i >= text.size()) return {0xfffd, i, false};
    const unsigned byte = byte_at(text, position + i);
    const bool fits = i == 1 ? byte >= lead.low && byte <= lead.high : is_continuation(byte);
    if (!fits) return {0xfffd, i, false};
    code_point = (code_point << 6) | (byte & 0x3fu);
  }
  return {code_point, lead.following + 1, true};
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&out](char32_t octet) { out += static_cast<char>(octet); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xc0u | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xe0u | code_point >> 12);
    } else {
      put(0xf0u | code_point >> 18);
      put(0x80u | (code_point >> 12 & 0x3fu));
    }
    put(0x80u | (code_point >> 6 & 0x3fu));
  }
  put(0x80u | (code_point & 0x3fu));
}

bool is_valid_utf8(std::string_view text) {
  std::size_t i = skip_ascii(text, 0);
  while (i < text.size()) {
    const Utf8Step step = decode_utf8(text, i);
    if (!step.valid) return false;
    i = skip_ascii(text, i + step.length);
  }
  return true;
}

std::string to_valid_utf8(std::string_view text, bool* replaced) {
  if (replaced != nullptr) *replaced = false;
  std::string valid;
  valid.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t end = skip_ascii(text, i);
    valid.append(text, i, end - i);
    i = end;
    if (i == text.size()) break;
    const Utf8Step step = decode_utf8(text, i);
    valid.append(step.valid ? text.substr(i, step.length) : kReplacementCharacter);
    if (!step.valid && replaced != nullptr) *replaced = true;
    i += step.length;
  }
  return valid;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  // A character has at most three continuation bytes; more of them are no character at all.
  while (end > 0 && max_bytes - end < 3 && is_continuation(byte_at(text, end))) --end;
  return text.substr(0, is_continuation(byte_at(text, end)) ? max_bytes : end);
}

}  // namespace tlsrpt
