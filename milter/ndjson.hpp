// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The lines that parse and import print: one JSON object for each report found or input refused.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/report_verdict.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// A name of a file as it may stand in JSON: bytes that are not UTF-8 become \xNN.
std::string printable_name(std::string_view name);

/// A JSON string with its quotes, always valid UTF-8.
std::string json_string(std::string_view text);

/// What import adds to an accepted report.
struct ImportFacts {
  StoredReport stored;
  Provenance provenance{};
  bool dry_run = false;  ///< 'stored' is what would be; its id means something for a duplicate only
};

/// One line, with its line end. 'message': the how many-th of an mbox, or 0.
std::string outcome_line(std::string_view input, const ReadOutcome& outcome,
                         const std::optional<ImportFacts>& facts = std::nullopt,
                         std::uint64_t message = 0);

/// What list --json prints: one line.
std::string listed_line(const ListedReport& listed);
std::string listed_line(const ListedRefusal& listed);

}  // namespace tlsrpt::milter
