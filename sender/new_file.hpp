// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A secret goes into a file of its own, completely or not at all.

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

/// Writes a file of mode 0600 that did not exist before; it is on disk when this returns, and gone
/// after an error. Errors: invalid_argument if the path exists (links included), else as
/// fail_errno.
Result<void> write_new_file(const std::string& path, std::string_view bytes);

}  // namespace tlsrpt::sender
