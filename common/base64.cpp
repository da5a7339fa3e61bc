// SPDX-License-Identifier: BSD-2-Clause
#include "common/base64.hpp"

#include <array>
#include <cstdint>

namespace tlsrpt {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t kForeign = 0xff;
constexpr std::uint8_t kSpace = 0xfe;
constexpr std::uint8_t kPadding = 0xfd;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  for (std::uint8_t& value : values) value = kForeign;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  for (const char c : {' ', '\t', '\r', '\n'}) values[static_cast<unsigned char>(c)] = kSpace;
  values[static_cast<unsigned char>('=')] = kPadding;
  return values;
}

constexpr std::array<std::uint8_t, 256> kValues = make_values();

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto put = [&out](std::uint32_t group, int digits) {
    for (int i = 0; i < 4; ++i) {
      out += i < digits ? kAlphabet[(group >> (18 - 6 * i)) & 63u] : '=';
    }
  };
  std::size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3) {
    put(byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2), 4);
  }
  if (bytes.size() - at == 2) put(byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8, 3);
  if (bytes.size() - at == 1) put(byte_at(bytes, at) << 16, 2);
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kSpace) continue;
    if (value == kForeign) return std::nullopt;
    if (value == kPadding) {
      ++padding;
      if (digits < 2 || digits + padding > 4) return std::nullopt;
      continue;
    }
    if (padding > 0) return std::nullopt;
    group = group << 6 | value;
    if (++digits < 4) continue;
    out += static_cast<char>(group >> 16 & 0xffu);
    out += static_cast<char>(group >> 8 & 0xffu);
    out += static_cast<char>(group & 0xffu);
    group = 0;
    digits = 0;
  }
  if (digits == 0) return out;
  if (digits + padding != 4) return std::nullopt;
  if (digits == 2) {
    out += static_cast<char>(group >> 4 & 0xffu);
  } else {
    out += static_cast<char>(group >> 10 & 0xffu);
    out += static_cast<char>(group >> 2 & 0xffu);
  }
  return out;
}

}  // namespace tlsrpt
