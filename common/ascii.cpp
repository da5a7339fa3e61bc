// SPDX-License-Identifier: BSD-2-Clause
#include "common/ascii.hpp"

namespace tlsrpt {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

}  // namespace tlsrpt
