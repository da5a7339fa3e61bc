// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Many patterns against one text: those without '*' are found by a hash, so that a list of 100,000
// domains costs each report one look-up.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tlsrpt::sender {

class PatternIndex {
 public:
  /// Numbers must be given in rising order.
  void add(const std::string& pattern, std::size_t number);

  /// The lowest number whose pattern fits.
  [[nodiscard]] std::optional<std::size_t> first(std::string_view text) const;
  /// All numbers whose patterns fit, rising.
  [[nodiscard]] std::vector<std::size_t> all(std::string_view text) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::vector<std::size_t>, Hash, std::equal_to<>> exact_;
  std::vector<std::pair<std::string, std::size_t>> globs_;
};

}  // namespace tlsrpt::sender
