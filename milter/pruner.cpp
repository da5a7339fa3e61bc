// SPDX-License-Identifier: BSD-2-Clause
#include "milter/pruner.hpp"

namespace tlsrpt::milter {

void Pruner::prune_when_due() {
  const Day today = clock_.today();
  if (retention_.count() == 0 || tried_ == today) return;
  tried_ = today;
  auto store = ReceivedStore::open(store_path_, SqliteMode::read_write_create);
  if (!store) {
    log_.warning(LogLine("prune-failed").add(store.error()));
    return;
  }
  if (const auto pruned = store->prune(clock_.now() - retention_); !pruned) {
    log_.warning(LogLine("prune-failed").add(pruned.error()));
  }
}

}  // namespace tlsrpt::milter
