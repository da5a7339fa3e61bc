// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Exit codes of all programs, as sysexits(3) has them.

#include "common/error.hpp"

namespace tlsrpt {

enum class Exit : int {
  ok = 0,
  some_refused = 1,  ///< opentlsrpt-reports: inputs were read, some were refused
  usage = 64,
  data = 65,
  no_input = 66,
  unavailable = 69,
  software = 70,
  os = 71,
  cannot_create = 73,
  io = 74,
  temporary = 75,
  permission = 77,
  config = 78,
};

constexpr int exit_code(Exit code) { return static_cast<int>(code); }

/// The code for a program that ends because of an error. not_found is about an input of the user's.
Exit exit_for(const Error& error);

}  // namespace tlsrpt
