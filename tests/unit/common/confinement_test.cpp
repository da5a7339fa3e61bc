// SPDX-License-Identifier: BSD-2-Clause
#include "common/confinement.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <vector>

namespace tlsrpt {
namespace {

/// The wait status of a confined child that does something.
int status_of(const std::function<void()>& act, std::size_t memory = std::size_t{1} << 30) {
  const pid_t child = ::fork();
  if (child == 0) {
    ConfinementLimits limits;
    limits.memory_bytes = memory;
    limits.cpu_time = std::chrono::seconds(2);
    if (!confine_this_process(limits)) ::_exit(99);
    act();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

bool killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }

TEST(Confinement, computing_and_memory_are_allowed) {
  const int status = status_of([] {
    std::vector<char> memory(8u << 20, 'x');
    if (memory.back() != 'x') ::_exit(3);
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Confinement, files_sockets_and_programs_are_not) {
  EXPECT_TRUE(killed(status_of([] { static_cast<void>(!::open("/etc/passwd", O_RDONLY)); })));
  EXPECT_TRUE(killed(status_of([] { static_cast<void>(::socket(AF_INET, SOCK_STREAM, 0)); })));
  EXPECT_TRUE(killed(status_of([] { static_cast<void>(::fork()); })));
  EXPECT_TRUE(killed(status_of([] {
    char* const arguments[] = {nullptr};
    ::execve("/bin/true", arguments, arguments);
  })));
  EXPECT_TRUE(killed(status_of([] { ::kill(::getppid(), 0); })));
}

TEST(Confinement, endless_computing_ends) {
  const int status = status_of([] {
    volatile unsigned spins = 0;
    for (;;) {
      static_cast<void>(spins);
    }
  });
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
}

}  // namespace
}  // namespace tlsrpt
