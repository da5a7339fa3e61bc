// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The part of a report mail that is for people (RFC 6522 section 3, R113).

#include <string>
#include <string_view>

#include "common/report.hpp"

namespace tlsrpt::sender {

/// What the mail is and why it comes, the day, and of each policy how sessions went and what went
/// wrong: the worst first, bounded whatever the report holds. 'domain' is the recipient domain that
/// asks for reports. UTF-8, though ASCII where no name needs more; LF line ends; lines of at most
/// 72 octets unless a single word is longer; nothing of strangers can pretend to be a line of ours.
std::string summarize(const Report& report, std::string_view domain);

}  // namespace tlsrpt::sender
