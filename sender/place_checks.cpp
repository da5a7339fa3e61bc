// SPDX-License-Identifier: BSD-2-Clause
#include "sender/place_checks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

namespace {

/// What errno says now: the other arguments of a message may change it.
std::string reason() { return std::strerror(errno); }

std::string user_name() {
  const passwd* user = ::getpwuid(::geteuid());
  return user != nullptr ? user->pw_name : fmt::format("{}", ::geteuid());
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// With the rights that opening would be judged by, not those of who started the program.
bool is_allowed(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

/// access(2) does not know of quotas, full disks and what a service manager has made read-only.
Findings try_new_file(const std::string& folder) {
  std::string path = folder + "/.opentlsrpt-check-XXXXXX";
  const UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd) {
    return {
        problem(fmt::format("no file can be made in {} ({}); look at its rights, and at the "
                            "space and mount options of its disk",
                            folder, reason()))};
  }
  ::unlink(path.c_str());
  return {};
}

Findings check_folder(const std::string& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) {
    const std::string why = reason();
    return {problem(fmt::format("{}: {}; make it with: install -d -m 0750 -o {} {}", folder, why,
                                user_name(), folder))};
  }
  if (!S_ISDIR(status.st_mode)) {
    return {problem(fmt::format("{} is not a folder; change Database", folder))};
  }
  if (!is_allowed(folder, R_OK | W_OK | X_OK)) {
    return {problem(fmt::format("{} may not write in {}; give it the folder with: chown {} {}",
                                user_name(), folder, user_name(), folder))};
  }
  return try_new_file(folder);
}

void check_files(const std::string& database, Findings& findings) {
  for (const std::string_view suffix : {"", "-wal", "-shm"}) {
    const std::string path = database + std::string(suffix);
    if (::access(path.c_str(), F_OK) != 0 || is_allowed(path, R_OK | W_OK)) continue;
    findings.push_back(problem(
        fmt::format("{} may not read and write {}; another user has made it, give it back with: "
                    "chown {} {}",
                    user_name(), path, user_name(), path)));
  }
}

}  // namespace

Findings check_space(const std::string& folder, std::uint64_t free_bytes) {
  if (free_bytes >= kLowSpaceBytes) return {};
  return {warning(fmt::format("the disk of {} has only {} MB left; make room, or counts get lost",
                              folder, free_bytes >> 20))};
}

Findings check_database_place(const std::string& database) {
  const std::string folder = folder_of(database);
  Findings findings = check_folder(folder);
  if (!findings.empty()) return findings;
  check_files(database, findings);
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) == 0) {
    for (Finding& one : check_space(folder, std::uint64_t{disk.f_bavail} * disk.f_frsize)) {
      findings.push_back(std::move(one));
    }
  }
  return findings;
}

Findings check_program(const std::string& key, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return {problem(
        fmt::format("{} {}: {}; install the program or name another", key, path, reason()))};
  }
  if (S_ISREG(status.st_mode) && is_allowed(path, X_OK)) return {};
  return {problem(
      fmt::format("{} {} is no program that {} may start; name another", key, path, user_name()))};
}

Findings check_readable(const std::string& key, const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd) return {};
  const std::string why = reason();
  return {problem(fmt::format("{} {} cannot be read by {} ({}); correct the name or the rights",
                              key, path, user_name(), why))};
}

}  // namespace tlsrpt::sender
