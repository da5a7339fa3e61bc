// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which SQL finds the reports that a filter asks for, so that a million of them may lie around.

#include "common/sqlite.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// A query for the reports that fit, newest first, with its values; its columns are 'columns' of
/// the table report, the first of which must be id. A report may come in several rows, one right
/// after the other, and the limit is left to the caller, who simply stops.
Result<Statement> prepare_report_query(Sqlite& database, std::string_view columns,
                                       const ReportFilter& filter);

/// since, until: parameters ?1 and ?2; everything if no time is given.
void bind_range(Statement& query, const ReportFilter& filter);

/// Does an entry about this domain belong to what the filter asks for? One that is about a domain
/// of somebody else is quarantined (R228).
bool is_wanted(const ReportFilter& filter, const std::string& policy_domain);

}  // namespace tlsrpt::milter
