// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kReadBytes = 64u
                                   << 10;  // of one connection before the others have their turn
constexpr std::chrono::seconds kAcceptPause{1};

void give(std::string_view line, const LineHandler& handler) {
  if (line.find_first_not_of(" \t\r") != std::string_view::npos) handler(line);
}

}  // namespace

bool LineSplitter::add(std::string_view bytes, const LineHandler& handler) {
  bool ended = false;
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    ended = true;
    if (unfinished_.empty() && !skipping_) {
      give(line.substr(0, max_bytes_ + 1), handler);
      continue;
    }
    keep(line, handler);
    finish(handler);
  }
  keep(bytes, handler);
  return ended;
}

void LineSplitter::keep(std::string_view bytes, const LineHandler& handler) {
  if (skipping_) return;
  unfinished_ += bytes.substr(0, max_bytes_ + 1 - unfinished_.size());
  if (unfinished_.size() <= max_bytes_) return;
  give(std::exchange(unfinished_, {}), handler);
  skipping_ = true;
}

void LineSplitter::finish(const LineHandler& handler) {
  skipping_ = false;
  give(unfinished_, handler);
  unfinished_.clear();
}

OutcomeStream::OutcomeStream(OutcomeSocket socket, const StreamBounds& bounds)
    : socket_(std::move(socket)), bounds_(bounds), buffer_(kReadBytes) {
  connections_.reserve(bounds_.connections);
}

bool OutcomeStream::accepting(Time now) const {
  return connections_.size() < bounds_.connections && now >= accept_again_;
}

void OutcomeStream::add_to(std::vector<pollfd>& entries, Time now) const {
  for (const Connection& connection : connections_) {
    entries.push_back({connection.fd.get(), POLLIN, 0});
  }
  // A negative descriptor is not looked at.
  entries.push_back({accepting(now) ? socket_.fd() : -1, POLLIN, 0});
}

OutcomeStream::Time OutcomeStream::next_deadline() const {
  Time next = Time::max();
  for (const Connection& connection : connections_) next = std::min(next, connection.deadline);
  if (accept_again_ != Time{}) next = std::min(next, accept_again_);
  return next;
}

StreamEvents OutcomeStream::serve(std::span<const pollfd> entries, Time now,
                                  const LineHandler& handler) {
  StreamEvents events;
  if (accept_again_ <= now) accept_again_ = {};
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (entries[i].revents != 0) read_some(connection, now, handler);
    if (connection.done || now < connection.deadline) continue;
    ++events.timeouts;
    connection.lines.finish(handler);
    connection.done = true;
  }
  std::erase_if(connections_, [](const Connection& connection) { return connection.done; });
  if (entries.back().revents != 0) events.error = accept_waiting(now);
  return events;
}

/// False if nothing waits.
bool OutcomeStream::read_some(Connection& connection, Time now, const LineHandler& handler) {
  const ssize_t count = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (count > 0) {
    if (connection.lines.add({buffer_.data(), static_cast<std::size_t>(count)}, handler)) {
      connection.deadline = now + bounds_.patience;
    }
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
  connection.lines.finish(handler);
  connection.done = true;
  return false;
}

std::optional<Error> OutcomeStream::accept_waiting(Time now) {
  while (connections_.size() < bounds_.connections) {
    UniqueFd fd(::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      connections_.push_back(
          {std::move(fd), LineSplitter(bounds_.line_bytes), now + bounds_.patience});
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED) break;
    accept_again_ = now + kAcceptPause;
    return Error(fail_errno(errno, "cannot take a connection").value());
  }
  return std::nullopt;
}

void OutcomeStream::drain(Time end, const LineHandler& handler) {
  socket_.close_for_senders();
  do {
    static_cast<void>(accept_waiting(Time{}));
    if (connections_.empty()) break;
    for (Connection& connection : connections_) {
      while (read_some(connection, Time{}, handler) && std::chrono::steady_clock::now() < end) {
      }
      if (!connection.done) connection.lines.finish(handler);
    }
    connections_.clear();  // makes place for those that the kernel took
  } while (std::chrono::steady_clock::now() < end);
}

}  // namespace tlsrpt::sender
