// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which files does an argument of parse and import stand for?

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt::milter {

inline constexpr unsigned kMaxFolderDepth = 32;
inline constexpr std::size_t kMaxFiles = 2'000'000;  ///< in the folders of one argument

struct InputFile {
  std::string path;        ///< "-" is the standard input
  std::uint64_t size = 0;  ///< as far as it is known
  bool in_folder = false;  ///< found, not named: it may be opened only if it is a regular file
};

struct InputFiles {
  std::vector<InputFile> files;
  std::vector<std::string> skipped;  ///< what was passed by, and why, in words
  std::vector<Error> unreadable;     ///< folders below the argument
};

/// "-" and files stand for themselves; a folder for the regular files in it and in its folders,
/// sorted by name, without hidden ones and without following symbolic links. A Maildir (it has the
/// folders cur and new) stands for its messages, and for those of the Maildirs in it, also hidden
/// ones (".Sub"). Error if the argument itself cannot be looked at.
Result<InputFiles> input_files(const std::string& argument);

}  // namespace tlsrpt::milter
