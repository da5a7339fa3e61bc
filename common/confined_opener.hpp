// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Opens messages in processes that can only compute, one for each message or, for_client(), for the
// messages of one client: no process ever sees those of two.
//
// How it works: start() forks a small process, the spawner, while the program has one thread only.
// The spawner never sees a message; it forks readers ahead of need and passes one end of a socket
// for each of them. A reader gives up everything but computing (common/confinement.hpp), waits for
// a message on its socket, opens it, writes what it found, and does so again until the socket is
// closed; whoever takes a reader asks for the next one. A reader that is killed by a bad message
// therefore costs that message only. When the program ends, the spawner sees its socket close and
// ends as well.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "common/message_opener.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt {

struct ConfinedSettings {
  MessageLimits limits;
  std::chrono::seconds timeout{30};  ///< of one message, and of waiting for a free reader
  unsigned max_readers = 8;          ///< at work at the same time
  unsigned waiting_readers = 4;      ///< made ahead of need, each with some 100 kB of its own
  unsigned kept_readers = 8;         ///< of clients, between two of their messages
};

class ConfinedMessageOpener final : public MessageOpener {
 public:
  /// Must be called before the program starts a thread, and after it has become its user.
  static Result<std::unique_ptr<ConfinedMessageOpener>> start(const ConfinedSettings& settings);

  /// The same for daemons, after a message for trial: where confinement does not work at all, every
  /// report would be refused for good, so they had better not start.
  static Result<std::unique_ptr<ConfinedMessageOpener>> start_tried(
      const ConfinedSettings& settings);

  Result<OpenedMessage> open(std::string_view message) override;
  Result<std::vector<ReadOutcome>> open_file(std::string_view bytes) override;
  std::unique_ptr<MessageOpener> for_client() override;

  /// False once the spawner has died: nothing can be opened any more, and only a process with one
  /// thread could start another, so the program should end and be started again.
  [[nodiscard]] bool can_spawn() const;

 private:
  class Place;
  class ForClient;
  /// A reader, and what it has done so far.
  struct Reader {
    UniqueFd socket;
    unsigned messages = 0;
    std::chrono::steady_clock::duration worked{};
  };
  ConfinedMessageOpener(const ConfinedSettings& settings, UniqueFd spawner)
      : settings_(settings), spawner_(std::move(spawner)) {}
  Result<void> order_reader();
  Result<UniqueFd> take_reader(std::chrono::steady_clock::time_point deadline);
  /// reader: one of the same client, or none; afterwards the one that answered, or none.
  Result<OpenedMessage> ask(char kind, std::string_view bytes, Reader& reader);

  ConfinedSettings settings_;
  UniqueFd spawner_;  ///< whole messages on a socket: threads may send and receive side by side
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable reader_ended_;
  unsigned at_work_ = 0;
  unsigned kept_ = 0;  ///< clients with a reader of their own
};

}  // namespace tlsrpt
