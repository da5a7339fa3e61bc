// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A log file that grows and is rotated: by a new name and a new file, or by being copied and cut
// (copytruncate). A place in it is known by the file's inode, the offset, and a fingerprint of what
// lies before, so that it is found again under another name.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log.hpp"
#include "common/unique_fd.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/log_source.hpp"
#include "sender/rotated_files.hpp"

namespace tlsrpt::sender {

struct FileLogSettings {
  std::string path;
  std::size_t max_line = 16u << 10;      ///< longer ones are skipped
  std::size_t block = 256u << 10;        ///< that is read at once
  std::chrono::milliseconds poll{1000};  ///< where inotify does not help
  /// The file before has to be quiet for so long before the new one is read: its writer learns
  /// late that it was rotated.
  std::chrono::milliseconds quiet{3000};
};

/// Events that have no line: "log-long-lines", "log-lost".
using CountEvents = std::function<void(const std::string& name, std::uint64_t events)>;

class FileLogSource final : public LogSource {
 public:
  /// The file need not be there yet. 'log' must outlive it.
  FileLogSource(FileLogSettings settings, Log& log, CountEvents count);
  ~FileLogSource() override;

  [[nodiscard]] const std::string& name() const override { return settings_.path; }
  [[nodiscard]] std::string position() const override;
  Result<void> seek(std::string_view position) override;
  Result<void> seek_to_end() override;
  Result<std::size_t> read(std::size_t at_most,
                           const std::function<void(const LogItem&)>& give) override;
  void wait(std::chrono::milliseconds at_most, int stop_fd) override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void use(UniqueFd fd, std::uint64_t offset);
  bool fill();
  std::size_t give_lines(std::size_t at_most, const std::function<void(const LogItem&)>& give);
  void give_rest(const std::function<void(const LogItem&)>& give);
  void note_begin(std::string_view bytes, std::uint64_t offset);
  bool go_to_torn_end(const std::vector<RotatedFile>& files, const FilePlace& place);
  bool open_first();
  bool was_cut() const;
  bool restart_after_cut();
  bool follow_rotation(const std::function<void(const LogItem&)>& give, std::size_t& given);
  bool has_been_quiet() const;
  void tell_unreadable(const std::vector<std::string>& files);
  void complain(const Error& error);
  void watch();

  FileLogSettings settings_;
  Log& log_;
  CountEvents count_;
  UniqueFd fd_;
  FileId id_;
  std::string begin_;          ///< the first bytes of the file, for the fingerprint
  std::uint64_t offset_ = 0;   ///< of the first byte that has not been given
  std::uint64_t read_to_ = 0;  ///< of the first byte that is not in the buffer
  std::vector<char> buffer_;
  std::size_t from_ = 0;  ///< what is in it and was not given
  std::size_t to_ = 0;
  std::size_t searched_ = 0;  ///< behind from_, without a line feed
  bool skipping_ = false;     ///< a line that is too long
  SteadyTime grown_at_{};
  bool at_end_ = false;  ///< when it was read last
  UniqueFd notify_;
  RateLimit complaint_limit_{std::chrono::minutes(10)};
};

}  // namespace tlsrpt::sender
