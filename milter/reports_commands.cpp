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

Exit exit_for(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found:
      return Exit::no_input;
    case ErrorCode::permission:
      return Exit::permission;
    case ErrorCode::temporary:
      return Exit::temporary;
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return Exit::config;
    case ErrorCode::io:
    case ErrorCode::database:
      return Exit::io;
    case ErrorCode::malformed:
    case ErrorCode::limit_exceeded:
      return Exit::data;
    case ErrorCode::crypto:
    case ErrorCode::internal:
      return Exit::software;
  }
  return Exit::software;
}

}  // namespace tlsrpt::milter
