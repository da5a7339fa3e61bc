// SPDX-License-Identifier: BSD-2-Clause
#include "sender/systemd_log_source.hpp"

#include <poll.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr char kMailOnly[] = "SYSLOG_FACILITY=2";
constexpr std::size_t kMaxField = 16u << 10;

tl::unexpected<Error> fail_journal(int code, std::string_view what) {
  return fail_errno(-code, what);
}

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

/// The value of a field of the current entry: valid until the next field is read.
std::string_view field(sd_journal* journal, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (sd_journal_get_data(journal, name, &data, &size) < 0) return {};
  const std::string_view whole(static_cast<const char*>(data), size);
  const std::size_t equals = whole.find('=');
  return equals == std::string_view::npos ? std::string_view() : whole.substr(equals + 1);
}

std::string copy(sd_journal* journal, const char* name) {
  return std::string(field(journal, name).substr(0, kMaxField));
}

/// When the sender wrote the entry, in its own words; else when journald got it.
Seconds time_of(sd_journal* journal) {
  const std::string_view source = field(journal, "_SOURCE_REALTIME_TIMESTAMP");
  std::uint64_t microseconds = 0;
  const auto [end, error] =
      std::from_chars(source.data(), source.data() + source.size(), microseconds);
  if (source.empty() || error != std::errc()) {
    if (sd_journal_get_realtime_usec(journal, &microseconds) < 0) microseconds = 0;
  }
  return std::chrono::floor<std::chrono::seconds>(std::chrono::sys_time<std::chrono::microseconds>(
      std::chrono::microseconds(static_cast<std::int64_t>(microseconds))));
}

}  // namespace

struct SystemdLogSource::Handle {
  explicit Handle(sd_journal* opened) : journal(opened) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { sd_journal_close(journal); }
  sd_journal* journal;
};

SystemdLogSource::SystemdLogSource(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
SystemdLogSource::~SystemdLogSource() = default;

Result<std::unique_ptr<SystemdLogSource>> SystemdLogSource::open(const std::string& folder) {
  sd_journal* journal = nullptr;
  const int opened = folder.empty() ? sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY)
                                    : sd_journal_open_directory(&journal, folder.c_str(), 0);
  if (opened < 0) return fail_journal(opened, "cannot open the systemd journal");
  auto handle = std::make_unique<Handle>(journal);
  if (const int done = sd_journal_set_data_threshold(journal, kMaxField); done < 0) {
    return fail_journal(done, "cannot read the systemd journal");
  }
  if (const int done = sd_journal_add_match(journal, kMailOnly, 0); done < 0) {
    return fail_journal(done, "cannot read the systemd journal");
  }
  return std::unique_ptr<SystemdLogSource>(new SystemdLogSource(std::move(handle)));
}

Result<void> SystemdLogSource::seek(std::string_view position) {
  sd_journal* const journal = handle_->journal;
  cursor_ = position;
  if (cursor_.empty()) {
    const int done = sd_journal_seek_head(journal);
    return done < 0 ? Result<void>(fail_journal(done, "systemd journal")) : Result<void>();
  }
  if (const int done = sd_journal_seek_cursor(journal, cursor_.c_str()); done < 0) {
    static_cast<void>(sd_journal_seek_head(journal));
    cursor_.clear();
    return fail(ErrorCode::not_found, "\"{}\" is no place in the systemd journal", position);
  }
  // It goes to the entry, or to the one that comes next if that is gone.
  const int moved = sd_journal_next(journal);
  if (moved < 0) return fail_journal(moved, "cannot read the systemd journal");
  if (moved > 0 && sd_journal_test_cursor(journal, cursor_.c_str()) > 0) return {};
  // The next read shall give the entry that we are at.
  if (moved > 0) static_cast<void>(sd_journal_seek_cursor(journal, cursor_.c_str()));
  return fail(ErrorCode::not_found,
              "the entry of the systemd journal that was read last is not there any more");
}

Result<void> SystemdLogSource::seek_to_end() {
  sd_journal* const journal = handle_->journal;
  cursor_.clear();
  if (const int done = sd_journal_seek_tail(journal); done < 0) {
    return fail_journal(done, "cannot read the systemd journal");
  }
  // The place is that of the last entry: before it, "the end" does not stay where it is.
  const int moved = sd_journal_previous(journal);
  if (moved < 0) return fail_journal(moved, "cannot read the systemd journal");
  char* text = nullptr;
  if (moved > 0 && sd_journal_get_cursor(journal, &text) >= 0) {
    cursor_ = std::unique_ptr<char, FreeText>(text).get();
  }
  return {};
}

Result<std::size_t> SystemdLogSource::read(std::size_t at_most,
                                           const std::function<void(const LogItem&)>& give) {
  sd_journal* const journal = handle_->journal;
  std::size_t given = 0;
  LogItem item;
  item.has_header = false;
  for (; given < at_most; ++given) {
    const int moved = sd_journal_next(journal);
    if (moved < 0) return fail_journal(moved, "cannot read the systemd journal");
    if (moved == 0) break;
    const std::string identity = copy(journal, "SYSLOG_IDENTIFIER");
    std::string pid = copy(journal, "SYSLOG_PID");
    if (pid.empty()) pid = copy(journal, "_PID");
    item.entry.at = time_of(journal);
    item.entry.identity = identity;
    item.entry.pid = pid;
    item.entry.text = field(journal, "MESSAGE");
    give(item);
  }
  if (given == 0) return given;
  char* text = nullptr;
  if (const int done = sd_journal_get_cursor(journal, &text); done < 0) {
    return fail_journal(done, "cannot read the systemd journal");
  }
  cursor_ = std::unique_ptr<char, FreeText>(text).get();
  return given;
}

void SystemdLogSource::wait(std::chrono::milliseconds at_most, int stop_fd) {
  sd_journal* const journal = handle_->journal;
  constexpr std::chrono::milliseconds kGather{50};
  std::array<pollfd, 2> watched{pollfd{stop_fd, POLLIN, 0}, pollfd{-1, POLLIN, 0}};
  if (const int fd = sd_journal_get_fd(journal); fd >= 0) watched[1].fd = fd;
  ::poll(watched.data(), watched.size(),
         static_cast<int>(std::max<std::int64_t>(at_most.count(), 0)));
  if (watched[0].revents == 0 && watched[1].revents != 0) {
    ::poll(watched.data(), 1, static_cast<int>(kGather.count()));
  }
  // Files that were made or removed become known by that.
  static_cast<void>(sd_journal_process(journal));
}

Result<void> check_systemd_journal() {
  // Opening it succeeds for anybody, and shows a user's own entries then.
  namespace fs = std::filesystem;
  bool any = false;
  for (const char* const folder : {"/var/log/journal", "/run/log/journal"}) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string file = (entry->path() / "system.journal").string();
      if (::access(file.c_str(), R_OK) == 0) return {};
      any = any || errno == EACCES;
    }
    any = any || error == std::errc::permission_denied;
  }
  if (!any) return {};  // none is there yet
  return fail(ErrorCode::permission, "the systemd journal may not be read");
}

}  // namespace tlsrpt::sender
