// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A process that can only compute: what opens the bytes of strangers has no files and no network.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt {

struct ConfinementLimits {
  std::size_t memory_bytes = std::size_t{1} << 30;  ///< address space beyond what is in use already
  std::chrono::seconds cpu_time{30};
};

/// The way into confinement, made once and gone by many processes. Making the filter takes longer
/// than opening a small mail, so each process only loads it.
class Confinement {
 public:
  /// Makes the filter and sets what a process may keep and its children inherit: no core dumps, no
  /// new privileges, no files written, and the limit on memory.
  static Result<Confinement> prepare(const ConfinementLimits& limits);

  /// From here on the calling process may read and write descriptors that it holds, ask for memory
  /// and end; any other system call kills it (seccomp). Cannot be undone. Called by the process
  /// that has prepared, or a child of it, with one thread only.
  [[nodiscard]] Result<void> enter() const;

 private:
  Confinement(std::chrono::seconds cpu_time, std::vector<std::uint64_t> filter)
      : cpu_time_(cpu_time), filter_(std::move(filter)) {}
  std::chrono::seconds cpu_time_;
  std::vector<std::uint64_t> filter_;  ///< instructions of classic BPF, each eight bytes
};

/// Both at once.
Result<void> confine_this_process(const ConfinementLimits& limits);

}  // namespace tlsrpt
