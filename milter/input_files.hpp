// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The inputs of parse and import: which files an argument stands for, and their bytes.

#include <string>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt::milter {

/// An mbox is many messages, so its bound is its own.
inline constexpr std::size_t kMaxMboxBytes = std::size_t{1} << 30;

/// The files of one argument: "-" (standard input) and files stand for themselves; a Maildir (it
/// has the folders cur and new) for its messages; any other folder for the regular files in it,
/// not those of its folders and not hidden ones. Sorted by name. Error if it cannot be looked at.
Result<std::vector<std::string>> input_files(const std::string& argument);

/// All bytes of a file or "-". limit_exceeded for more than max_bytes, or more than kMaxMboxBytes
/// of an mbox.
Result<std::string> read_input(const std::string& path, std::size_t max_bytes);

}  // namespace tlsrpt::milter
