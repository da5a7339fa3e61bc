// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which stored report a new one is a copy of, and which of the two counts (R225, R227).

#include <optional>
#include <string>

#include "common/sqlite.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// What a report is told from others by, and what is kept of its text.
struct ReportKeys {
  std::string identity;
  std::string likeness;
  std::string packed;  ///< gzip of ReceivedReport::json
};
Result<ReportKeys> keys_of(const ReceivedReport& received);

struct OlderCopy {
  std::int64_t id = 0;
  bool gives_way = false;  ///< the new one is better vouched for: its content counts
};

/// Only reads.
Result<std::optional<OlderCopy>> find_older_copy(Sqlite& database, const ReceivedReport& received,
                                                 const ReportKeys& keys);

}  // namespace tlsrpt::milter
