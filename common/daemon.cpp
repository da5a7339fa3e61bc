// SPDX-License-Identifier: BSD-2-Clause
#include "common/daemon.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/sysexits.hpp"

namespace tlsrpt {

namespace {

sigset_t daemon_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Result<std::optional<Identity>> find_identity(const std::string& user_id) {
  if (user_id.empty()) return std::optional<Identity>{};
  const std::size_t colon = user_id.find(':');
  const std::string name = user_id.substr(0, colon);
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) return fail(ErrorCode::not_found, "there is no user \"{}\"", name);
  Identity identity{user->pw_uid, user->pw_gid};
  if (colon != std::string::npos) {
    const auto group = find_group(user_id.substr(colon + 1));
    if (!group) return tl::unexpected(group.error());
    identity.gid = *group;
  }
  return std::optional<Identity>{identity};
}

Result<unsigned> find_group(const std::string& name) {
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return fail(ErrorCode::not_found, "there is no group \"{}\"", name);
  return entry->gr_gid;
}

Result<void> become(const std::string& user_id) {
  const auto identity = find_identity(user_id);
  if (!identity) return tl::unexpected(identity.error());
  if (!identity->has_value()) return {};
  const auto [uid, gid] = **identity;
  if (::geteuid() == uid && ::getegid() == gid) return {};
  if (::geteuid() != 0) {
    return fail(ErrorCode::permission, "only root can become \"{}\" (UserID, -u)", user_id);
  }
  const std::string name = user_id.substr(0, user_id.find(':'));
  if (::initgroups(name.c_str(), gid) != 0)
    return fail_errno(errno, "cannot set the groups of " + name);
  if (::setresgid(gid, gid, gid) != 0)
    return fail_errno(errno, "cannot become group of " + user_id);
  if (::setresuid(uid, uid, uid) != 0) return fail_errno(errno, "cannot become " + user_id);
  return {};
}

void block_signals() {
  const sigset_t set = daemon_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

Result<Background> Background::enter() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  UniqueFd reader(ends[0]);
  Background background;
  background.pipe_ = UniqueFd(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot fork");
  if (child > 0) {
    background.pipe_.reset();
    char ready = 0;
    if (::read(reader.get(), &ready, 1) == 1) ::_exit(exit_code(Exit::ok));
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : exit_code(Exit::software));
  }
  ::setsid();
  if (::chdir("/") != 0) return fail_errno(errno, "cannot go to /");
  return background;
}

void Background::report_ready() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
  static_cast<void>(!::write(pipe_.get(), "1", 1));
  pipe_.reset();
}

Result<PidFile> PidFile::create(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail_errno(errno, "cannot create the PID file " + path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::temporary, "{} is held by a running process; stop it first", path);
  }
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail_errno(errno, "cannot write the PID file " + path);
  }
  return PidFile(path, std::move(fd));
}

PidFile::~PidFile() {
  if (!fd_ || ::unlink(path_.c_str()) == 0) return;
  // We are no longer who made it in that folder; at least it names nobody.
  static_cast<void>(!::ftruncate(fd_.get(), 0));
}

std::string pid_file_path(const Config& config, std::string_view program) {
  std::string path = config.text(Key::pid_file);
  if (const std::size_t at = path.find("%p"); at != std::string::npos) path.replace(at, 2, program);
  return path;
}

void notify_systemd(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  const std::string_view name(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), length);
}

Result<SignalFd> SignalFd::create() {
  const sigset_t set = daemon_signals();
  SignalFd result;
  result.fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!result.fd_) return fail_errno(errno, "cannot make a signal descriptor");
  return result;
}

int SignalFd::take() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

Exit run_daemon(bool background, Log& log, const std::function<Result<void>()>& build,
                const std::function<Exit()>& serve) {
  block_signals();
  std::optional<Background> waiting;
  if (background) {
    auto entered = Background::enter();
    if (!entered) {
      log.error(LogLine("start-failed").add(entered.error()));
      return Exit::os;
    }
    waiting.emplace(std::move(*entered));
  }
  if (auto built = build(); !built) {
    log.error(LogLine("start-failed").add(built.error()));
    return built.error().code == ErrorCode::not_found ? Exit::config : exit_for(built.error());
  }
  if (waiting) waiting->report_ready();
  return serve();
}

}  // namespace tlsrpt
