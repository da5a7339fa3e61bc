// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How many new reports may one sender bring in a day? (R240) One that floods the store is put off;
// all others are served. Each function runs inside the caller's transaction.

#include <map>
#include <string>
#include <vector>

#include "common/sqlite.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// Whose share a report takes. That of a signer is his organisation's: a wildcard in DNS gives him
/// any number of subdomains. What nobody has signed takes that of the address it came from, because
/// whatever else it says of its sender may be the name of another, whose share is not touched.
std::string quota_holder(const Provenance& from);

/// The holder for each report of an item, then for each of its refused inputs; empty for nobody,
/// as of refused mails: one that somebody signed can be sent again by others. None at all if there
/// is no limit.
std::vector<std::string> quota_holders(const StoreItem& item, const StoreLimits& limits);

/// The first of them who has used up his day and brings something new; empty if nobody. So
/// duplicates are always welcome, and what came in one mail is not torn apart: it may exceed the
/// limit by less than MaximumReports.
Result<std::string> find_exhausted(Sqlite& database, const StoreItem& item,
                                   const std::vector<std::string>& holders,
                                   const StoreLimits& limits);

/// Counts what was stored for its holders, and forgets the days before.
Result<void> use_quota(Sqlite& database, Day day,
                       const std::map<std::string, std::uint64_t>& fresh);

}  // namespace tlsrpt::milter
