// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where the files of a journal lie, and whose they are. One collector has one journal for one
// database; a second one for the same database gets a journal of its own, and whoever starts takes
// over what is left of those that nobody holds.

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "sender/journal_file.hpp"

namespace tlsrpt::sender {

/// A file that a process left behind.
struct Leftover {
  std::string path;
  JournalHeader header;
};

class JournalFolder {
 public:
  /// In the first folder that is there and can be written to. If there is none, the result is not
  /// usable, but what was left behind elsewhere is found all the same.
  static JournalFolder claim(const std::vector<std::string>& folders, std::string_view database);

  [[nodiscard]] bool usable() const { return !prefix_.empty(); }
  [[nodiscard]] const Error& why_not() const { return why_not_; }
  /// Of this process alone; the files of an earlier one in its place have another.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

  /// The highest number of the files that are there under our own name; 0 if there is none.
  [[nodiscard]] std::uint64_t last_number() const;
  [[nodiscard]] std::string path_of(std::uint64_t number) const;
  /// Oldest of each process first; only those whose counts are in no other file.
  [[nodiscard]] const std::vector<Leftover>& leftovers() const { return leftovers_; }
  /// Files that could not be read and were given another name.
  [[nodiscard]] const std::vector<std::string>& damaged() const { return damaged_; }

  static void remove(const std::string& path);

 private:
  bool claim_slot(const std::string& folder, const std::string& name, bool make);
  void claim_first(const std::vector<std::string>& folders, const std::string& name);
  void adopt(const std::vector<std::string>& folders, const std::string& name);
  void find_leftovers(const std::string& folder, const std::string& file_prefix);
  void drop_superseded();

  std::string folder_;
  std::string prefix_;  ///< of the paths of our own files
  std::uint64_t id_ = 0;
  Error why_not_;
  std::vector<UniqueFd> locks_;  ///< of our own journal, and of those that were taken over
  std::vector<Leftover> leftovers_;
  std::vector<std::string> damaged_;
};

}  // namespace tlsrpt::sender
