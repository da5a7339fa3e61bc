// SPDX-License-Identifier: BSD-2-Clause
#include "milter/socket_advice.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>

#include "common/ascii.hpp"
#include "common/file.hpp"

namespace tlsrpt::milter {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 1u << 20;
constexpr std::string_view kDefaultQueue = "/var/spool/postfix";

/// A user as the kernel judges it.
struct User {
  std::string name;
  uid_t uid = 0;
  std::vector<gid_t> groups;

  [[nodiscard]] bool is_in(gid_t group) const {
    return std::find(groups.begin(), groups.end(), group) != groups.end();
  }
  /// rwx: the bits as for others, 1 to enter a folder, 2 to write.
  [[nodiscard]] bool may(mode_t rwx, const struct stat& status) const {
    if (status.st_uid == uid) return (status.st_mode & (rwx << 6)) != 0;
    if (is_in(status.st_gid)) return (status.st_mode & (rwx << 3)) != 0;
    return (status.st_mode & rwx) != 0;
  }
};

std::optional<User> find_user(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  User user{name, entry->pw_uid, std::vector<gid_t>(1024)};
  int count = static_cast<int>(user.groups.size());
  if (::getgrouplist(name.c_str(), entry->pw_gid, user.groups.data(), &count) < 0) {
    count = static_cast<int>(user.groups.size());
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

std::string group_name(gid_t gid) {
  const group* entry = ::getgrgid(gid);
  return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

/// The socket as open_milter_socket and hand_over_socket will make it.
struct stat future_socket(const MilterSettings& settings, const struct stat& folder) {
  struct stat socket {};
  const bool is_root = ::geteuid() == 0;
  socket.st_mode = static_cast<mode_t>(0777 & ~settings.umask);
  socket.st_uid = is_root && settings.identity ? settings.identity->uid : ::geteuid();
  if (settings.socket_group) {
    socket.st_gid = *settings.socket_group;
  } else if (is_root && settings.identity) {
    socket.st_gid = settings.identity->gid;
  } else {
    socket.st_gid = (folder.st_mode & S_ISGID) != 0 ? folder.st_gid : ::getegid();
  }
  return socket;
}

std::optional<std::string> closed_folder(const User& user, const fs::path& folder) {
  fs::path path;
  for (const fs::path& part : folder) {
    path /= part;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    if (user.may(1, status)) continue;
    return fmt::format("{} cannot enter the folder {} (group {}, mode {:04o})", user.name,
                       path.native(), group_name(status.st_gid), status.st_mode & 07777);
  }
  return std::nullopt;
}

std::string advice_about_group(const std::string& user, gid_t group) {
  std::string text =
      fmt::format("{} is not in the group {} of the Socket: set SocketGroup to a group of its",
                  user, group_name(group));
  // Nobody joins root for a socket.
  if (group != 0) text += fmt::format(", or run: usermod -aG {} {}", group_name(group), user);
  return text;
}

void warn_about_rights(const MilterSettings& settings, const User& user, const struct stat& folder,
                       std::vector<std::string>& warnings) {
  const struct stat socket = future_socket(settings, folder);
  if (!user.may(2, socket)) {
    warnings.push_back(
        (socket.st_mode & S_IWGRP) == 0
            ? fmt::format("UMask {:04o} keeps everybody else from writing to the Socket; 0007 lets "
                          "its group",
                          settings.umask)
            : advice_about_group(user.name, socket.st_gid));
  }
  const fs::path path = fs::path(settings.socket.path).parent_path();
  if (auto closed = closed_folder(user, path)) warnings.push_back(std::move(*closed));
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

void warn_about_network(const StreamSocket& socket, std::vector<std::string>& warnings) {
  const std::string& host = socket.host;
  if (host == "localhost" || host == "::1" || host.starts_with("127.")) return;
  warnings.push_back(fmt::format(
      "whoever reaches port {} has the standing of your MTA here; add @127.0.0.1 or @::1 to the "
      "Socket, or keep others away by a firewall",
      socket.port));
}

}  // namespace

std::string smtpd_chroot(const std::string& master_cf, const std::string& main_cf) {
  std::istringstream services(master_cf);
  bool chrooted = false;
  for (std::string line; std::getline(services, line);) {
    if (line.empty() || line.front() == '#' || is_blank(line.front())) continue;
    std::istringstream fields(line);
    std::string name, type, is_private, unprivileged, chroot, wakeup, processes, command;
    fields >> name >> type >> is_private >> unprivileged >> chroot >> wakeup >> processes >>
        command;
    chrooted = chrooted || (command == "smtpd" && chroot == "y");
  }
  if (!chrooted) return {};
  std::istringstream parameters(main_cf);
  std::string queue(kDefaultQueue);
  for (std::string line; std::getline(parameters, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    if (trimmed(std::string_view(line).substr(0, equals)) != "queue_directory") continue;
    queue = trimmed(std::string_view(line).substr(equals + 1));
  }
  return queue;
}

std::vector<std::string> socket_warnings(const MilterSettings& settings,
                                         const PostfixPlace& postfix) {
  std::vector<std::string> warnings;
  if (settings.socket.kind != StreamSocket::Kind::local) {
    warn_about_network(settings.socket, warnings);
    return warnings;
  }
  const fs::path folder = fs::path(settings.socket.path).parent_path();
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    warnings.push_back(
        fmt::format("the folder {} of the Socket is not there; make it, or let the service manager "
                    "make it at each start",
                    folder.native()));
    return warnings;
  }
  const auto master = read_file(postfix.folder + "/master.cf", kMaxFile);
  if (!master) return warnings;  // no Postfix here
  if (const auto user = find_user(postfix.user)) {
    warn_about_rights(settings, *user, status, warnings);
  }
  const std::string chroot = smtpd_chroot(
      *master, read_file(postfix.folder + "/main.cf", kMaxFile).value_or(std::string()));
  if (!chroot.empty() && !is_below(settings.socket.path, chroot)) {
    warnings.push_back(
        fmt::format("the SMTP server of Postfix is confined to {0} (chroot in {1}/master.cf) and "
                    "does not see {2}: use a Socket such as local:{0}/opentlsrpt/milter.sock",
                    chroot, postfix.folder, settings.socket.path));
  }
  return warnings;
}

}  // namespace tlsrpt::milter
