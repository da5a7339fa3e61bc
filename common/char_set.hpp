// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which characters matter to a reader of some text, and where is the first of them?

#include <array>
#include <cstddef>
#include <string_view>

namespace tlsrpt {

/// A set of bytes that costs the same to look into however many it has.
class CharSet {
 public:
  constexpr explicit CharSet(std::string_view chars) {
    for (const char c : chars) has_[static_cast<unsigned char>(c)] = true;
  }

  /// Those that the predicate is true for.
  template <typename Predicate>
  static constexpr CharSet where(Predicate is_in) {
    CharSet set{""};
    for (std::size_t i = 0; i < set.has_.size(); ++i) set.has_[i] = is_in(static_cast<char>(i));
    return set;
  }

  [[nodiscard]] constexpr bool has(char c) const { return has_[static_cast<unsigned char>(c)]; }

  /// Where the first of them stands; the text's size if none does.
  [[nodiscard]] constexpr std::size_t find_in(std::string_view text) const {
    std::size_t at = 0;
    while (at < text.size() && !has(text[at])) ++at;
    return at;
  }

 private:
  std::array<bool, 256> has_{};
};

}  // namespace tlsrpt
