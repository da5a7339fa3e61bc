// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How opentlsrpt-reporter speaks to the person or program that runs a command.

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/sysexits.hpp"

namespace tlsrpt::sender {

inline constexpr std::string_view kReporterProgram = "opentlsrpt-reporter";

/// One line on standard error. Escaped by the caller.
void say(const std::string& text);

/// "opentlsrpt-reporter: TEXT" on standard error; gives the code back. Escapes the text.
Exit fail_with(Exit code, std::string_view text);
Exit fail_with(const Error& error);

/// One line on standard output.
void print_line(const std::string& line);

/// False: standard output failed, as when its reader has gone.
bool flush_output();

/// The command's last step: the code, or that of a failed output.
Exit flushed(Exit code);

}  // namespace tlsrpt::sender
