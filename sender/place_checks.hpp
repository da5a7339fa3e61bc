// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Can this process work with the files that the configuration names? To be asked as the user that
// will need them.

#include <cstdint>
#include <string>

#include "sender/finding.hpp"

namespace tlsrpt::sender {

/// Less free space than this is worth a warning.
inline constexpr std::uint64_t kLowSpaceBytes = 100u << 20;

/// The folder of the database: exists, lets files be made (one is made and removed), and what is
/// there of the database and SQLite's files beside it can be written. database: the path of
/// outbound.db, which need not exist.
Findings check_database_place(const std::string& database);

/// The warning about the free space of a folder, if there is one to give.
Findings check_space(const std::string& folder, std::uint64_t free_bytes);

/// A program that is to be started. key: the name in the configuration.
Findings check_program(const std::string& key, const std::string& path);

/// A file that is to be read.
Findings check_readable(const std::string& key, const std::string& path);

}  // namespace tlsrpt::sender
