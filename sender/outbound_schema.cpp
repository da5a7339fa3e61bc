// SPDX-License-Identifier: BSD-2-Clause
#include "sender/ledger.hpp"
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

}  // namespace

const std::vector<std::string>& outbound_migrations() {
  static const std::vector<std::string> kMigrations = {std::string(kOutcomeTables),
                                                       std::string(ledger_migration())};
  return kMigrations;
}

}  // namespace tlsrpt::sender
