// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A socket on which MTAs report their sessions (AF_UNIX, datagrams or a stream): made with the
// right permissions from its first moment on, or inherited from systemd, and read in batches.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

enum class SocketKind : std::uint8_t {
  datagram,
  stream,  ///< listens
};

struct SocketSettings {
  SocketKind kind = SocketKind::datagram;
  std::string path;
  std::optional<unsigned> owner;  ///< none: as the process has it
  std::optional<unsigned> group;
  unsigned mode = 0660;
};

/// What an administrator should know about a socket that works all the same: one text each.
using SocketWarnings = std::vector<std::string>;

/// Problems that bind would have, without touching anything: too long, no folder, not a socket.
std::optional<std::string> check_socket_path(const std::string& path);

/// Nothing, or why a short kernel queue may lose outcomes and what to do.
std::optional<std::string> check_queue_length();

class OutcomeSocket {
 public:
  /// Binds. A stale socket is replaced; one on which somebody listens, or a file of another kind,
  /// is an error.
  static Result<OutcomeSocket> bind(const SocketSettings& settings, SocketWarnings& warnings);

  /// The sockets that systemd passed (LISTEN_PID, LISTEN_FDS), of both kinds; mostly none. Takes
  /// the variables out of the environment.
  static Result<std::vector<OutcomeSocket>> inherit();

  OutcomeSocket(OutcomeSocket&&) noexcept = default;
  OutcomeSocket& operator=(OutcomeSocket&&) = delete;
  ~OutcomeSocket();  ///< removes the file, unless it was inherited or is another's by now

  /// From now on senders are told that nobody is there; what waits can still be read. Does nothing
  /// to an inherited socket, whose queue the next collector reads.
  void close_for_senders();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] SocketKind kind() const { return kind_; }
  [[nodiscard]] bool inherited() const { return path_.empty(); }

 private:
  OutcomeSocket(UniqueFd fd, SocketKind kind, std::string path, std::uint64_t inode)
      : fd_(std::move(fd)), kind_(kind), path_(std::move(path)), inode_(inode) {}
  static Result<OutcomeSocket> inherit_one(int number);
  void remove_file();
  UniqueFd fd_;
  SocketKind kind_;
  std::string path_;  ///< empty: inherited
  std::uint64_t inode_ = 0;
};

/// Buffers for reading many datagrams with one system call.
class DatagramBatch {
 public:
  /// 'max_bytes' of one datagram; longer ones are seen as one byte more than that.
  DatagramBatch(std::size_t datagrams, std::size_t max_bytes);
  DatagramBatch(DatagramBatch&&) noexcept;
  ~DatagramBatch();

  /// Reads what is waiting without blocking, at most a batch. Returns how many; 0: nothing waits.
  Result<std::size_t> receive(int fd);
  /// One of the datagrams of the last receive; valid until the next.
  [[nodiscard]] std::string_view operator[](std::size_t index) const;
  [[nodiscard]] std::size_t capacity() const;

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace tlsrpt::sender
