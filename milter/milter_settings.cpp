// SPDX-License-Identifier: BSD-2-Clause
#include "milter/milter_settings.hpp"

#include "common/domain_name.hpp"

namespace tlsrpt::milter {

namespace {

/// Collects what is wrong, key by key, with the place where the value stands.
class Checker {
 public:
  Checker(const Config& config, const std::string& file, std::vector<ConfigProblem>& problems)
      : config_(config), file_(file), problems_(problems) {}

  /// entry: of a list, counted from 0.
  void problem(Key key, std::string_view text, std::size_t entry = 0) {
    add(config_.problem(key, text, entry));
  }

  void add(ConfigProblem found) {
    if (found.file.empty()) found.file = file_;  // the value is a default
    problems_.push_back(std::move(found));
  }

  /// The value, or a problem and the default.
  template <typename T>
  T take(Key key, Result<T> result) {
    if (result) return std::move(*result);
    problem(key, result.error().detail);
    return {};
  }

  /// The value made of a list by 'parse'. If it cannot be made, each entry that is to blame is
  /// named: for that, every one is parsed alone.
  template <typename Parse>
  auto take_list(Key key, Parse parse) {
    const std::vector<std::string>& entries = config_.list(key);
    auto whole = parse(entries);
    if (whole) return std::move(*whole);
    bool blamed = false;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto one = parse(std::vector<std::string>{entries[i]});
      if (one) continue;
      problem(key, one.error().detail, i);
      blamed = true;
    }
    if (!blamed) problem(key, whole.error().detail);
    return typename decltype(whole)::value_type{};
  }

 private:
  const Config& config_;
  const std::string& file_;
  std::vector<ConfigProblem>& problems_;
};

void read_session(const Config& config, SessionSettings& session, Checker& check) {
  if (config.list(Key::report_address).empty()) check.add(missing_report_address(config));
  session.report_addresses = check.take_list(Key::report_address, ReportAddresses::parse);
  session.peer_list = check.take_list(Key::peer_list, PeerList::parse);
  session.max_message_bytes = config.bytes(Key::maximum_message_size);
  session.max_header_bytes = config.bytes(Key::maximum_headers);
  session.on_success = to_reply(config.text(Key::on_success));
  session.on_default = to_reply(config.text(Key::on_default));
  session.on_bad_report = to_reply(config.text(Key::on_bad_report));
  session.on_dns_error = to_reply(config.text(Key::on_dns_error));
  session.on_internal_error = to_reply(config.text(Key::on_internal_error));
  session.log_why = config.boolean(Key::log_why);
  session.add_header = config.boolean(Key::add_header);
}

DnsSettings read_dns(const Config& config, Checker& check) {
  DnsSettings settings;
  settings.timeout_ms = static_cast<int>(config.duration(Key::dns_timeout).count() * 1000);
  check.take_list(Key::nameserver, [&](const std::vector<std::string>& servers) {
    return make_dns({servers, settings.timeout_ms});
  });
  settings.nameservers = config.list(Key::nameserver);
  return settings;
}

}  // namespace

ConfigProblem missing_report_address(const Config& config) {
  return config.problem(Key::report_address,
                        "is not set; name the addresses of the rua in your TLSRPT records, such as "
                        "tls-reports@example.org");
}

MilterSettings milter_settings(const Config& config, const std::string& file,
                               std::vector<ConfigProblem>& problems) {
  Checker check(config, file, problems);
  MilterSettings settings;
  read_session(config, settings.session, check);
  settings.intake = intake_settings(config);
  settings.intake.dns_error_is_final = settings.session.on_dns_error != Reply::tempfail;
  settings.store = store_limits(config);
  settings.store_path = check.take(Key::database, received_path(config.text(Key::database)));
  settings.socket = check.take(Key::socket, parse_stream_socket(config.text(Key::socket)));
  settings.identity = check.take(Key::user_id, find_identity(config.text(Key::user_id)));
  if (const std::string& group = config.text(Key::socket_group); !group.empty()) {
    settings.socket_group = check.take(Key::socket_group, find_group(group));
  }
  settings.spool_bytes = config.bytes(Key::maximum_spool_size);
  if (settings.spool_bytes < settings.session.max_message_bytes) {
    check.problem(Key::maximum_spool_size,
                  "is smaller than MaximumMessageSize, so a mail of that size could never be read");
  }
  settings.dns = read_dns(config, check);
  settings.retention = std::chrono::days(config.integer(Key::keep_days));
  settings.umask = static_cast<unsigned>(config.integer(Key::umask));
  settings.debug = static_cast<int>(config.integer(Key::milter_debug));
  return settings;
}

std::string describe_settings(const MilterSettings& settings) {
  const StreamSocket& socket = settings.socket;
  std::string text = fmt::format("listens on {}\nkeeps reports in {}\n", socket.for_libmilter(),
                                 settings.store_path);
  text += fmt::format("main.cf (Postfix):    smtpd_milters = {{ {}, default_action=accept }}\n",
                      socket.for_postfix());
  text += fmt::format(
      "sendmail.mc:          INPUT_MAIL_FILTER(`opentlsrpt', `S={}, "
      "T=C:1m;S:30s;R:2m;E:5m')\n",
      socket.for_sendmail());
  if (socket.kind == StreamSocket::Kind::local) {
    text +=
        "The MTA's user must be in the group of the socket (SocketGroup), and a chrooted Postfix"
        "\nsees only sockets below its queue directory: see opentlsrpt-milter(8).\n";
  }
  return text;
}

}  // namespace tlsrpt::milter
