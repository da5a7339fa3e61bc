// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Mailbox files of the mbox family: where does each message begin?

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt {

bool looks_like_mbox(std::string_view bytes);  ///< begins with "From "

struct Mailbox {
  std::vector<std::string_view> messages;  ///< without their "From " lines; views into the file
  bool complete = true;                    ///< false: the messages over the limit were left out
};

/// A message begins at the start, and at each "From " line with a date and time in it
/// that follows an empty line. Lines that were quoted as ">From " stay so.
Mailbox split_mbox(std::string_view bytes, std::size_t max_messages);

/// Fills up to 'size' bytes and says how many; 0 at the end.
using ByteSource = std::function<Result<std::size_t>(char* to, std::size_t size)>;

struct MboxMessage {
  std::string bytes;       ///< without its "From " line
  std::uint64_t size = 0;  ///< of all of it
  [[nodiscard]] bool cut() const { return bytes.size() < size; }
};

/// The same messages one by one, from a mailbox of any size; holds one of them in memory.
class MboxReader {
 public:
  /// Of a longer message only the first max_message_bytes are kept.
  MboxReader(ByteSource source, std::size_t max_message_bytes)
      : source_(std::move(source)), max_message_bytes_(max_message_bytes) {}

  /// Nothing at the end.
  Result<std::optional<MboxMessage>> next();

 private:
  struct Piece {  ///< a line or, of a very long one, a part
    std::string_view text;
    bool begins_line = true;
    bool ends_line = false;
  };
  Result<Piece> next_piece();
  Result<void> skip_line();

  ByteSource source_;
  std::size_t max_message_bytes_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool source_ended_ = false;
  bool begins_line_ = true;
  bool at_message_ = false;  ///< the line in front of a message has been read
  bool begun_ = false;
};

}  // namespace tlsrpt
