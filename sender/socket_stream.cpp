// SPDX-License-Identifier: BSD-2-Clause
#include "sender/socket_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "sender/connecting.hpp"

namespace tlsrpt::sender {

namespace {

using State = IoAttempt::State;

IoAttempt judge(ssize_t result, State on_block) {
  if (result >= 0) return {State::done, static_cast<std::size_t>(result)};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {on_block};
  return {State::failed, 0, std::generic_category().message(errno)};
}

}  // namespace

IoAttempt SocketStream::try_read(std::span<char> buffer) {
  if (tls_) return tls_->read(buffer);
  IoAttempt attempt = judge(::recv(fd_.get(), buffer.data(), buffer.size(), 0), State::wants_read);
  if (attempt.state == State::done && attempt.bytes == 0) attempt.state = State::closed;
  return attempt;
}

IoAttempt SocketStream::try_write(std::string_view bytes) {
  if (tls_) return tls_->write(bytes);
  return judge(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), State::wants_write);
}

/// Until it makes sense to try again; an error if it never does.
Result<void> SocketStream::wait_after(const IoAttempt& attempt) const {
  switch (attempt.state) {
    case State::done:
      return {};
    case State::wants_read:
      return wait_for(fd_.get(), POLLIN, patience_);
    case State::wants_write:
      return wait_for(fd_.get(), POLLOUT, patience_);
    case State::closed:
      return fail(ErrorCode::io, "the server closed the connection");
    case State::failed:
      break;
  }
  return fail(ErrorCode::io, "{}", attempt.detail);
}

bool SocketStream::idle() {
  std::array<char, 1> one;
  return try_read(one).state == State::wants_read;
}

Result<std::size_t> SocketStream::read(std::span<char> buffer) {
  while (true) {
    const IoAttempt attempt = try_read(buffer);
    if (attempt.state == State::done) return attempt.bytes;
    if (auto waited = wait_after(attempt); !waited) return tl::unexpected(waited.error());
  }
}

Result<void> SocketStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const IoAttempt attempt = try_write(bytes);
    bytes.remove_prefix(attempt.bytes);
    if (auto waited = wait_after(attempt); !waited) return waited;
  }
  return {};
}

Result<void> SocketStream::start_tls(const TlsClient& client, const std::string& host) {
  auto session = client.begin(fd_.get(), host);
  if (!session) return tl::unexpected(session.error());
  tls_.emplace(std::move(*session));
  while (true) {
    const IoAttempt attempt = tls_->handshake();
    if (attempt.state == State::done) return {};
    if (auto waited = wait_after(attempt); !waited) {
      return fail(ErrorCode::crypto, "{}", waited.error().detail);
    }
  }
}

bool SocketStream::confidential() const { return encrypted() || peer_is_local(fd_.get()); }

void SocketStream::shut_down() {
  if (tls_) tls_->shut_down();
}

}  // namespace tlsrpt::sender
