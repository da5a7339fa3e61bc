// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_schema.hpp"

namespace tlsrpt::milter {

namespace {

// Only keys are NOT NULL: whatever a sender may leave out may be NULL. Words instead of numbers
// stand for enumerations and flags, so that a later program may order them differently and a person
// can read them with sqlite3(1).
//
// 'failing' says that failures were counted or described. It is kept in both tables, because a
// filter on one domain asks about that domain's policies only.
//
// policy and failure begin their key with policy_domain, by which a cluster would distribute them.
// end_datetime is repeated in policy, so that the newest reports of one domain are a walk along one
// index.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE report (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity BLOB NOT NULL UNIQUE,
  received_at INTEGER NOT NULL,
  source TEXT,
  dkim TEXT,
  dkim_domain TEXT,
  dkim_reason TEXT,
  from_domain TEXT,
  submitter TEXT,
  queue_id TEXT,
  message_id TEXT,
  organization_name TEXT,
  contact_info TEXT,
  report_id TEXT,
  start_datetime INTEGER NOT NULL,
  end_datetime INTEGER NOT NULL,
  flags TEXT,
  failing INTEGER NOT NULL,
  json BLOB
);
CREATE INDEX report_by_range ON report (end_datetime, start_datetime);
CREATE INDEX report_failing_by_range ON report (end_datetime, start_datetime) WHERE failing = 1;
CREATE INDEX report_by_arrival ON report (received_at);

CREATE TABLE policy (
  policy_domain TEXT NOT NULL,
  end_datetime INTEGER NOT NULL,
  report INTEGER NOT NULL,
  position INTEGER NOT NULL,
  policy_type TEXT,
  policy_string TEXT,
  mx_host TEXT,
  total_successful_session_count INTEGER,
  total_failure_session_count INTEGER,
  failing INTEGER NOT NULL,
  PRIMARY KEY (policy_domain, end_datetime, report, position)
);
CREATE INDEX policy_by_report ON policy (report, position);

CREATE TABLE failure (
  policy_domain TEXT NOT NULL,
  report INTEGER NOT NULL,
  policy INTEGER NOT NULL,
  position INTEGER NOT NULL,
  result_type TEXT,
  sending_mta_ip TEXT,
  receiving_mx_hostname TEXT,
  receiving_mx_helo TEXT,
  receiving_ip TEXT,
  failed_session_count INTEGER,
  additional_information TEXT,
  failure_reason_code TEXT,
  PRIMARY KEY (policy_domain, report, policy, position)
);

CREATE TABLE refused (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint BLOB NOT NULL UNIQUE,
  times INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  source TEXT,
  dkim TEXT,
  dkim_domain TEXT,
  dkim_reason TEXT,
  from_domain TEXT,
  submitter TEXT,
  queue_id TEXT,
  message_id TEXT,
  refusal TEXT,
  detail TEXT,
  subject TEXT,
  size INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  bytes BLOB
);
CREATE INDEX refused_by_arrival ON refused (received_at, kept);

CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
);
)sql";

// 'likeness' tells the same report by another way, whoever brings it (R227). SQL cannot compute it:
// fill_likeness does. It has an index for every question that list answers newest first: by
// reporter, and by result type, for which failure repeats end_datetime as policy does. Whose
// policies are in a report can be read from policy_by_report alone.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE report ADD COLUMN likeness BLOB;
CREATE INDEX report_by_likeness ON report (likeness);
CREATE INDEX report_by_submitter
  ON report (submitter COLLATE NOCASE, end_datetime, start_datetime);
CREATE INDEX report_by_organization
  ON report (organization_name COLLATE NOCASE, end_datetime, start_datetime);

DROP INDEX policy_by_report;
CREATE INDEX policy_by_report ON policy (report, position, policy_domain);

ALTER TABLE failure ADD COLUMN end_datetime INTEGER;
UPDATE failure SET end_datetime = (SELECT end_datetime FROM report WHERE id = failure.report);
CREATE INDEX failure_by_type
  ON failure (result_type COLLATE NOCASE, end_datetime, report, policy_domain);
)sql";

// Who posted a report (source 'https').
constexpr const char* kVersion3 = R"sql(
ALTER TABLE report ADD COLUMN source_address TEXT;
ALTER TABLE refused ADD COLUMN source_address TEXT;
)sql";

// Counters are kept by day, as days since 1970, so that what was dropped can be told for the days
// of a summary; those from before then are of day 0. 'quota' has what each sender brought on this
// day (R240).
constexpr const char* kVersion4 = R"sql(
ALTER TABLE counter RENAME TO total;
CREATE TABLE counter (
  day INTEGER NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (day, name)
) WITHOUT ROWID;
INSERT INTO counter (day, name, value) SELECT 0, name, value FROM total;
DROP TABLE total;

CREATE TABLE quota (
  day INTEGER NOT NULL,
  holder TEXT NOT NULL,
  reports INTEGER NOT NULL,
  PRIMARY KEY (day, holder)
) WITHOUT ROWID;
)sql";

// Which key signed (R193 and others are about keys).
constexpr const char* kVersion5 = R"sql(
ALTER TABLE report ADD COLUMN dkim_selector TEXT;
ALTER TABLE refused ADD COLUMN dkim_selector TEXT;
)sql";

}  // namespace

const std::vector<std::string>& received_migrations() {
  static const std::vector<std::string> migrations = {kVersion1, kVersion2, kVersion3, kVersion4,
                                                      kVersion5};
  return migrations;
}

}  // namespace tlsrpt::milter
