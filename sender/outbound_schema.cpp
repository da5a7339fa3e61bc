// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

namespace {

// Days are counted from 1970-01-01: date(day * 86400, 'unixepoch') shows them.
// Each table begins with the recipient domain, so that a cluster can distribute by it. Texts stand
// once for each domain; last_day says when they may be forgotten. Lists of texts are joined with
// line feeds.
constexpr std::string_view kOutcomeTables = R"sql(
CREATE TABLE outcome_domain (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  tlsrpt_record TEXT NOT NULL,
  PRIMARY KEY (domain, day)
) WITHOUT ROWID;
CREATE INDEX outcome_domain_by_day ON outcome_domain (day, domain);

CREATE TABLE outcome_policy (
  domain TEXT NOT NULL,
  policy_key INTEGER NOT NULL,
  policy_type TEXT NOT NULL,
  policy_domain TEXT NOT NULL,
  policy_string TEXT NOT NULL,
  mx_host TEXT NOT NULL,
  last_day INTEGER NOT NULL,
  PRIMARY KEY (domain, policy_key)
) WITHOUT ROWID;

CREATE TABLE outcome_detail (
  domain TEXT NOT NULL,
  detail_key INTEGER NOT NULL,
  result_type TEXT NOT NULL,
  sending_mta_ip TEXT NOT NULL,
  receiving_mx_hostname TEXT NOT NULL,
  receiving_mx_helo TEXT NOT NULL,
  receiving_ip TEXT NOT NULL,
  additional_information TEXT NOT NULL,
  failure_reason_code TEXT NOT NULL,
  last_day INTEGER NOT NULL,
  PRIMARY KEY (domain, detail_key)
) WITHOUT ROWID;

CREATE TABLE outcome_count (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  policy_key INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  details INTEGER NOT NULL,  -- distinct ones, for the bound
  PRIMARY KEY (domain, day, policy_key)
) WITHOUT ROWID;

CREATE TABLE outcome_detail_count (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  policy_key INTEGER NOT NULL,
  detail_key INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  PRIMARY KEY (domain, day, policy_key, detail_key)
) WITHOUT ROWID;

CREATE TABLE outcome_day (
  day INTEGER PRIMARY KEY,
  domains INTEGER NOT NULL  -- for the bound
);

CREATE TABLE collector_counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE bad_sample (
  reason TEXT PRIMARY KEY,
  seen_at INTEGER NOT NULL,
  times INTEGER NOT NULL,
  datagram BLOB NOT NULL
) WITHOUT ROWID;
)sql";

constexpr std::string_view kLedger = R"sql(
CREATE TABLE plan (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('planned','no-record','invalid-record','no-usable-rua','skipped','dns-failure')),
  due INTEGER NOT NULL,
  lookups INTEGER NOT NULL,
  PRIMARY KEY (domain, day)
) WITHOUT ROWID;
CREATE INDEX plan_by_day ON plan (day, domain);
CREATE TABLE delivery (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  destination TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('waiting','sending','deferred','delivered','failed','expired','unsupported')),
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  first_attempt INTEGER,
  detail TEXT NOT NULL,
  PRIMARY KEY (domain, day, destination)
) WITHOUT ROWID;
CREATE INDEX delivery_by_day ON delivery (day);
CREATE INDEX delivery_open ON delivery (due) WHERE state IN ('waiting','sending','deferred');
CREATE TABLE report (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  report_id TEXT NOT NULL UNIQUE,
  gzipped BLOB NOT NULL,
  summary TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (domain, day)
);
CREATE INDEX report_by_day ON report (day);
)sql";

// One row for each policy of a recipient domain and day: the row's number is all that a repeated
// datagram needs, and the texts are beside the counts, since most policies of a day are one
// domain's alone. A row whose domain is empty holds the sessions for which there was no room.
constexpr std::string_view kOutcomeRows = R"sql(
ALTER TABLE outcome_detail RENAME TO old_detail;

CREATE TABLE outcome (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: a collector remembers it
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  policy_key INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  details INTEGER NOT NULL,  -- distinct ones, for the bound
  recorded_at INTEGER NOT NULL,  -- when the record was seen first
  policy_type TEXT NOT NULL,
  policy_domain TEXT NOT NULL,
  policy_string TEXT NOT NULL,
  mx_host TEXT NOT NULL,
  tlsrpt_record TEXT NOT NULL,
  UNIQUE (day, domain, policy_key)
);

CREATE TABLE outcome_detail (
  outcome INTEGER NOT NULL,
  detail_key INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  result_type TEXT NOT NULL,
  sending_mta_ip TEXT NOT NULL,
  receiving_mx_hostname TEXT NOT NULL,
  receiving_mx_helo TEXT NOT NULL,
  receiving_ip TEXT NOT NULL,
  additional_information TEXT NOT NULL,
  failure_reason_code TEXT NOT NULL,
  PRIMARY KEY (outcome, detail_key)
) WITHOUT ROWID;

INSERT INTO outcome (day, domain, policy_key, successes, failures, details, recorded_at,
                     policy_type, policy_domain, policy_string, mx_host, tlsrpt_record)
  SELECT c.day, c.domain, c.policy_key, c.successes, c.failures, c.details, 0,
         p.policy_type, p.policy_domain, p.policy_string, p.mx_host, d.tlsrpt_record
  FROM outcome_count c
  JOIN outcome_policy p ON p.domain=c.domain AND p.policy_key=c.policy_key
  JOIN outcome_domain d ON d.domain=c.domain AND d.day=c.day
  ORDER BY c.day, c.domain;
INSERT INTO outcome_detail
  SELECT o.id, c.detail_key, c.sessions, d.result_type, d.sending_mta_ip, d.receiving_mx_hostname,
         d.receiving_mx_helo, d.receiving_ip, d.additional_information, d.failure_reason_code
  FROM outcome_detail_count c
  JOIN outcome o ON o.domain=c.domain AND o.day=c.day AND o.policy_key=c.policy_key
  JOIN old_detail d ON d.domain=c.domain AND d.detail_key=c.detail_key;

DROP TABLE old_detail;
DROP TABLE outcome_detail_count;
DROP TABLE outcome_count;
DROP TABLE outcome_policy;
DROP TABLE outcome_domain;
DROP TABLE outcome_day;
CREATE TABLE outcome_day (
  day INTEGER PRIMARY KEY,
  keys INTEGER NOT NULL  -- rows of outcome, for the bound
);
INSERT INTO outcome_day SELECT day, count(*) FROM outcome GROUP BY day;

-- Up to which segment the journal of a collector has been counted.
CREATE TABLE collector_journal (
  journal INTEGER PRIMARY KEY,
  applied INTEGER NOT NULL,
  used_at INTEGER NOT NULL
);

-- How things stood when a collector last wrote.
CREATE TABLE collector_gauge (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// The ledger under integer keys: a delivery is touched four times, its domain's name once.
constexpr std::string_view kLedgerRows = R"sql(
ALTER TABLE plan RENAME TO old_plan;
ALTER TABLE delivery RENAME TO old_delivery;
ALTER TABLE report RENAME TO old_report;

CREATE TABLE plan (
  id INTEGER PRIMARY KEY,
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('planned','no-record','invalid-record','no-usable-rua','skipped','excluded','too-old',
     'dns-failure')),
  due INTEGER NOT NULL,
  lookups INTEGER NOT NULL,
  detail TEXT NOT NULL,
  UNIQUE (day, domain)
);
INSERT INTO plan (day, domain, state, due, lookups, detail)
  SELECT day, domain, state, due, lookups, '' FROM old_plan ORDER BY day, domain;

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- stands in Message-IDs: never used again
  plan INTEGER NOT NULL,
  scheme TEXT NOT NULL CHECK (scheme IN ('mailto','https')),
  destination TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('waiting','sending','deferred','delivered','failed','expired','bounced','suppressed',
     'excluded','unsupported')),
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  first_attempt INTEGER,
  slot INTEGER,  -- of the process that has it in hand
  changed INTEGER NOT NULL DEFAULT 0,  -- when it was last tried
  detail TEXT NOT NULL,
  UNIQUE (plan, destination)
);
INSERT INTO delivery (plan, scheme, destination, state, due, attempts, first_attempt, detail)
  SELECT p.id, CASE WHEN d.destination LIKE 'https:%' THEN 'https' ELSE 'mailto' END,
         d.destination, CASE d.state WHEN 'sending' THEN 'deferred' WHEN 'unsupported' THEN 'waiting'
         ELSE d.state END, d.due,
         d.attempts, d.first_attempt, d.detail
  FROM old_delivery d JOIN plan p ON p.day=d.day AND p.domain=d.domain;

CREATE TABLE report (
  plan INTEGER PRIMARY KEY,
  report_id TEXT NOT NULL,
  gzipped BLOB NOT NULL,
  summary TEXT NOT NULL,
  created INTEGER NOT NULL
);
INSERT INTO report
  SELECT p.id, r.report_id, r.gzipped, r.summary, r.created
  FROM old_report r JOIN plan p ON p.day=r.day AND p.domain=r.domain;

DROP TABLE old_report;
DROP TABLE old_delivery;
DROP TABLE old_plan;
CREATE INDEX delivery_due ON delivery (scheme, due) WHERE state IN ('waiting','deferred');

-- Processes that hand over. Who is here and holds no lock any more has died.
CREATE TABLE sender_slot (slot INTEGER PRIMARY KEY);

CREATE TABLE suppression (
  name TEXT PRIMARY KEY,
  bounces INTEGER NOT NULL,
  last_bounce INTEGER NOT NULL,
  until INTEGER,  -- NULL: only counted so far
  by_hand INTEGER NOT NULL,
  detail TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE reporter_secret (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  secret BLOB NOT NULL
);
)sql";

// Up to where the logs of MTAs have been counted: see sender/log_record.hpp.
constexpr std::string_view kLogPositions = R"sql(
CREATE TABLE log_position (
  source TEXT PRIMARY KEY,
  generation INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  checkpoint TEXT NOT NULL,
  items INTEGER NOT NULL,
  end_position TEXT NOT NULL,
  written_at INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

}  // namespace

const std::vector<std::string>& outbound_migrations() {
  static const std::vector<std::string> kMigrations = {
      std::string(kOutcomeTables), std::string(kLedger), std::string(kOutcomeRows),
      std::string(kLedgerRows), std::string(kLogPositions)};
  return kMigrations;
}

}  // namespace tlsrpt::sender
