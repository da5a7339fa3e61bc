// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Whether a person watches, and how much room there is.

#include <cstddef>

namespace tlsrpt::sender {

/// A terminal that can take escape sequences.
bool is_terminal(int fd);

/// Columns of the terminal: the environment's COLUMNS if set, else what the terminal says, else 80.
std::size_t terminal_width(int fd);

}  // namespace tlsrpt::sender
