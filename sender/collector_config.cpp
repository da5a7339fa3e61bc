// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector_config.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace tlsrpt::sender {

namespace {

bool is_folder(const std::string& path) {
  struct stat status {};
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

void check_stream(const Config& config, bool inherited, std::vector<ConfigProblem>& problems) {
  const std::string& path = config.text(Key::outcome_stream_socket);
  if (path.empty()) return;
  if (const auto problem = check_socket_path(path)) {
    problems.push_back(config.problem(Key::outcome_stream_socket, *problem));
  } else if (!inherited && path == config.text(Key::outcome_socket)) {
    problems.push_back(
        config.problem(Key::outcome_stream_socket, "is also OutcomeSocket; they need two paths"));
  }
}

/// The default group is a guess: a machine without Postfix does not have it.
std::string socket_group(const Config& config) {
  const std::string& group = config.text(Key::outcome_socket_group);
  return config.is_set(Key::outcome_socket_group) || find_group(group) ? group : std::string();
}

void check_identities(const Config& config, bool inherited, std::vector<ConfigProblem>& problems) {
  const std::string& user = config.text(Key::user_id);
  if (const auto identity = find_identity(user); !identity) {
    problems.push_back(config.problem(Key::user_id, identity.error().detail));
  } else if (identity->has_value() && ::geteuid() != 0 && (*identity)->uid != ::geteuid()) {
    problems.push_back(
        config.problem(Key::user_id, fmt::format("only root can become \"{}\"", user)));
  }
  const std::string group = socket_group(config);
  if (group.empty() || (inherited && config.text(Key::outcome_stream_socket).empty())) return;
  if (const auto found = find_group(group); !found) {
    problems.push_back(
        config.problem(Key::outcome_socket_group,
                       fmt::format("{}; name the group of your MTA", found.error().detail)));
  }
}

}  // namespace

std::vector<ConfigProblem> check_collector_config(const Config& config, bool inherited) {
  std::vector<ConfigProblem> problems;
  check_database(config, problems);
  if (!inherited) {
    if (auto problem = check_socket_path(config.text(Key::outcome_socket))) {
      problems.push_back(config.problem(Key::outcome_socket, *problem));
    }
  }
  check_stream(config, inherited, problems);
  check_identities(config, inherited, problems);
  return problems;
}

CollectorSettings collector_settings(const Config& config) {
  CollectorSettings settings;
  settings.flush_interval = config.duration(Key::flush_interval);
  return settings;
}

StoreBounds store_bounds(const Config& config) {
  StoreBounds bounds;
  bounds.max_domains = static_cast<std::uint64_t>(config.integer(Key::maximum_domains));
  bounds.max_failure_details =
      static_cast<std::uint64_t>(config.integer(Key::maximum_failure_details));
  return bounds;
}

Result<SocketSettings> socket_settings(const Config& config, SocketKind kind) {
  SocketSettings settings;
  settings.kind = kind;
  settings.path =
      config.text(kind == SocketKind::stream ? Key::outcome_stream_socket : Key::outcome_socket);
  settings.mode = static_cast<unsigned>(config.integer(Key::outcome_socket_mode));
  const auto identity = find_identity(config.text(Key::user_id));
  if (!identity) return tl::unexpected(identity.error());
  if (identity->has_value()) {
    settings.owner = (*identity)->uid;
    settings.group = (*identity)->gid;
  }
  const std::string group = socket_group(config);
  if (!group.empty()) {
    const auto found = find_group(group);
    if (!found) return tl::unexpected(found.error());
    settings.group = *found;
  }
  return settings;
}

}  // namespace tlsrpt::sender
