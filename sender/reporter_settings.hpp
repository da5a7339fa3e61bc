// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the reporter needs from opentlsrpt.conf, checked as a whole: every problem is told at once.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/dkim.hpp"
#include "common/dns.hpp"
#include "common/tlsrpt_record.hpp"
#include "sender/relay.hpp"

namespace tlsrpt::sender {

/// Who reports. Names one organisation: the domains of contact-info, submitter, From and d= are the
/// same (R120, R126, R185).
struct ReporterIdentity {
  std::string organization_name;
  std::string contact_info;     ///< addr-spec
  std::string submitter;        ///< its domain, normalised
  std::string from;             ///< addr-spec
  std::string envelope_sender;  ///< addr-spec; may be in another domain
};

enum class RelayTls : std::uint8_t {
  may,      ///< used if offered, whatever the certificate
  encrypt,  ///< nothing is sent in clear
  verify,   ///< the certificate must be valid and bear the relay's name
};

struct SmtpSettings {
  std::vector<Relay> relays;         ///< tried in this order; at least one
  int connections = 4;               ///< at the same time
  std::chrono::seconds timeout{60};  ///< of one hand-over
  std::string ehlo_name;
  RelayTls tls = RelayTls::may;
  std::string user;  ///< of AUTH; empty: none
  std::string password;
  std::string sendmail_path;  ///< if not empty, this program takes the mail, and no relay
};

struct PostSettings {
  int connections = 8;                      ///< at the same time
  std::chrono::seconds timeout{60};         ///< of one report
  bool tolerate_certificate_errors = true;  ///< R165
  std::vector<std::string> networks;  ///< private ones that are allowed (R169); each can be parsed
};

/// What one destination host has to bear, whatever the number of domains that report to it.
struct DestinationLimits {
  int connections = 4;
  int per_minute = 600;  ///< 0: no limit
};

struct SuppressionSettings {
  int bounce_limit = 3;
  std::chrono::seconds time{30 * 86400};
};

struct RecordSettings {
  RecordMode mode = RecordMode::lenient;
  std::size_t max_rua = 16;
};

struct ReporterSettings {
  std::string database;  ///< path of outbound.db
  ReporterIdentity identity;
  std::string host_name;  ///< of this machine; tells several reporters of one domain apart
  bool report_success = true;
  std::chrono::seconds send_window{};
  std::chrono::seconds retention{};
  std::chrono::seconds maximum_age{7 * 86400};  ///< of a day that is still sent
  RecordSettings records;
  DnsSettings dns;
  SmtpSettings smtp;
  PostSettings post;
  DestinationLimits limits;
  SuppressionSettings suppression;
  std::string rules_file;  ///< DestinationRules; empty: none
};

/// A key of ours, and the name under which its public half stands in DNS.
struct SigningKey {
  std::string selector;
  DkimKey key;
};

enum class Purpose {
  preview,  ///< needs no DKIM key
  send,
};

struct ReadSettings {
  ReporterSettings settings;
  std::vector<SigningKey> keys;         ///< one or two for Purpose::send without problems
  std::vector<ConfigProblem> problems;  ///< empty: the settings can be used
  std::vector<std::string> warnings;    ///< for the log; not escaped
};

/// Checks values against each other and loads the key.
ReadSettings read_reporter_settings(const Config& config, Purpose purpose,
                                    const std::string& host_name);

/// The name of this machine, or "localhost".
std::string local_host_name();

}  // namespace tlsrpt::sender
