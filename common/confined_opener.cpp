// SPDX-License-Identifier: BSD-2-Clause
#include "common/confined_opener.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/confinement.hpp"
#include "common/outcome_codec.hpp"

namespace tlsrpt {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr char kSpawn = 'S';
constexpr char kMessage = 'm';
constexpr char kFile = 'f';

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<SocketPair> make_pair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno(errno, "cannot make a socket pair");
  }
  return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Waits until the descriptor is ready; false at the deadline.
bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool send_all(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!wait_for(fd, POLLOUT, deadline)) return false;
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Everything until the other side closes, but at most max_bytes.
Result<std::string> receive_all(int fd, std::size_t max_bytes, Deadline deadline) {
  std::string bytes;
  std::array<char, 65536> buffer;
  for (;;) {
    if (!wait_for(fd, POLLIN, deadline)) {
      return fail(ErrorCode::limit_exceeded, "the confined reader took too long (ReaderTimeout)");
    }
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno(errno, "cannot read from the confined reader");
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > max_bytes) {
      return fail(ErrorCode::limit_exceeded, "the confined reader's answer is too large");
    }
  }
}

// ---- in the reader: only read(2) and write(2) from here on

bool read_exactly(int fd, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, to, size);
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_exactly(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

OpenedMessage open_kind(char kind, std::string_view bytes, const MessageLimits& limits) {
  if (kind == kMessage) return open_message(bytes, limits);
  OpenedMessage opened;
  opened.outcomes = open_file_bytes(bytes, limits);
  return opened;
}

/// A small message with everything in it that libraries load lazily, so that they need no file
/// later.
void warm_up(const MessageLimits& limits) {
  static_cast<void>(open_message(
      "From: a@b\xc3\xbc"
      "cher.example\r\nTLS-Report-Domain: b\xc3\xbc"
      "cher.example\r\n"
      "Content-Type: application/tlsrpt+json\r\n\r\n"
      R"({"organization-name":"x","date-range":{"start-datetime":"2026-01-01T00:00:00Z",)"
      R"("end-datetime":"2026-01-01T23:59:59Z"},"policies":[{"policy":{"policy-type":"sts",)"
      R"("policy-domain":"b\u00fccher.example"},"summary":{"total-successful-session-count":1}}]})",
      limits));
}

[[noreturn]] void run_reader(UniqueFd socket, const ConfinedSettings& settings) {
  ConfinementLimits limits;
  limits.cpu_time = settings.timeout;
  // Room for the message, what it unpacks to, and the trees built from both.
  limits.memory_bytes =
      8 * (settings.limits.max_message_bytes + settings.limits.gunzip.max_bytes) + (64u << 20);
  if (!confine_this_process(limits)) ::_exit(1);
  char kind = 0;
  std::uint64_t size = 0;
  std::array<char, sizeof size> size_bytes{};
  if (!read_exactly(socket.get(), &kind, 1) ||
      !read_exactly(socket.get(), size_bytes.data(), size_bytes.size())) {
    ::_exit(1);
  }
  std::memcpy(&size, size_bytes.data(), sizeof size);
  std::string bytes(size, '\0');  // the size comes from our own parent
  if (!read_exactly(socket.get(), bytes.data(), bytes.size())) ::_exit(1);
  const std::string answer = encode_opened(open_kind(kind, bytes, settings.limits));
  ::_exit(write_exactly(socket.get(), answer) ? 0 : 1);
}

// ---- in the spawner

bool pass_descriptor(int to, int fd) {
  char ok = 'k';
  iovec data{&ok, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(to, &message, MSG_NOSIGNAL) == 1;
}

void spawn_reader(int control, const ConfinedSettings& settings) {
  auto pair = make_pair(SOCK_STREAM);
  const pid_t child = pair ? ::fork() : -1;
  if (child == 0) {
    pair->ours.reset();
    ::close(control);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_reader(std::move(pair->theirs), settings);
  }
  if (child < 0 || !pass_descriptor(control, pair->ours.get())) {
    const char failed = 'x';
    static_cast<void>(::send(control, &failed, 1, MSG_NOSIGNAL));
  }
}

/// Keeps nothing of the program's but the one descriptor: a reader must not inherit its files and
/// sockets.
UniqueFd keep_only(UniqueFd fd) {
  constexpr int kKept = STDERR_FILENO + 1;
  const int old = fd.release();
  if (old != kKept && ::dup3(old, kKept, O_CLOEXEC) < 0) ::_exit(1);
  ::close_range(kKept + 1, ~0u, 0);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::dup2(null.get(), standard);
  return UniqueFd(kKept);
}

[[noreturn]] void run_spawner(UniqueFd inherited, const ConfinedSettings& settings) {
  const UniqueFd control = keep_only(std::move(inherited));
  ::signal(SIGCHLD, SIG_IGN);  // the kernel buries the readers
  ::prctl(PR_SET_NAME, "tlsrpt-spawner");
  warm_up(settings.limits);
  for (;;) {
    char request = 0;
    const ssize_t got = ::recv(control.get(), &request, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) ::_exit(0);
    if (request == kSpawn) spawn_reader(control.get(), settings);
  }
}

Result<UniqueFd> receive_descriptor(int from) {
  char answer = 0;
  iovec data{&answer, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC);
  if (got != 1)
    return fail(ErrorCode::internal,
                "the spawner of confined readers is gone; restart the program");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    return fail(ErrorCode::temporary,
                "no confined reader could be started; is a limit on processes or memory reached?");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

/// A message that its reader did not survive would not be survived the next time either: it is
/// refused for good, as one that claims to be a report, so that it is recorded.
OpenedMessage unreadable(std::string detail) {
  OpenedMessage opened;
  opened.facts.claims_report = true;
  opened.outcomes.resize(1);
  opened.outcomes.front().refusal = Refusal::reader_failed;
  opened.outcomes.front().detail = std::move(detail);
  return opened;
}

}  // namespace

Result<std::unique_ptr<ConfinedMessageOpener>> ConfinedMessageOpener::start(
    const ConfinedSettings& settings) {
  auto pair = make_pair(SOCK_SEQPACKET);
  if (!pair) return tl::unexpected(pair.error());
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot fork the spawner of confined readers");
  if (child == 0) {
    pair->ours.reset();
    run_spawner(std::move(pair->theirs), settings);
  }
  return std::unique_ptr<ConfinedMessageOpener>(
      new ConfinedMessageOpener(settings, std::move(pair->ours)));
}

Result<UniqueFd> ConfinedMessageOpener::spawn(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const bool free =
      reader_ended_.wait_until(lock, deadline, [this] { return readers_ < settings_.max_readers; });
  if (!free)
    return fail(ErrorCode::temporary, "all {} confined readers are busy", settings_.max_readers);
  if (::send(spawner_.get(), &kSpawn, 1, MSG_NOSIGNAL) != 1) {
    return fail(ErrorCode::internal,
                "the spawner of confined readers is gone; restart the program");
  }
  if (!wait_for(spawner_.get(), POLLIN, deadline)) {
    return fail(ErrorCode::temporary, "the spawner of confined readers does not answer");
  }
  auto reader = receive_descriptor(spawner_.get());
  if (reader) ++readers_;
  return reader;
}

Result<OpenedMessage> ConfinedMessageOpener::ask(char kind, std::string_view bytes) {
  auto reader = spawn(std::chrono::steady_clock::now() + settings_.timeout);
  if (!reader) return tl::unexpected(reader.error());
  // Only now: how long it took to get a reader says nothing about the message.
  const Deadline deadline = std::chrono::steady_clock::now() + settings_.timeout;
  struct Release {
    ConfinedMessageOpener& opener;
    ~Release() {
      const std::lock_guard lock(opener.mutex_);
      --opener.readers_;
      opener.reader_ended_.notify_one();
    }
  } const release{*this};
  std::string head(1, kind);
  const std::uint64_t size = bytes.size();
  head.append(reinterpret_cast<const char*>(&size), sizeof size);
  // A reader that dies early closes its end: sending fails, and so does the answer below.
  const bool sent =
      send_all(reader->get(), head, deadline) && send_all(reader->get(), bytes, deadline);
  const std::size_t max_answer =
      4 * (settings_.limits.max_message_bytes + settings_.limits.gunzip.max_bytes);
  const auto answer = receive_all(reader->get(), max_answer, deadline);
  if (!answer) return unreadable(answer.error().detail);
  if (!sent || answer->empty()) {
    return unreadable(
        fmt::format("the confined reader died over a message of {} bytes", bytes.size()));
  }
  auto opened = decode_opened(*answer);
  return opened ? std::move(*opened) : unreadable(opened.error().detail);
}

bool ConfinedMessageOpener::can_spawn() const {
  pollfd entry{spawner_.get(), 0, 0};
  return ::poll(&entry, 1, 0) >= 0 && (entry.revents & (POLLHUP | POLLERR)) == 0;
}

Result<OpenedMessage> ConfinedMessageOpener::open(std::string_view message) {
  return ask(kMessage, message);
}

Result<std::vector<ReadOutcome>> ConfinedMessageOpener::open_file(std::string_view bytes) {
  auto opened = ask(kFile, bytes);
  if (!opened) return tl::unexpected(opened.error());
  return std::move(opened->outcomes);
}

}  // namespace tlsrpt
