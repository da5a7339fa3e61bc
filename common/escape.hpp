// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Strings of strangers, made safe for the place where they leave the program.

#include <string>
#include <string_view>

namespace tlsrpt {

/// For a value in a key=value log line: printable ASCII without blank, quote,
/// backslash or '=' is left as it is; anything else makes the value quoted, with \" \\ and \xNN for
/// bytes outside 0x20..0x7e. At most max_bytes of text are shown, then "...".
std::string escape_log(std::string_view text, std::size_t max_bytes = 256);

/// For a person's terminal: valid UTF-8 stays, controls (C0, DEL, C1), bidirectional
/// and other format characters and invalid bytes become \xNN or \u{N}. Never a line break.
std::string escape_terminal(std::string_view text);

/// The same for JSON that may be printed on a terminal: what escape_terminal would escape can only
/// stand inside of strings, and becomes \uNNNN there, which means the same. C0 controls, which JSON
/// allows between its values only, stay.
std::string escape_json_for_terminal(std::string_view json);

}  // namespace tlsrpt
