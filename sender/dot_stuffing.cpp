// SPDX-License-Identifier: BSD-2-Clause
#include "sender/dot_stuffing.hpp"

namespace tlsrpt::sender {

void append_stuffed(std::string& out, std::string_view message, std::size_t begin,
                    std::size_t end) {
  const std::string_view part = message.substr(0, end);
  std::size_t copied = begin;
  // Dots are rarer than line ends, and base64 has none.
  for (std::size_t dot = part.find('.', begin); dot != part.npos; dot = part.find('.', dot + 1)) {
    if (dot > 0 && part[dot - 1] != '\n') continue;
    out.append(part, copied, dot - copied);
    out += '.';
    copied = dot;
  }
  out.append(part, copied);
}

std::string_view end_of_data(std::string_view message) {
  const bool complete = message.empty() || message.ends_with("\r\n");
  return complete ? ".\r\n" : "\r\n.\r\n";
}

}  // namespace tlsrpt::sender
