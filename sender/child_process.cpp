// SPDX-License-Identifier: BSD-2-Clause
#include "sender/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxOutput = 4096;
constexpr off_t kOutputRoom = 64 << 10;
constexpr std::chrono::seconds kTermTime{1};

Result<UniqueFd> make_file() {
  // Kernels since 6.3 may insist on a file that cannot be executed, and older ones do not know it.
  constexpr unsigned kNoExecSeal = 0x0008;  // MFD_NOEXEC_SEAL
  UniqueFd file(::memfd_create("opentlsrpt", MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoExecSeal));
  if (!file && errno == EINVAL) {
    file = UniqueFd(::memfd_create("opentlsrpt", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  if (!file) return fail_errno(errno, "cannot make a file in memory");
  return file;
}

/// A file in memory: unlike a pipe it can neither fill up nor break.
Result<UniqueFd> file_with(std::string_view bytes) {
  auto file = make_file();
  while (file && !bytes.empty()) {
    const ssize_t written = ::write(file->get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, "cannot write a file in memory");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file) ::lseek(file->get(), 0, SEEK_SET);
  return file;
}

/// A file in memory that cannot grow: writing more fails, and nobody has to read along.
Result<UniqueFd> file_for_output() {
  auto file = make_file();
  if (!file) return file;
  if (::ftruncate(file->get(), kOutputRoom) != 0 ||
      ::fcntl(file->get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    return fail_errno(errno, "cannot prepare a file in memory");
  }
  return file;
}

std::string read_output(int file) {
  std::string text(kMaxOutput, '\0');
  const ssize_t bytes = ::pread(file, text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

/// The attributes of a child that inherits neither our signal mask nor our process group.
class SpawnRules {
 public:
  SpawnRules(int input, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;
  ~SpawnRules() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  /// The child's pid.
  [[nodiscard]] Result<pid_t> start(const std::vector<std::string>& command) const {
    std::vector<std::string> words = command;  // posix_spawn takes them as changeable
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    std::array<char*, 2> environment{path.data(), nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(),
                                    environment.data());
    if (error != 0) return fail_errno(error, "cannot run " + command.front());
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// Readable when the process has ended. glibc 2.36 declares it for C only.
UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

/// A started child; whatever happens, it is waited for.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (reaped_) return;
    signal(SIGKILL);
    reap();
  }

  void signal(int number) const { ::kill(-pid_, number); }

  /// Until it has ended.
  [[nodiscard]] Result<void> wait(const Patience& patience) const {
    const UniqueFd process = open_pidfd(pid_);
    if (!process) return fail_errno(errno, "cannot wait for a program");
    return wait_for(process.get(), POLLIN, patience);
  }

  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  bool reaped_ = false;
};

}  // namespace

Result<ChildEnd> run_child(const std::vector<std::string>& command, std::string_view input,
                           const Patience& patience) {
  const auto message = file_with(input);
  if (!message) return tl::unexpected(message.error());
  const auto output = file_for_output();
  if (!output) return tl::unexpected(output.error());
  const auto pid = SpawnRules(message->get(), output->get()).start(command);
  if (!pid) return tl::unexpected(pid.error());
  Child child(*pid);
  ChildEnd end;
  end.ended_by_us = !child.wait(patience);
  if (end.ended_by_us) {
    child.signal(SIGTERM);
    const auto ended = child.wait({std::chrono::steady_clock::now() + kTermTime});
    if (!ended) child.signal(SIGKILL);
  }
  end.status = child.reap();
  end.output = read_output(output->get());
  return end;
}

}  // namespace tlsrpt::sender
