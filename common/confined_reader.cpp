// SPDX-License-Identifier: BSD-2-Clause
#include "common/confined_reader.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/confinement.hpp"
#include "common/outcome_codec.hpp"

namespace tlsrpt {

namespace {

// ---- in the reader: only read(2) and write(2)

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

/// The size goes with the first bytes, so that a small answer wakes the program once. One page of
/// them: each further one is a page fault.
bool write_answer(int fd, std::string_view answer) {
  std::array<char, 4096> first;
  const SizeBytes size = size_bytes(answer.size());
  const std::size_t with_size = std::min(answer.size(), first.size() - size.size());
  std::copy(size.begin(), size.end(), first.begin());
  std::copy_n(answer.begin(), with_size, first.begin() + size.size());
  return write_exactly(fd, {first.data(), size.size() + with_size}) &&
         write_exactly(fd, answer.substr(with_size));
}

OpenedMessage open_kind(char kind, std::string_view bytes, const MessageLimits& limits) {
  if (kind == kOpenMessage) return open_message(bytes, limits);
  OpenedMessage opened;
  opened.outcomes = open_file_bytes(bytes, limits);
  return opened;
}

/// Room for the message, what it unpacks to, and the trees built from both.
std::size_t memory_for(const ConfinedSettings& settings) {
  return 8 * (settings.limits.max_message_bytes + settings.limits.gunzip.max_bytes) + (64u << 20);
}

/// Serves one request. False, and nothing is answered, if there is none or not all of it.
bool serve_request(int socket, const ConfinedSettings& settings) {
  std::array<char, 1 + sizeof(SizeBytes)> head{};
  if (!read_exactly(socket, head.data(), head.size())) return false;
  const std::uint64_t size = size_of_bytes(head.data() + 1);
  if (size > memory_for(settings) / 2) {
    const auto refusal = unreadable_message(
        fmt::format("a message of {} bytes is more than the confined reader has memory for", size));
    static_cast<void>(write_answer(socket, encode_opened(refusal)));
    return false;  // its bytes are still to come
  }
  std::string bytes(size, '\0');
  if (!read_exactly(socket, bytes.data(), bytes.size())) return false;
  return write_answer(socket, encode_opened(open_kind(head.front(), bytes, settings.limits)));
}

/// Ends without an answer only before it has read all of a message, or because of what is in it.
[[noreturn]] void run_reader(int socket, const Confinement& confinement,
                             const ConfinedSettings& settings) {
  if (!confinement.enter()) ::_exit(1);
  while (serve_request(socket, settings)) {
  }
  ::_exit(0);
}

// ---- in the spawner

/// A small message with everything in it that libraries load lazily, so that readers need no file
/// and find in place what they would otherwise each make for themselves.
void warm_up(const MessageLimits& limits) {
  const OpenedMessage opened = open_message(
      "From: a@b\xc3\xbc"
      "cher.example\r\nTLS-Report-Domain: b\xc3\xbc"
      "cher.example\r\nTLS-Report-Submitter: x.example\r\n"
      "Content-Type: application/tlsrpt+json\r\n\r\n"
      R"({"organization-name":"x","contact-info":"a@y.example","date-range":{"start-datetime":"2026-01-01T00:00:00Z",)"
      R"("end-datetime":"2026-01-01T23:59:59Z"},"policies":[{"policy":{"policy-type":"sts",)"
      R"("policy-domain":"b\u00fccher.example"},"summary":{"total-successful-session-count":1}}]})",
      limits);
  static_cast<void>(encode_opened(opened));
}

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

void make_reader(int control, const Confinement& confinement, const ConfinedSettings& settings) {
  std::array<int, 2> ends{-1, -1};
  const bool paired = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0;
  const UniqueFd near(ends[0]);
  const UniqueFd far(ends[1]);
  const pid_t child = paired ? ::fork() : -1;
  if (child == 0) {
    ::close(near.get());
    ::close(control);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_reader(far.get(), confinement, settings);
  }
  if (child < 0 || !pass_descriptor(control, near.get())) {
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

}  // namespace

void run_spawner(UniqueFd inherited, const ConfinedSettings& settings) {
  const UniqueFd control = keep_only(std::move(inherited));
  ::signal(SIGCHLD, SIG_IGN);  // the kernel buries the readers
  // A terminal and a supervisor signal the whole group; mails in hand are still to be answered, and
  // the end of the program is seen by its socket.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "tlsrpt-spawner");
  warm_up(settings.limits);
  const auto confinement =
      Confinement::prepare({memory_for(settings), settings.timeout + kReusedFor});
  if (!confinement) ::_exit(1);
  for (;;) {
    char request = 0;
    const ssize_t got = ::recv(control.get(), &request, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) ::_exit(0);
    if (request == kMakeReader) make_reader(control.get(), *confinement, settings);
  }
}

OpenedMessage unreadable_message(std::string detail) {
  OpenedMessage opened;
  opened.facts.claims_report = true;
  opened.outcomes.resize(1);
  opened.outcomes.front().refusal = Refusal::reader_failed;
  opened.outcomes.front().detail = std::move(detail);
  return opened;
}

}  // namespace tlsrpt
