// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_sender.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

namespace tlsrpt::sender {

OutcomeSender::OutcomeSender(std::vector<std::string> paths)
    : paths_(std::move(paths)),
      fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

Result<void> OutcomeSender::send(std::string_view datagram) {
  Result<void> result = fail(ErrorCode::not_found, "there is no OutcomeSocket");
  for (const std::string& path : paths_) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
      result = fail(ErrorCode::invalid_argument, "the path {} is too long", path);
      continue;
    }
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::sendto(fd_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0) {
      return {};
    }
    result = fail_errno(errno, "cannot send to " + path);
  }
  return result;
}

}  // namespace tlsrpt::sender
