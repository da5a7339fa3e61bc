// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The systemd journal as a log: the entries of facility mail. A place in it is systemd's cursor.
// That this is about systemd's journal and not about ours (sender/journal.hpp) is in the name.

#include <memory>
#include <string>

#include "sender/log_source.hpp"

namespace tlsrpt::sender {

/// Can this process read entries of others? What hinders it, and what to do.
Result<void> check_systemd_journal();

class SystemdLogSource final : public LogSource {
 public:
  /// 'folder': with journal files, in place of the machine's.
  static Result<std::unique_ptr<SystemdLogSource>> open(const std::string& folder = {});
  ~SystemdLogSource() override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string position() const override { return cursor_; }
  Result<void> seek(std::string_view position) override;
  Result<void> seek_to_end() override;
  Result<std::size_t> read(std::size_t at_most,
                           const std::function<void(const LogItem&)>& give) override;
  void wait(std::chrono::milliseconds at_most, int stop_fd) override;

 private:
  struct Handle;
  explicit SystemdLogSource(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
  std::string name_ = "journal";
  std::string cursor_;  ///< of the entry that was given last; empty: none was
};

}  // namespace tlsrpt::sender
