// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Whole files, read with a bound.

#include <string>

#include "common/error.hpp"

namespace tlsrpt {

/// The bytes of a regular file, pipe or device; limit_exceeded if there are more than max_bytes.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// The bytes of an open descriptor up to its end; 'name' stands in errors.
Result<std::string> read_descriptor(int fd, const std::string& name, std::size_t max_bytes);

}  // namespace tlsrpt
