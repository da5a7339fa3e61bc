// SPDX-License-Identifier: BSD-2-Clause
#include "common/confined_opener.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "common/confined_reader.hpp"
#include "common/outcome_codec.hpp"

namespace tlsrpt {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

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

std::vector<ReadOutcome> outcomes_of(OpenedMessage opened) { return std::move(opened.outcomes); }

Error spawner_gone() {
  return {ErrorCode::internal, "the spawner of confined readers is gone; restart the program"};
}

// ---- the dialogue with one reader

/// Sends head and body, in one go if they fit: each write wakes the reader. False if it is gone or
/// the deadline has come.
bool send_request(int fd, std::string_view head, std::string_view body, Deadline deadline) {
  while (!head.empty() || !body.empty()) {
    std::array<iovec, 2> pieces{iovec{const_cast<char*>(head.data()), head.size()},
                                iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      if (!wait_for(fd, POLLOUT, deadline)) return false;
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    const auto of_head = std::min(head.size(), static_cast<std::size_t>(sent));
    head.remove_prefix(of_head);
    body.remove_prefix(static_cast<std::size_t>(sent) - of_head);
  }
  return true;
}

enum class Answered {
  whole,
  untouched,  ///< the reader was gone before it had read the message
  died,       ///< it had read the message
  too_late,
  too_large,
};

/// The kernel tells a reader that has ended apart from one that has left bytes unread.
Answered receive_some(int fd, std::string& bytes, Deadline deadline) {
  std::array<char, 65536> buffer;
  for (;;) {
    if (!wait_for(fd, POLLIN, deadline)) return Answered::too_late;
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return bytes.empty() ? Answered::untouched : Answered::died;
    if (got == 0) return Answered::died;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    return Answered::whole;
  }
}

/// The answer behind its size.
Answered receive_answer(int fd, std::size_t max_bytes, Deadline deadline, std::string& answer) {
  std::optional<std::uint64_t> size;
  while (!size || answer.size() < *size) {
    if (const auto part = receive_some(fd, answer, deadline); part != Answered::whole) return part;
    if (!size && answer.size() >= sizeof(SizeBytes)) {
      size = size_of_bytes(answer.data());
      if (*size > max_bytes) return Answered::too_large;
      answer.erase(0, sizeof(SizeBytes));
      answer.reserve(*size);
    }
    if (size && answer.size() > *size) return Answered::too_large;
  }
  return Answered::whole;
}

// ---- the dialogue with the spawner

/// A reader, or none if the spawner could not make one. The error means that it is gone.
Result<std::optional<UniqueFd>> receive_reader(int from, Deadline deadline) {
  char answer = 0;
  iovec data{&answer, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  for (;;) {
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      // Another thread may be quicker; then there is the next one to wait for.
      if (wait_for(from, POLLIN, deadline)) continue;
      return fail(ErrorCode::temporary, "the spawner of confined readers does not answer");
    }
    if (got != 1) return tl::unexpected(spawner_gone());
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return std::optional<UniqueFd>{};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return std::optional<UniqueFd>(UniqueFd(fd));
  }
}

}  // namespace

/// One of the max_readers places, given back at the end.
class ConfinedMessageOpener::Place {
 public:
  Place(ConfinedMessageOpener& opener, Deadline deadline) : opener_(opener) {
    std::unique_lock lock(opener.mutex_);
    taken_ = opener.reader_ended_.wait_until(
        lock, deadline, [&] { return opener.at_work_ < opener.settings_.max_readers; });
    if (taken_) ++opener.at_work_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (!taken_) return;
    const std::lock_guard lock(opener_.mutex_);
    --opener_.at_work_;
    opener_.reader_ended_.notify_one();
  }
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  ConfinedMessageOpener& opener_;
  bool taken_ = false;
};

Result<std::unique_ptr<ConfinedMessageOpener>> ConfinedMessageOpener::start(
    const ConfinedSettings& settings) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno(errno, "cannot make a socket pair");
  }
  UniqueFd near(ends[0]);
  UniqueFd far(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot fork the spawner of confined readers");
  if (child == 0) {
    near.reset();
    run_spawner(std::move(far), settings);
  }
  std::unique_ptr<ConfinedMessageOpener> opener(
      new ConfinedMessageOpener(settings, std::move(near)));
  for (unsigned i = 0; i < std::max(settings.waiting_readers, 1u); ++i) {
    if (auto ordered = opener->order_reader(); !ordered) return tl::unexpected(ordered.error());
  }
  return opener;
}

Result<std::unique_ptr<ConfinedMessageOpener>> ConfinedMessageOpener::start_tried(
    const ConfinedSettings& settings) {
  auto opener = start(settings);
  if (!opener) return opener;
  const auto tried = (*opener)->open("From: postmaster@example.org\r\n\r\n");
  const auto cannot = [](std::string_view detail) {
    return fail(ErrorCode::internal,
                "a confined reader cannot work here: is there a limit on memory, such as LimitAS, "
                "or no seccomp? ({})",
                detail);
  };
  if (!tried) return cannot(tried.error().detail);
  for (const ReadOutcome& outcome : tried->outcomes) {
    if (outcome.refusal == Refusal::reader_failed) return cannot(outcome.detail);
  }
  return opener;
}

Result<void> ConfinedMessageOpener::order_reader() {
  if (::send(spawner_.get(), &kMakeReader, 1, MSG_NOSIGNAL) == 1) return {};
  return tl::unexpected(spawner_gone());
}

/// Old answers about a lack that may be over are passed by, since each was ordered before this
/// call; then it is the turn of one that is made now.
Result<UniqueFd> ConfinedMessageOpener::take_reader(Deadline deadline) {
  const unsigned tries = std::max(settings_.waiting_readers, 1u) + 1;
  for (unsigned i = 0; i < tries; ++i) {
    auto reader = receive_reader(spawner_.get(), deadline);
    if (!reader) return tl::unexpected(reader.error());
    // What was taken is replaced while this one is at work. A spawner that is gone is the next
    // one's trouble: this reader is there.
    const auto ordered = order_reader();
    if (*reader) return std::move(**reader);
    if (!ordered) return tl::unexpected(ordered.error());
  }
  return fail(ErrorCode::temporary,
              "no confined reader could be started; is a limit on processes or memory reached?");
}

Result<OpenedMessage> ConfinedMessageOpener::ask(char kind, std::string_view bytes,
                                                 Reader& reader) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const Place place(*this, now() + settings_.timeout);
  if (!place.taken()) {
    return fail(ErrorCode::temporary, "all {} confined readers are busy", settings_.max_readers);
  }
  const SizeBytes size = size_bytes(bytes.size());
  const std::string head = std::string(1, kind) + std::string(size.begin(), size.end());
  const std::size_t max_answer =
      4 * (settings_.limits.max_message_bytes + settings_.limits.gunzip.max_bytes);
  // A reader may have been ended while it waited; nobody looked at the message then.
  const unsigned tries = settings_.waiting_readers + 3;
  for (unsigned i = 0; i < tries; ++i) {
    if (!reader.socket) {
      auto fresh = take_reader(now() + settings_.timeout);
      if (!fresh) return tl::unexpected(fresh.error());
      reader = Reader{std::move(*fresh)};
    }
    // Only now: how long it took to get a reader says nothing about the message.
    const auto begin = now();
    const Deadline deadline = begin + settings_.timeout;
    const bool sent = send_request(reader.socket.get(), head, bytes, deadline);
    std::string answer;
    Answered answered = receive_answer(reader.socket.get(), max_answer, deadline, answer);
    if (answered == Answered::died && !sent && answer.empty()) answered = Answered::untouched;
    if (answered != Answered::whole) reader = {};
    switch (answered) {
      case Answered::untouched:
        continue;
      case Answered::too_late:
        return unreadable_message("the confined reader took too long (ReaderTimeout)");
      case Answered::too_large:
        return unreadable_message("the confined reader's answer is too large");
      case Answered::died:
        return unreadable_message(
            fmt::format("the confined reader died over a message of {} bytes", bytes.size()));
      case Answered::whole:
        break;
    }
    ++reader.messages;
    reader.worked += now() - begin;
    auto opened = decode_opened(answer);
    if (opened) return std::move(*opened);
    reader = {};
    return unreadable_message(opened.error().detail);
  }
  return fail(ErrorCode::temporary,
              "confined readers end before they have read a message; does the kernel have seccomp, "
              "is memory short?");
}

/// Keeps its reader from one message to the next, if there is room for one more that is kept.
class ConfinedMessageOpener::ForClient final : public MessageOpener {
 public:
  explicit ForClient(ConfinedMessageOpener& all) : all_(all) {}
  ForClient(const ForClient&) = delete;
  ForClient& operator=(const ForClient&) = delete;
  ~ForClient() override { end_reader(); }

  Result<OpenedMessage> open(std::string_view message) override {
    return ask(kOpenMessage, message);
  }
  Result<std::vector<ReadOutcome>> open_file(std::string_view bytes) override {
    return ask(kOpenFile, bytes).map(outcomes_of);
  }

 private:
  Result<OpenedMessage> ask(char kind, std::string_view bytes) {
    auto opened = all_.ask(kind, bytes, reader_);
    // One that had much to do has used up a part of its processor time, and of its memory.
    const bool fit = reader_.socket && reader_.messages < kMostMessages &&
                     reader_.worked < kReusedFor && bytes.size() <= kLargestMessage;
    if (!fit || !take_room()) end_reader();
    return opened;
  }
  bool take_room() {
    const std::lock_guard lock(all_.mutex_);
    if (!has_room_ && all_.kept_ < all_.settings_.kept_readers) {
      has_room_ = true;
      ++all_.kept_;
    }
    return has_room_;
  }
  void end_reader() {
    reader_ = {};
    const std::lock_guard lock(all_.mutex_);
    if (std::exchange(has_room_, false)) --all_.kept_;
  }

  static constexpr unsigned kMostMessages = 100;
  static constexpr std::size_t kLargestMessage = 1u << 20;
  ConfinedMessageOpener& all_;
  Reader reader_;
  bool has_room_ = false;
};

bool ConfinedMessageOpener::can_spawn() const {
  pollfd entry{spawner_.get(), 0, 0};
  return ::poll(&entry, 1, 0) >= 0 && (entry.revents & (POLLHUP | POLLERR)) == 0;
}

Result<OpenedMessage> ConfinedMessageOpener::open(std::string_view message) {
  Reader reader;
  return ask(kOpenMessage, message, reader);
}

Result<std::vector<ReadOutcome>> ConfinedMessageOpener::open_file(std::string_view bytes) {
  Reader reader;
  return ask(kOpenFile, bytes, reader).map(outcomes_of);
}

std::unique_ptr<MessageOpener> ConfinedMessageOpener::for_client() {
  return std::make_unique<ForClient>(*this);
}

}  // namespace tlsrpt
