// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the reporter needs from opentlsrpt.conf, checked as a whole: every problem is told at once.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/dkim.hpp"
#include "common/dns.hpp"
#include "common/tlsrpt_record.hpp"

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

struct SmtpSettings {
  std::string host;  ///< name, IPv4 or IPv6 address without brackets
  int port = 25;
  std::chrono::seconds timeout{60};  ///< of one hand-over
  std::string ehlo_name;
};

struct RecordSettings {
  RecordMode mode = RecordMode::lenient;
  std::size_t max_rua = 16;
};

struct ReporterSettings {
  std::string database;  ///< path of outbound.db
  ReporterIdentity identity;
  std::string selector;
  std::string host_name;  ///< of this machine; tells several reporters of one domain apart
  bool report_success = true;
  std::chrono::seconds send_window{};
  std::chrono::seconds retention{};
  RecordSettings records;
  DnsSettings dns;
  SmtpSettings smtp;
};

enum class Purpose {
  preview,  ///< needs no DKIM key
  send,
};

struct ReadSettings {
  ReporterSettings settings;
  std::optional<DkimKey> key;           ///< there for Purpose::send without problems
  std::vector<ConfigProblem> problems;  ///< empty: the settings can be used
  std::vector<std::string> warnings;    ///< for the log; not escaped
};

/// Checks values against each other and loads the key.
ReadSettings read_reporter_settings(const Config& config, Purpose purpose,
                                    const std::string& host_name);

/// "mail.example", "192.0.2.1:2525", "[2001:db8::1]:25" in parts; port 25 without one.
Result<SmtpSettings> parse_smtp_server(std::string_view text);

/// The name of this machine, or "localhost".
std::string local_host_name();

}  // namespace tlsrpt::sender
