// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Mailbox files of the mbox family: where does each message begin?

#include <string_view>
#include <vector>

namespace tlsrpt {

bool looks_like_mbox(std::string_view bytes);  ///< begins with "From "

struct Mailbox {
  std::vector<std::string_view> messages;  ///< without their "From " lines; views into the file
  bool complete = true;                    ///< false: the messages over the limit were left out
};

/// A message begins at the start, and at each "From " line with a time in it that
/// follows an empty line. Lines that were quoted as ">From " stay so.
Mailbox split_mbox(std::string_view bytes, std::size_t max_messages);

}  // namespace tlsrpt
