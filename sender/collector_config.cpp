// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector_config.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "sender/log_checks.hpp"
#include "sender/private_networks.hpp"

namespace tlsrpt::sender {

namespace {

bool is_folder(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void check_database(const Config& config, std::vector<ConfigProblem>& problems) {
  const auto path = outbound_path(config.text(Key::database));
  if (!path) {
    problems.push_back(config.problem(Key::database, path.error().detail));
    return;
  }
  const std::string folder = std::filesystem::path(*path).parent_path().string();
  if (!is_folder(folder)) {
    problems.push_back(config.problem(
        Key::database,
        fmt::format("the folder {0} does not exist; make it with: install -d -o USER -m 0750 {0}",
                    folder)));
  }
}

void check_sockets(const Config& config, Key key, const std::set<std::string>& others,
                   std::vector<ConfigProblem>& problems) {
  const std::vector<std::string>& paths = config.list(key);
  std::set<std::string> seen = others;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (paths[i].front() != '/') {
      problems.push_back(
          config.problem(key, fmt::format("\"{}\" is not an absolute path", paths[i]), i));
    } else if (auto problem = check_socket_path(paths[i])) {
      problems.push_back(config.problem(key, *problem, i));
    } else if (!seen.insert(paths[i]).second) {
      problems.push_back(config.problem(
          key, fmt::format("{} is named twice; each socket needs a path of its own", paths[i]), i));
    }
  }
}

/// The default group is a guess: a machine without Postfix does not have it.
std::string socket_group(const Config& config) {
  const std::string& group = config.text(Key::outcome_socket_group);
  return config.is_set(Key::outcome_socket_group) || find_group(group) ? group : std::string();
}

void check_identities(const Config& config, bool makes_sockets,
                      std::vector<ConfigProblem>& problems) {
  const std::string& user = config.text(Key::user_id);
  if (const auto identity = find_identity(user); !identity) {
    problems.push_back(config.problem(Key::user_id, identity.error().detail));
  } else if (identity->has_value() && ::geteuid() != 0 && (*identity)->uid != ::geteuid()) {
    problems.push_back(
        config.problem(Key::user_id, fmt::format("only root can become \"{}\"", user)));
  }
  const std::string group = socket_group(config);
  if (group.empty() || !makes_sockets) return;
  if (const auto found = find_group(group); !found) {
    problems.push_back(
        config.problem(Key::outcome_socket_group,
                       fmt::format("{}; name the group of your MTA", found.error().detail)));
  }
}

}  // namespace

std::vector<ConfigProblem> check_collector_config(const Config& config,
                                                  const Inherited& inherited) {
  std::vector<ConfigProblem> problems;
  check_database(config, problems);
  std::set<std::string> datagram_paths;
  if (!inherited.datagram) {
    check_sockets(config, Key::outcome_socket, {}, problems);
    const auto& paths = config.list(Key::outcome_socket);
    datagram_paths.insert(paths.begin(), paths.end());
  }
  const bool streams = !inherited.stream && !config.list(Key::outcome_stream_socket).empty();
  if (streams) check_sockets(config, Key::outcome_stream_socket, datagram_paths, problems);
  check_identities(config, streams || !inherited.datagram, problems);
  check_logs(config, problems);
  for (ConfigProblem& problem : check_private_networks(config)) {
    problems.push_back(std::move(problem));
  }
  return problems;
}

namespace {

Precedence precedence_of(const std::string& word) {
  if (word == "dane") return Precedence::dane;
  return word == "sts" ? Precedence::sts : Precedence::unknown;
}

TrustStoreOfMta trust_store_of(const std::string& word) {
  if (word == "yes") return TrustStoreOfMta::present;
  return word == "no" ? TrustStoreOfMta::absent : TrustStoreOfMta::unknown;
}

LogFollowingSettings following_settings(const Config& config, const std::string& database) {
  LogFollowingSettings logs;
  logs.files = config.list(Key::log_file);
  logs.journal = config.boolean(Key::log_journal);
  logs.database = database;
  const bool testing = config.text(Key::log_sessions) == "sts-testing";
  logs.follower.testing_only = testing && logs.wanted();
  logs.follower.mail_log.only_unjudged = testing;
  logs.follower.mail_log.ignored_relays = config.list(Key::log_ignore_relays);
  logs.follower.mail_log.trust_store = trust_store_of(config.text(Key::log_trust_store));
  logs.follower.keep_days =
      std::chrono::duration_cast<std::chrono::days>(config.duration(Key::outcome_retention));
  const auto& dane_only = config.list(Key::dane_only);
  logs.finder.dane_only = {dane_only.begin(), dane_only.end()};
  logs.finder.precedence = precedence_of(config.text(Key::log_precedence));
  logs.fetcher.timeout = config.duration(Key::fetch_timeout);
  logs.fetcher.authorities = config.text(Key::trust_file);
  logs.fetcher.networks = config.list(Key::post_networks);
  logs.probe = config.boolean(Key::log_probe);
  logs.trust_file = config.text(Key::trust_file);
  logs.finder.patience =
      config.duration(Key::fetch_timeout) + 2 * config.duration(Key::dns_timeout);
  logs.dns.nameservers = config.list(Key::nameserver);
  logs.dns.timeout_ms =
      static_cast<int>(std::chrono::milliseconds(config.duration(Key::dns_timeout)).count());
  logs.sts.database = (std::filesystem::path(database).parent_path() / "policies.db").string();
  return logs;
}

}  // namespace

CollectorSettings collector_settings(const Config& config) {
  CollectorSettings settings;
  const std::string path = outbound_path(config.text(Key::database)).value_or("");
  settings.journal.database = path;
  settings.journal.folders = {config.text(Key::journal_folder),
                              std::filesystem::path(path).parent_path().string()};
  settings.storer.flush_interval = config.duration(Key::flush_interval);
  settings.storer.store.path = path;
  settings.storer.store.bounds = store_bounds(config);
  settings.logs = following_settings(config, path);
  settings.storer.store.testing_left_to_log = settings.logs.follower.testing_only;
  return settings;
}

StoreBounds store_bounds(const Config& config) {
  StoreBounds bounds;
  bounds.max_keys = static_cast<std::uint64_t>(config.integer(Key::maximum_keys));
  bounds.max_failure_details =
      static_cast<std::uint64_t>(config.integer(Key::maximum_failure_details));
  return bounds;
}

Result<std::vector<SocketSettings>> socket_settings(const Config& config,
                                                    const Inherited& inherited) {
  SocketSettings common;
  common.mode = static_cast<unsigned>(config.integer(Key::outcome_socket_mode));
  const auto identity = find_identity(config.text(Key::user_id));
  if (!identity) return tl::unexpected(identity.error());
  if (identity->has_value()) {
    common.owner = (*identity)->uid;
    common.group = (*identity)->gid;
  }
  const std::string group = socket_group(config);
  if (!group.empty()) {
    const auto found = find_group(group);
    if (!found) return tl::unexpected(found.error());
    common.group = *found;
  }
  std::vector<SocketSettings> all;
  const auto add = [&](Key key, SocketKind kind) {
    for (const std::string& path : config.list(key)) {
      all.push_back(common);
      all.back().kind = kind;
      all.back().path = path;
    }
  };
  if (!inherited.datagram) add(Key::outcome_socket, SocketKind::datagram);
  if (!inherited.stream) add(Key::outcome_stream_socket, SocketKind::stream);
  return all;
}

}  // namespace tlsrpt::sender
