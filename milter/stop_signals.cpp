// SPDX-License-Identifier: BSD-2-Clause
#include "milter/stop_signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>

namespace tlsrpt::milter {

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

}  // namespace

StopSignals::StopSignals() {
  sigset_t mine;
  ::sigemptyset(&mine);
  for (const int signal : kSignals) {
    struct sigaction action {};
    // What was ignored for us (nohup) stays so.
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      ::sigaddset(&mine, signal);
    }
  }
  ::pthread_sigmask(SIG_BLOCK, &mine, &before_);
  signals_ = UniqueFd(::signalfd(-1, &mine, SFD_CLOEXEC | SFD_NONBLOCK));
}

StopSignals::~StopSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

bool StopSignals::came() const {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return false;
  for (const int signal : kSignals) {
    if (::sigismember(&pending, signal) == 1) return true;
  }
  return false;
}

bool StopSignals::wait_readable(int fd) const {
  // poll passes a descriptor below 0 by.
  std::array<pollfd, 2> entries{pollfd{fd, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
  for (;;) {
    const int ready = ::poll(entries.data(), entries.size(), -1);
    if (ready < 0 && errno == EINTR) continue;
    return ready < 0 || entries[1].revents == 0;
  }
}

}  // namespace tlsrpt::milter
