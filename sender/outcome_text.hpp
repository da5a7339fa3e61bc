// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The one spelling of each text in an outcome, so that two ways to say the same thing are one key.

#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::sender {

/// Valid UTF-8 without controls (each becomes a blank) and without blanks at its ends; cut at a
/// character to at most max_bytes.
std::string clean_text(std::string_view text, std::size_t max_bytes);

/// TLSA records as "3 1 1 HEX": single blanks, upper-case hex without blanks, sorted, each once.
/// What does not look like that keeps its words.
std::vector<std::string> canonical_tlsa(const std::vector<std::string>& records,
                                        std::size_t max_bytes);

/// The lines of an MTA-STS policy as "name: value", in the order version, mode, mx (sorted),
/// max_age, others as they came; each line once. A text of several lines is split.
std::vector<std::string> canonical_sts(const std::vector<std::string>& lines, std::size_t max_bytes,
                                       std::size_t max_lines);

/// MX patterns in lower case as A-labels, sorted, each once. What is no pattern keeps its text.
std::vector<std::string> canonical_mx_patterns(const std::vector<std::string>& patterns,
                                               std::size_t max_bytes);

/// A host name as an A-label in lower case; else the text in lower case if it is printable ASCII
/// without blanks, as an address literal is; else "".
std::string canonical_host(std::string_view name);

/// The canonical address, without a zone id; "" if it is none.
std::string canonical_address(std::string_view address);

/// The name that a server announced: the first word behind the reply code of the first line of its
/// EHLO reply, or of a text without a code; at most 255 bytes.
std::string announced_name(std::string_view reply);

}  // namespace tlsrpt::sender
