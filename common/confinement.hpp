// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A process that can only compute: what opens the bytes of strangers has no files and no network.

#include <chrono>
#include <cstddef>

#include "common/error.hpp"

namespace tlsrpt {

struct ConfinementLimits {
  std::size_t memory_bytes = std::size_t{1} << 30;  ///< address space beyond what is in use already
  std::chrono::seconds cpu_time{30};
};

/// From here on the calling process may read and write descriptors that it holds, ask for memory
/// and end; any other system call kills it (seccomp). No core dumps, no new privileges. Cannot be
/// undone. Must be called with one thread only.
Result<void> confine_this_process(const ConfinementLimits& limits);

}  // namespace tlsrpt
