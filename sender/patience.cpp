// SPDX-License-Identifier: BSD-2-Clause
#include "sender/patience.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tlsrpt::sender {

namespace {

/// For poll: rounded up, so that it does not spin through the last millisecond.
int milliseconds_until(Deadline deadline) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  constexpr milliseconds kLongest{3600 * 1000};
  return static_cast<int>(std::clamp(left, milliseconds{0}, kLongest).count());
}

}  // namespace

Patience Patience::at_most(std::chrono::milliseconds time) const {
  return {std::min(deadline, std::chrono::steady_clock::now() + time), stop_fd};
}

Result<void> wait_for(int fd, short events, const Patience& patience) {
  std::array<pollfd, 2> watched{{{fd, events, 0}, {patience.stop_fd, POLLIN, 0}}};
  while (true) {
    const int time = milliseconds_until(patience.deadline);
    const int ready = ::poll(watched.data(), watched.size(), time);
    if (ready < 0 && errno != EINTR) return fail_errno(errno, "poll");
    if (ready > 0 && watched[1].revents != 0) return fail(ErrorCode::temporary, "stopped");
    if (ready > 0) return {};
    if (std::chrono::steady_clock::now() >= patience.deadline) {
      return fail(ErrorCode::temporary, "timeout");
    }
  }
}

bool stopped(const Patience& patience) {
  pollfd watched{patience.stop_fd, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace tlsrpt::sender
