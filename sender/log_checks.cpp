// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_checks.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "common/daemon.hpp"
#include "sender/systemd_log_source.hpp"

namespace tlsrpt::sender {

namespace {

/// What 'check' returns (0: all is well) when it runs as that user.
int as_user(const std::string& user, const std::function<int()>& check) {
  const pid_t child = ::fork();
  if (child < 0) return 0;  // who starts the daemon will see
  if (child == 0) {
    if (!become(user)) ::_exit(0);  // is a problem of UserID
    ::_exit(check());
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int try_to_read(const std::string& path, int how) {
  return ::access(path.c_str(), how) == 0 || errno != EACCES ? 0 : 1;
}

void check_file(const Config& config, std::size_t index, std::vector<ConfigProblem>& problems) {
  const std::string& path = config.list(Key::log_file)[index];
  const auto tell = [&](const std::string& problem) {
    problems.push_back(config.problem(Key::log_file, problem, index));
  };
  if (path.front() != '/' || path.find('\n') != std::string::npos) {
    return tell(fmt::format("\"{}\" is not an absolute path", path));
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    return tell(fmt::format("{} is no file", path));
  }
  const std::string& user = config.text(Key::user_id);
  // Rotated files are looked for by name.
  if (as_user(user, [&] { return try_to_read(folder.string(), R_OK | X_OK); }) != 0) {
    return tell(fmt::format("the folder {} cannot be read by UserID", folder.string()));
  }
  if (as_user(user, [&] { return try_to_read(path, R_OK); }) != 0) {
    tell(
        fmt::format("{} cannot be read by UserID; on Debian members of the group adm can: "
                    "adduser USER adm, or SupplementaryGroups=adm in the unit",
                    path));
  }
}

}  // namespace

void check_logs(const Config& config, std::vector<ConfigProblem>& problems) {
  const auto& files = config.list(Key::log_file);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!seen.insert(files[i]).second) {
      problems.push_back(
          config.problem(Key::log_file, fmt::format("{} is named twice", files[i]), i));
    } else {
      check_file(config, i, problems);
    }
  }
  const bool journal = config.boolean(Key::log_journal);
  if (journal) {
    const int unreadable =
        as_user(config.text(Key::user_id), [] { return check_systemd_journal() ? 0 : 1; });
    if (unreadable != 0) {
      problems.push_back(config.problem(
          Key::log_journal,
          "the systemd journal cannot be read by UserID; members of the group systemd-journal can: "
          "adduser USER systemd-journal, or SupplementaryGroups=systemd-journal in the unit"));
    }
  }
  if (config.text(Key::log_sessions) == "sts-testing" && files.empty() && !journal) {
    problems.push_back(
        config.problem(Key::log_sessions, "sts-testing needs a log: set LogFile or LogJournal"));
  }
}

}  // namespace tlsrpt::sender
