// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam between those who hold a message's bytes and the code that opens them, so that it can
// run in a process without network and files (DESIGN: hostile input is bounded).

#include <memory>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/message.hpp"

namespace tlsrpt {

/// Threads: one object may be used by several threads at once.
class MessageOpener {
 public:
  virtual ~MessageOpener() = default;
  /// An error means that no reader could be had, which says nothing about the message: try again
  /// later. A message that the reader did not survive gives one outcome, reader_failed.
  virtual Result<OpenedMessage> open(std::string_view message) = 0;
  /// As open_file_bytes: a file of any kind.
  virtual Result<std::vector<ReadOutcome>> open_file(std::string_view bytes) = 0;

  /// For what one client brings, message after message: one process may open all of it, so that
  /// what a message does to its reader can harm only others from the same hand. Used by one thread
  /// at a time; must not outlive this opener.
  virtual std::unique_ptr<MessageOpener> for_client();
};

/// The same opener under another owner.
class BorrowedMessageOpener final : public MessageOpener {
 public:
  explicit BorrowedMessageOpener(MessageOpener& opener) : opener_(opener) {}
  Result<OpenedMessage> open(std::string_view message) override { return opener_.open(message); }
  Result<std::vector<ReadOutcome>> open_file(std::string_view bytes) override {
    return opener_.open_file(bytes);
  }

 private:
  MessageOpener& opener_;
};

inline std::unique_ptr<MessageOpener> MessageOpener::for_client() {
  return std::make_unique<BorrowedMessageOpener>(*this);
}

/// Opens in the calling thread: for tests, and for a person's own files.
class DirectMessageOpener final : public MessageOpener {
 public:
  explicit DirectMessageOpener(const MessageLimits& limits) : limits_(limits) {}
  Result<OpenedMessage> open(std::string_view message) override {
    return open_message(message, limits_);
  }
  Result<std::vector<ReadOutcome>> open_file(std::string_view bytes) override {
    return open_file_bytes(bytes, limits_);
  }

 private:
  MessageLimits limits_;
};

}  // namespace tlsrpt
