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

/// The highest octet of the number comes first, whatever the machine's order is.
inline void store_big_endian(char* to, std::uint32_t number) {
  if constexpr (std::endian::native == std::endian::little) number = __builtin_bswap32(number);
  std::memcpy(to, &number, sizeof number);
}

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

/// Eight times the same byte.
constexpr std::uint64_t repeat_byte(unsigned char byte) { return 0x0101010101010101u * byte; }

/// In 'marks' the high bit stands in bytes that matter, and in any byte above the first of them.
inline std::size_t first_mark(std::uint64_t marks) {
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

/// Marks for first_mark(): control characters of ASCII.
constexpr std::uint64_t mark_controls(std::uint64_t word) {
  return (word - repeat_byte(' ')) & ~word & kHighBits;
}

/// Are two texts of 4 to 8 bytes the same? By two halves of a word that may overlap.
inline bool equal_halves(const char* left, const char* right, std::size_t size) {
  const auto difference = [&](std::size_t at) {
    std::uint32_t halves[2];
    std::memcpy(&halves[0], left + at, sizeof halves[0]);
    std::memcpy(&halves[1], right + at, sizeof halves[1]);
    return halves[0] ^ halves[1];
  };
  return (difference(0) | difference(size - 4)) == 0;
}

/// Are two texts of 8 to 32 bytes the same? By four words that may overlap, without a branch.
inline bool equal_words(const char* left, const char* right, std::size_t size) {
  const std::size_t last = size - 8;
  const std::size_t second = last < 8 ? last : 8;
  const std::size_t third = last < 16 ? last : 16;
  const auto difference = [&](std::size_t at) {
    return load_word(left + at) ^ load_word(right + at);
  };
  return (difference(0) | difference(second) | difference(third) | difference(last)) == 0;
}

/// Are two texts of 4 to 32 bytes the same?
inline bool equal_short(const char* left, const char* right, std::size_t size) {
  return size < 8 ? equal_halves(left, right, size) : equal_words(left, right, size);
}

}  // namespace tlsrpt
