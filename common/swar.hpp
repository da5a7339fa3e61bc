// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Eight bytes at a time, on any processor: which of them is the first that matters?

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tlsrpt {

/// The byte at 'from' is the lowest one of the number, whatever the machine's order is.
inline std::uint64_t load_word(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

/// Eight times the same byte.
constexpr std::uint64_t repeat_byte(unsigned char byte) { return 0x0101010101010101u * byte; }

/// In 'marks' the high bit stands in bytes that matter, and in any byte above the first of them.
inline std::size_t first_mark(std::uint64_t marks) {
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

/// Marks for first_mark(): bytes that end the plain part of a JSON string, which are the quote, the
/// backslash, controls, and what is not ASCII.
constexpr std::uint64_t mark_unplain(std::uint64_t word) {
  const std::uint64_t quotes = (word ^ repeat_byte('"')) - repeat_byte(1);
  const std::uint64_t backslashes = (word ^ repeat_byte('\\')) - repeat_byte(1);
  const std::uint64_t controls = word - repeat_byte(0x20);
  return (quotes | backslashes | controls | word) & kHighBits;
}

}  // namespace tlsrpt
