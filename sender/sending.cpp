// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sending.hpp"

#include <utility>

namespace tlsrpt::sender {

Result<std::unique_ptr<Sending>> Sending::start(const ReporterSettings& settings,
                                                const std::vector<SigningKey>& keys,
                                                const DestinationRules& rules,
                                                const StopSignal& stop, Outside outside) {
  auto store = OutboundStore::open(settings.database, SqliteMode::read_write_create);
  if (!store) return tl::unexpected(store.error());
  // A delivery is touched several times: fewer and larger checkpoints write its page once.
  if (auto done =
          store->database().execute("PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-16000");
      !done) {
    return tl::unexpected(done.error());
  }
  auto slot = SenderSlot::take(settings.database);
  if (!slot) return tl::unexpected(slot.error());
  auto secret = Ledger(store->database()).secret();
  if (!secret) return tl::unexpected(secret.error());
  auto lookups = RecordLookups::create(outside.dns, settings.records);
  if (!lookups) return tl::unexpected(lookups.error());
  auto pool = HandOverPool::start(std::move(outside.transports), settings, keys, stop);
  if (!pool) return tl::unexpected(pool.error());
  std::unique_ptr<Sending> sending(
      new Sending({std::move(*store), std::move(*slot), std::move(*secret), std::move(*lookups),
                   std::move(*pool)},
                  settings, rules, outside));
  if (auto done = sending->dispatcher.enter(); !done) return tl::unexpected(done.error());
  return sending;
}

Sending::Sending(Opened opened, const ReporterSettings& settings, const DestinationRules& rules,
                 const Outside& outside)
    : store(std::move(opened.store)),
      ledger(store.database()),
      suppressions(store.database()),
      slot(std::move(opened.slot)),
      lookups(std::move(opened.lookups)),
      pool(std::move(opened.pool)),
      planner({store, ledger, *lookups, suppressions, rules, outside.clock, outside.log}, settings,
              outside.random),
      dispatcher({store, ledger, suppressions, *pool, slot, outside.clock, outside.log}, settings,
                 std::move(opened.secret), outside.random),
      settings_(settings),
      clock_(outside.clock),
      log_(outside.log) {}

Reporter Sending::reporter() {
  return Reporter({store, ledger, suppressions, planner, *lookups, dispatcher, *pool, clock_, log_},
                  settings_);
}

}  // namespace tlsrpt::sender
