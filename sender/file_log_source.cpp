// SPDX-License-Identifier: BSD-2-Clause
#include "sender/file_log_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/clock.hpp"

namespace tlsrpt::sender {

namespace {

// Lines that come one by one are read a few at a time.
constexpr std::chrono::milliseconds kGather{20};

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

Seconds now_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

FileLogSource::FileLogSource(FileLogSettings settings, Log& log, CountEvents count)
    : settings_(std::move(settings)),
      log_(log),
      count_(std::move(count)),
      buffer_(std::max(settings_.block, 2 * settings_.max_line)) {
  watch();
}

FileLogSource::~FileLogSource() = default;

/// The folder is watched, and with it the file under whatever name. Without inotify the poll
/// interval does.
void FileLogSource::watch() {
  notify_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!notify_) return;
  const std::string folder = std::filesystem::path(settings_.path).parent_path().string();
  constexpr std::uint32_t kEvents = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM;
  if (::inotify_add_watch(notify_.get(), folder.c_str(), kEvents) < 0) notify_.reset();
}

void FileLogSource::use(UniqueFd fd, std::uint64_t offset) {
  struct stat status{};
  static_cast<void>(::fstat(fd.get(), &status));
  id_ = id_of(status);
  fd_ = std::move(fd);
  begin_ = read_begin(fd_.get());
  offset_ = read_to_ = offset;
  from_ = to_ = searched_ = 0;
  skipping_ = false;
  grown_at_ = {};
}

std::string FileLogSource::position() const {
  struct stat status{};
  // No file yet: what is made from now on comes behind.
  if (!fd_) return to_text({{}, 0, 0, static_cast<std::uint64_t>(now_ns())});
  static_cast<void>(::fstat(fd_.get(), &status));
  return to_text({id_, offset_, fingerprint(begin_, offset_), changed_of(status)});
}

Result<void> FileLogSource::seek_to_end() {
  UniqueFd fd = open_log(settings_.path);
  // A file that is made later is read from its begin: all of it comes after now.
  if (!fd) return {};
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot read " + settings_.path);
  use(std::move(fd), static_cast<std::uint64_t>(status.st_size));
  return {};
}

Result<void> FileLogSource::seek(std::string_view position) {
  const auto place = parse_file_place(position);
  if (!place) return fail(ErrorCode::not_found, "\"{}\" is no place in a file", position);
  const std::vector<RotatedFile> files = find_rotated(settings_.path);
  // Under its own inode first; a copy has another one.
  for (const bool same : {true, false}) {
    for (const RotatedFile& file : files) {
      if ((file.id == place->id) != same || file.compressed) continue;
      UniqueFd fd = open_log(file.path);
      if (!fd || !holds(fd.get(), file, *place)) continue;
      use(std::move(fd), place->offset);
      return {};
    }
  }
  if (go_to_torn_end(files, *place)) {
    return fail(ErrorCode::not_found,
                "{} is shorter than it was, as after a power failure; lines up to its present end "
                "are taken for counted",
                settings_.path);
  }
  fd_.reset();
  offset_ = read_to_ = from_ = to_ = 0;
  id_ = {};
  begin_.clear();
  std::vector<std::string> unreadable;
  for (const RotatedFile& file : files) {
    if (file.changed < place->changed) continue;
    if (file.compressed) unreadable.push_back(file.path);
    if (file.compressed || fd_) continue;
    if (UniqueFd fd = open_log(file.path)) use(std::move(fd), 0);
  }
  tell_unreadable(unreadable);
  if (place->id == FileId{}) return {};
  return fail(ErrorCode::not_found,
              "the place where {} was read last is not there any more; lines between it and the "
              "begin of that file are not counted",
              settings_.path);
}

/// After a power failure a file may lack its last lines, which were counted: databases are on disk
/// before logs are. From its begin all would be counted twice.
bool FileLogSource::go_to_torn_end(const std::vector<RotatedFile>& files, const FilePlace& place) {
  for (const RotatedFile& file : files) {
    if (file.id != place.id || file.size >= place.offset) continue;
    RotatedFile as_before = file;
    as_before.size = place.offset;
    UniqueFd fd = open_log(file.path);
    if (!fd || !holds(fd.get(), as_before, place)) continue;
    use(std::move(fd), file.size);
    return true;
  }
  return false;
}

/// The one of the configured name, from its begin.
bool FileLogSource::open_first() {
  UniqueFd fd = open_log(settings_.path);
  if (!fd) {
    if (errno != ENOENT) complain(fail_errno(errno, "cannot read " + settings_.path).value());
    return false;
  }
  use(std::move(fd), 0);
  return true;
}

void FileLogSource::complain(const Error& error) {
  if (!complaint_limit_.allow(now_seconds())) return;
  log_.warning(LogLine("log-unreadable").add("log", settings_.path).add(error));
}

void FileLogSource::tell_unreadable(const std::vector<std::string>& files) {
  if (files.empty()) return;
  count_("log-lost-files", files.size());
  log_.warning(LogLine("log-lost")
                   .add("log", settings_.path)
                   .add("files", std::uint64_t{files.size()})
                   .add("newest", files.back())
                   .add("hint",
                        "rotated and compressed before they were read; let logrotate "
                        "delay the compression"));
}

void FileLogSource::note_begin(std::string_view bytes, std::uint64_t offset) {
  if (begin_.size() >= kFingerprinted || offset != begin_.size()) return;
  begin_.append(bytes.substr(0, kFingerprinted - begin_.size()));
}

/// Reads one more block behind what is in the buffer. False: there is nothing.
bool FileLogSource::fill() {
  if (from_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + from_, to_ - from_);
    to_ -= from_;
    from_ = 0;
  }
  for (;;) {
    const ssize_t got = ::pread(fd_.get(), buffer_.data() + to_, buffer_.size() - to_,
                                static_cast<off_t>(read_to_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) complain(fail_errno(errno, "cannot read " + settings_.path).value());
    if (got <= 0) return false;
    note_begin({buffer_.data() + to_, static_cast<std::size_t>(got)}, read_to_);
    to_ += static_cast<std::size_t>(got);
    read_to_ += static_cast<std::uint64_t>(got);
    grown_at_ = std::chrono::steady_clock::now();
    return true;
  }
}

/// The whole lines of the buffer.
std::size_t FileLogSource::give_lines(std::size_t at_most,
                                      const std::function<void(const LogItem&)>& give) {
  std::size_t given = 0;
  LogItem item;
  while (given < at_most) {
    const char* const begin = buffer_.data() + from_;
    const std::size_t size = to_ - from_;
    const void* const found =
        size > searched_ ? std::memchr(begin + searched_, '\n', size - searched_) : nullptr;
    if (found == nullptr) {
      searched_ = size;
      if (size <= settings_.max_line) return given;
      // offset_ stays at its begin: it is skipped again after a restart.
      if (!skipping_) count_("log-long-lines", 1);
      skipping_ = true;
      from_ = to_;
      searched_ = 0;
      return given;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - begin);
    from_ += length + 1;
    searched_ = 0;
    offset_ = read_to_ - (to_ - from_);
    if (std::exchange(skipping_, false)) continue;
    if (length > settings_.max_line) {
      count_("log-long-lines", 1);
      continue;
    }
    item.line = {begin, length};
    if (item.line.ends_with('\r')) item.line.remove_suffix(1);
    give(item);
    ++given;
  }
  return given;
}

/// The last line of a file that nobody writes to any more, if its end is missing.
void FileLogSource::give_rest(const std::function<void(const LogItem&)>& give) {
  LogItem item;
  item.line = {buffer_.data() + from_, to_ - from_};
  const bool whole = !skipping_ && !item.line.empty();
  offset_ = read_to_;
  from_ = to_ = searched_ = 0;
  skipping_ = false;
  if (whole) give(item);
}

/// Has the file become shorter, or another one in its place?
bool FileLogSource::was_cut() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return false;
  if (static_cast<std::uint64_t>(status.st_size) < read_to_) return true;
  const std::string begin = read_begin(fd_.get());
  const std::size_t known = std::min(begin_.size(), begin.size());
  return std::string_view(begin).substr(0, known) != std::string_view(begin_).substr(0, known);
}

/// copytruncate: what was not read yet may be in the copy.
bool FileLogSource::restart_after_cut() {
  const FilePlace place{id_, offset_, fingerprint(begin_, offset_), 0};
  for (const RotatedFile& file : find_rotated(settings_.path)) {
    if (file.id == id_ || file.compressed || offset_ == 0) continue;
    UniqueFd fd = open_log(file.path);
    if (!fd || !holds(fd.get(), file, place)) continue;
    log_.notice(LogLine("log-rotated").add("log", settings_.path).add("by", "copy"));
    use(std::move(fd), place.offset);
    return true;
  }
  log_.notice(LogLine("log-cut")
                  .add("log", settings_.path)
                  .add("read_to", std::uint64_t{offset_})
                  .add("hint", "read again from its begin; lines behind that place are lost"));
  return open_first();
}

bool FileLogSource::has_been_quiet() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return true;
  if (static_cast<std::uint64_t>(status.st_size) > read_to_) return false;
  const auto changed = static_cast<std::int64_t>(changed_of(status));
  const auto quiet = std::chrono::duration_cast<std::chrono::nanoseconds>(settings_.quiet);
  const std::int64_t age = now_ns() - changed;
  // A file that was changed in the future belongs to a clock that was set.
  if (age >= quiet.count()) return true;
  return age < 0 && std::chrono::steady_clock::now() - grown_at_ >= settings_.quiet;
}

/// At the end of a file: the next one, if there is one. True: there is more to read.
bool FileLogSource::follow_rotation(const std::function<void(const LogItem&)>& give,
                                    std::size_t& given) {
  struct stat status{};
  if (::stat(settings_.path.c_str(), &status) != 0) {
    if (errno != ENOENT) complain(fail_errno(errno, "cannot look at " + settings_.path).value());
    return false;
  }
  if (id_of(status) == id_) {
    if (!was_cut()) return false;
    return restart_after_cut();
  }
  if (was_cut()) return restart_after_cut();
  const std::vector<RotatedFile> files = find_rotated(settings_.path);
  auto next = std::find_if(files.begin(), files.end(),
                           [this](const RotatedFile& file) { return file.id == id_; });
  std::vector<std::string> unreadable;
  if (next != files.end()) {
    ++next;
  } else {
    // Our own is gone: what was changed after it comes next.
    struct stat own{};
    static_cast<void>(::fstat(fd_.get(), &own));
    const std::uint64_t changed = changed_of(own);
    next = std::find_if(files.begin(), files.end(), [&](const RotatedFile& file) {
      return file.changed > changed || &file == &files.back();
    });
  }
  while (next != files.end() && next->compressed) unreadable.push_back((next++)->path);
  if (next == files.end()) return false;
  // Its writer may still be at the old one, unless there has been another rotation since.
  const bool last = next + 1 == files.end();
  if (last && (next->size == 0 || !has_been_quiet())) return false;
  UniqueFd fd = open_log(next->path);
  if (!fd) {
    complain(fail_errno(errno, "cannot read " + next->path).value());
    return false;
  }
  tell_unreadable(unreadable);
  if (to_ > from_ && !skipping_) ++given;
  give_rest(give);
  log_.notice(LogLine("log-rotated").add("log", settings_.path).add("next", next->path));
  use(std::move(fd), 0);
  return true;
}

Result<std::size_t> FileLogSource::read(std::size_t at_most,
                                        const std::function<void(const LogItem&)>& give) {
  std::size_t given = 0;
  if (!fd_ && !open_first()) return given;
  // Before anything is read behind the old end: it may be another text by now.
  if (std::exchange(at_end_, false) && was_cut() && !restart_after_cut()) return given;
  while (given < at_most) {
    given += give_lines(at_most - given, give);
    if (given >= at_most || fill()) continue;
    if (follow_rotation(give, given)) continue;
    at_end_ = true;
    break;
  }
  return given;
}

void FileLogSource::wait(std::chrono::milliseconds at_most, int stop_fd) {
  const auto time = std::min(at_most, settings_.poll);
  pollfd watched[] = {{stop_fd, POLLIN, 0}, {notify_ ? notify_.get() : -1, POLLIN, 0}};
  ::poll(watched, 2, static_cast<int>(std::max<std::int64_t>(time.count(), 0)));
  if (watched[0].revents != 0 || watched[1].revents == 0) return;
  ::poll(watched, 1, static_cast<int>(std::min(time, kGather).count()));
  char events[4096];
  while (::read(notify_.get(), events, sizeof events) > 0) {
  }
}

}  // namespace tlsrpt::sender
