// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reports_commands.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/escape.hpp"

namespace tlsrpt::milter {

void complain(std::string_view text) {
  const std::string line = "opentlsrpt-reports: " + escape_terminal(text) + "\n";
  std::fputs(line.c_str(), stderr);
}

bool print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return true;
  complain(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return false;
}

}  // namespace tlsrpt::milter
