// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The inputs of parse and import one after the other: a file, or each message of an mbox.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/mbox.hpp"
#include "common/unique_fd.hpp"
#include "milter/input_files.hpp"
#include "milter/stop_signals.hpp"

namespace tlsrpt::milter {

/// What messages and output call an input.
struct InputName {
  std::string path;
  std::uint64_t message = 0;  ///< the how many-th of an mbox, from 1; 0: not of an mbox
  /// "box.mbox, message 12"
  [[nodiscard]] std::string in_words() const;
};

struct InputItem {
  InputName name;
  std::string bytes;  ///< the whole, or the beginning
  bool cut = false;   ///< it is larger than the limit
  std::optional<Error> unreadable;
};

/// What a file that begins with "From " is: mail servers put such a line in front of one mail.
enum class FromLine { begins_mbox, precedes_one_mail };

/// Holds one file or message in memory, and of an mbox of any size one message.
class InputStream {
 public:
  InputStream(std::vector<InputFile> files, std::size_t max_bytes, const StopSignals& stop,
              FromLine from_line = FromLine::begins_mbox);

  /// Nothing at the end, or when a signal came that says to stop.
  std::optional<InputItem> next();

  [[nodiscard]] std::size_t files() const { return files_.size(); }
  [[nodiscard]] std::size_t files_done() const { return next_file_ - (mbox_ ? 1 : 0); }
  [[nodiscard]] std::uint64_t bytes() const { return total_bytes_; }
  [[nodiscard]] std::uint64_t bytes_done() const { return read_bytes_; }

 private:
  Result<void> open(const InputFile& file);
  Result<std::size_t> read_some(char* to, std::size_t size);
  Result<std::string> read_beginning();
  Result<InputItem> whole_file(std::string beginning);
  std::optional<InputItem> next_of_mbox();
  InputItem unreadable(Error error);

  std::vector<InputFile> files_;
  std::size_t max_bytes_;
  const StopSignals& stop_;
  FromLine from_line_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t read_bytes_ = 0;
  std::size_t next_file_ = 0;
  InputName name_;  ///< of the file at hand
  UniqueFd opened_;
  int fd_ = -1;
  bool regular_ = true;
  std::unique_ptr<MboxReader> mbox_;
};

}  // namespace tlsrpt::milter
