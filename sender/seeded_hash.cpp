// SPDX-License-Identifier: BSD-2-Clause
#include "sender/seeded_hash.hpp"

#include <cstring>
#include <random>

namespace tlsrpt::sender {

namespace {

// Odd numbers without pattern: the first digits of pi behind the point.
constexpr std::uint64_t kFirst = 0x243f6a8885a308d3;
constexpr std::uint64_t kSecond = 0x13198a2e03707345;
constexpr std::uint64_t kThird = 0xa4093822299f31d1;

std::uint64_t load(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, size);
  return word;
}

/// Both halves of the 128-bit product, folded: each input bit reaches all output bits.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t seeded_hash(std::string_view text, std::uint64_t seed) {
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t state = mix(seed ^ kSecond, left ^ kFirst);
  // Two chains, so that one multiplication need not wait for the other.
  std::uint64_t other = state ^ kThird;
  for (; left >= 32; at += 32, left -= 32) {
    state = mix(load(at, 8) ^ state ^ kSecond, load(at + 8, 8) ^ state ^ kFirst);
    other = mix(load(at + 16, 8) ^ other ^ kThird, load(at + 24, 8) ^ other ^ kSecond);
  }
  state ^= mix(other, kThird);
  if (left >= 16) {
    state = mix(load(at, 8) ^ state ^ kSecond, load(at + 8, 8) ^ state ^ kFirst);
    at += 16, left -= 16;
  }
  if (left >= 8) {
    state = mix(load(at, 8) ^ state, kFirst);
    at += 8, left -= 8;
  }
  if (left > 0) state = mix(load(at, left) ^ state, kSecond);
  return mix(state ^ kSecond, kFirst);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace tlsrpt::sender
