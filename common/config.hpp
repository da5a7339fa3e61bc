// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The one configuration file of all programs: its table of keys, its reader, its values.
// The table drives the parser, -n, the sample file and the test of opentlsrpt.conf(5).

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt {

enum class Key : std::uint8_t {
  add_header,
  background,
  bounce_limit,
  contact_info,
  dane_only,
  database,
  destination_connections,
  destination_rate,
  destination_rules,
  dkim_timeout,
  dns_timeout,
  domain,
  envelope_sender,
  fetch_timeout,
  flush_interval,
  http_certificate,
  http_connections,
  http_connections_per_source,
  http_key,
  http_path,
  http_rate,
  http_socket,
  http_timeout,
  include,
  journal_folder,
  keep_days,
  key_file,
  log_file,
  log_ignore_relays,
  log_journal,
  log_precedence,
  log_probe,
  log_sessions,
  log_trust_store,
  log_why,
  maximum_age,
  maximum_compressed_size,
  maximum_compression_ratio,
  maximum_details,
  maximum_failure_details,
  maximum_headers,
  maximum_json_depth,
  maximum_json_members,
  maximum_keys,
  maximum_message_size,
  maximum_mime_depth,
  maximum_mime_parts,
  maximum_packings,
  maximum_policies,
  maximum_refused_size,
  maximum_report_size,
  maximum_reports,
  maximum_reports_per_day,
  maximum_rua,
  maximum_spool_size,
  maximum_string_length,
  maximum_strings,
  maximum_zip_members,
  milter_debug,
  nameserver,
  on_bad_report,
  on_default,
  on_dns_error,
  on_internal_error,
  on_success,
  organization_name,
  outcome_retention,
  outcome_socket,
  outcome_socket_group,
  outcome_socket_mode,
  outcome_stream_socket,
  peer_list,
  pid_file,
  policy_connections,
  policy_dane,
  policy_domains,
  policy_failure,
  policy_socket,
  policy_timeout,
  post_certificate_errors,
  post_connections,
  post_networks,
  post_timeout,
  report_address,
  report_from,
  report_success,
  reader_timeout,
  selector,
  send_window,
  sendmail_path,
  smtp_connections,
  smtp_password_file,
  smtp_server,
  smtp_timeout,
  smtp_tls,
  smtp_user,
  socket,
  socket_group,
  strict_alignment,
  strict_records,
  strict_service_type,
  suppress_time,
  syslog,
  syslog_facility,
  syslog_level,
  trust_file,
  trusted_proxies,
  umask,
  user_id,
};

enum class ValueType {
  boolean,  ///< yes, no, true, false, on, off, 1, 0
  integer,
  octal,
  bytes,     ///< 4096, 64K, 10M, 1G
  duration,  ///< seconds, or 90s, 15m, 4h, 7d
  text,
  path,  ///< absolute
  list,  ///< comma-separated; given again, the key adds to the list; "file:/path" reads one entry a
         ///< line
  domains,  ///< such a list of domain names, which are kept in lower case and as A-labels
  choice,
};

constexpr bool is_list(ValueType type) {
  return type == ValueType::list || type == ValueType::domains;
}

struct KeyInfo {
  Key key;
  std::string_view name;  ///< as printed
  ValueType type;
  std::string_view default_value;  ///< "" = none
  std::int64_t minimum;            ///< of integer, bytes (in bytes) and duration (in seconds)
  std::int64_t maximum;
  std::string_view choices;   ///< of choice: blank-separated
  std::string_view programs;  ///< of "milter reports collector reporter policy check": who reads it
  std::string_view help;      ///< one sentence for the sample file
};

std::span<const KeyInfo> config_table();
const KeyInfo& key_info(Key key);
/// By its name, without regard to case; nothing if there is none.
const KeyInfo* find_key(std::string_view name);

struct ConfigPlace {
  std::string file;
  int line = 0;
};

/// One problem in a file: "FILE:LINE: what is wrong and what to do".
struct ConfigProblem {
  std::string file;
  int line = 0;  ///< 0: concerns the whole file
  std::string text;
  [[nodiscard]] std::string to_string() const;
};

class Config {
 public:
  /// Every key at its default.
  Config();

  [[nodiscard]] bool boolean(Key key) const;
  [[nodiscard]] std::int64_t integer(Key key) const;
  [[nodiscard]] std::size_t bytes(Key key) const;
  [[nodiscard]] std::chrono::seconds duration(Key key) const;
  [[nodiscard]] const std::string& text(Key key) const;  ///< also choice (lower case) and path
  [[nodiscard]] const std::vector<std::string>& list(Key key) const;
  [[nodiscard]] bool is_set(Key key) const;  ///< given in the file or on the command line

  /// The value as one text that set() takes again: sizes in bytes, times in seconds, lists with
  /// commas. Two configurations have the same value if the texts are equal.
  [[nodiscard]] std::string value_text(Key key) const;

  /// Takes over one value, with its places.
  void copy(Key key, const Config& from);

  /// Sets one value as the file would. The error says what is wrong with it.
  /// place: where the value stands, for problems that are found later.
  Result<void> set(Key key, std::string_view value, const ConfigPlace& place = {});

  /// Back to the default, so that the next set() does not add to a list.
  void clear(Key key);

  /// A problem of a value that could be read but cannot be used, with the place where it stands.
  /// entry: of a list, counted from 0. The text should begin with what is wrong, not with the key.
  [[nodiscard]] ConfigProblem problem(Key key, std::string_view text, std::size_t entry = 0) const;

 private:
  struct Value {
    bool set = false;
    std::int64_t number = 0;
    std::string text;
    std::vector<std::string> list;
    std::vector<ConfigPlace> places;  ///< one, or one for each entry of a list
  };
  std::vector<Value> values_;
};

struct ReadConfig {
  Config config;
  std::vector<ConfigProblem>
      problems;  ///< all of them, in order of the file; empty: the configuration can be used
};

/// Reads a file: "Name value" a line, names without case, '#' starts a comment at the beginning of
/// a line or after a blank, a value in double quotes may hold '#'. Include files nest five deep.
ReadConfig read_config_file(const std::string& path);

/// As above, from text; 'name' stands in the problems. Include is a problem here.
ReadConfig read_config_text(std::string_view text, const std::string& name);

/// A commented sample file with every key, its default and its help.
std::string sample_config();

}  // namespace tlsrpt
