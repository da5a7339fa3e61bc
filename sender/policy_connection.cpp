// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_connection.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kReadAtOnce = 4096;
/// Questions that nobody has read the answers of wait.
constexpr std::size_t kMaxOutput = 16u << 10;

bool is_momentary(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

PolicyConnection::PolicyConnection(UniqueFd fd, Time now)
    : fd_(std::move(fd)), last_progress_(now) {}

bool PolicyConnection::read(Time now) {
  std::array<char, kReadAtOnce> bytes;
  const ssize_t count = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count < 0) return is_momentary(errno);
  if (count == 0) {
    peer_done_ = true;
    return true;
  }
  reader_.add({bytes.data(), static_cast<std::size_t>(count)});
  last_progress_ = now;
  return true;
}

std::optional<SocketmapRequest> PolicyConnection::next_question() {
  if (malformed_ || pending || output_.size() - written_ > kMaxOutput) return std::nullopt;
  auto taken = reader_.take();
  if (!taken) {
    malformed_ = true;
    return std::nullopt;
  }
  if (!*taken) return std::nullopt;
  auto request = parse_socketmap_request(**taken);
  if (!request) malformed_ = true;
  return request;
}

void PolicyConnection::answer(const SocketmapReply& reply) {
  output_ += write_netstring(to_text(reply));
}

bool PolicyConnection::flush(Time now) {
  while (wants_to_write()) {
    const ssize_t count = ::send(fd_.get(), output_.data() + written_, output_.size() - written_,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return is_momentary(errno);
    written_ += static_cast<std::size_t>(count);
    last_progress_ = now;
  }
  output_.clear();
  written_ = 0;
  return true;
}

bool PolicyConnection::wants_to_read() const {
  return !pending && !peer_done_ && !malformed_ && output_.size() - written_ <= kMaxOutput;
}

bool PolicyConnection::finished() const {
  return (peer_done_ || malformed_) && !pending && !wants_to_write();
}

bool PolicyConnection::is_idle() const {
  return !pending && !wants_to_write() && reader_.waiting() == 0;
}

}  // namespace tlsrpt::sender
