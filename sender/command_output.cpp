// SPDX-License-Identifier: BSD-2-Clause
#include "sender/command_output.hpp"

#include <cstdio>

#include "common/escape.hpp"

namespace tlsrpt::sender {

void say(const std::string& text) { std::fputs((text + "\n").c_str(), stderr); }

Exit fail_with(Exit code, std::string_view text) {
  say(fmt::format("{}: {}", kReporterProgram, escape_terminal(text)));
  return code;
}

Exit fail_with(const Error& error) { return fail_with(exit_for(error), error.detail); }

void print_line(const std::string& line) { std::fputs((line + "\n").c_str(), stdout); }

bool flush_output() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

Exit flushed(Exit code) {
  return flush_output() ? code : fail_with(Exit::io, "cannot write to standard output");
}

}  // namespace tlsrpt::sender
