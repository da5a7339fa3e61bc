// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_config.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "sender/outbound_store.hpp"
#include "sender/private_networks.hpp"

namespace tlsrpt::sender {

namespace {

class Reader {
 public:
  Reader(const Config& config, bool inherited) : config_(config), inherited_(inherited) {}

  ReadPolicySettings read() {
    read_identity();
    if (!inherited_) read_sockets();
    read_database();
    read_network();
    read_service();
    return std::move(result_);
  }

 private:
  void problem(Key key, std::string_view text) {
    result_.problems.push_back(config_.problem(key, text));
  }

  void read_identity() {
    const std::string& user = config_.text(Key::user_id);
    const auto identity = find_identity(user);
    if (!identity) {
      problem(Key::user_id, identity.error().detail);
    } else if (*identity && ::geteuid() != 0 && (*identity)->uid != ::geteuid()) {
      problem(Key::user_id, fmt::format("only root can become \"{}\"", user));
    } else if (*identity && ::geteuid() == 0) {
      made_.owner = (*identity)->uid;
      made_.group = (*identity)->gid;
    }
    made_.kind = SocketKind::stream;
    made_.mode = static_cast<unsigned>(config_.integer(Key::outcome_socket_mode));
    read_group();
  }

  /// The default group is a guess: a machine without Postfix does not have it.
  void read_group() {
    const std::string& group = config_.text(Key::outcome_socket_group);
    if (group.empty()) return;
    const auto found = find_group(group);
    if (found) {
      made_.group = *found;
    } else if (config_.is_set(Key::outcome_socket_group)) {
      problem(Key::outcome_socket_group,
              fmt::format("{}; name the group of your MTA", found.error().detail));
    }
  }

  void read_sockets() {
    const std::vector<std::string>& texts = config_.list(Key::policy_socket);
    std::set<std::string> seen;
    if (texts.empty()) problem(Key::policy_socket, "there is no socket");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto socket = parse_stream_socket(texts[i]);
      std::optional<std::string> bad;
      if (!socket) {
        bad = socket.error().detail;
      } else if (!seen.insert(socket->for_postfix()).second) {
        bad = fmt::format("{} is named twice; each socket needs a place of its own", texts[i]);
      } else if (socket->kind == StreamSocket::Kind::local) {
        bad = check_socket_path(socket->path);
        SocketSettings settings = made_;
        settings.path = socket->path;
        result_.settings.local.push_back(std::move(settings));
      }
      if (bad) result_.problems.push_back(config_.problem(Key::policy_socket, *bad, i));
      if (socket) result_.settings.sockets.push_back(*socket);
    }
  }

  /// policies.db stands beside outbound.db.
  void read_database() {
    const auto path = outbound_path(config_.text(Key::database));
    if (!path) return problem(Key::database, path.error().detail);
    const std::filesystem::path folder = std::filesystem::path(*path).parent_path();
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
      return problem(Key::database, fmt::format("the folder {0} does not exist; make it with: "
                                                "install -d -o USER -m 0750 {0}",
                                                folder.string()));
    }
    result_.settings.database = (folder / "policies.db").string();
  }

  void read_network() {
    PolicySettings& settings = result_.settings;
    settings.dns.nameservers = config_.list(Key::nameserver);
    settings.dns.timeout_ms = static_cast<int>(config_.duration(Key::dns_timeout).count() * 1000);
    check_nameservers(settings.dns);
    settings.trust_file = config_.text(Key::trust_file);
    if (!settings.trust_file.empty() && ::access(settings.trust_file.c_str(), R_OK) != 0) {
      problem(Key::trust_file, fmt::format("{} cannot be read", settings.trust_file));
    }
    read_networks();
    settings.fetch_timeout = config_.duration(Key::fetch_timeout);
    settings.outcome_sockets = config_.list(Key::outcome_socket);
  }

  void read_networks() {
    result_.settings.private_networks = config_.list(Key::post_networks);
    for (ConfigProblem& bad : check_private_networks(config_)) {
      result_.problems.push_back(std::move(bad));
    }
  }

  /// Each by itself, so that the line of each bad one is named.
  void check_nameservers(const DnsSettings& settings) {
    DnsSettings one = settings;
    for (std::size_t i = 0; i < settings.nameservers.size(); ++i) {
      one.nameservers = {settings.nameservers[i]};
      if (const auto dns = make_dns(one); !dns) {
        result_.problems.push_back(config_.problem(Key::nameserver, dns.error().detail, i));
      }
    }
    if (!settings.nameservers.empty()) return;
    if (const auto dns = make_dns(settings); !dns) problem(Key::nameserver, dns.error().detail);
  }

  void read_service() {
    PolicyServiceSettings& service = result_.settings.service;
    service.connections = static_cast<std::size_t>(config_.integer(Key::policy_connections));
    service.patience = config_.duration(Key::policy_timeout);
    service.dane = config_.boolean(Key::policy_dane);
    service.log_why = config_.boolean(Key::log_why);
    result_.settings.knowledge.dane = service.dane;
    service.answers.failure_attribute = config_.text(Key::policy_failure) == "attribute";
    const bool follows_log =
        !config_.list(Key::log_file).empty() || config_.boolean(Key::log_journal);
    service.answers.answer_testing =
        follows_log && config_.text(Key::log_sessions) == "sts-testing";
  }

  const Config& config_;
  bool inherited_;
  SocketSettings made_;
  ReadPolicySettings result_;
};

}  // namespace

ReadPolicySettings read_policy_settings(const Config& config, bool inherited) {
  return Reader(config, inherited).read();
}

}  // namespace tlsrpt::sender
