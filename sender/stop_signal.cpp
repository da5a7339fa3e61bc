// SPDX-License-Identifier: BSD-2-Clause
#include "sender/stop_signal.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

namespace tlsrpt::sender {

Result<StopSignal> StopSignal::create() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot make an eventfd");
  return StopSignal(std::move(fd));
}

void StopSignal::request() {
  const std::uint64_t one = 1;
  // Can only fail when it has been requested 2^64-2 times.
  static_cast<void>(!::write(fd_.get(), &one, sizeof one));
}

bool StopSignal::requested() const {
  pollfd watched{fd_.get(), POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace tlsrpt::sender
