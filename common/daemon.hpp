// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the three daemons share of their lives: options, start, identity, signals, readiness.

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/sysexits.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt {

inline constexpr std::string_view kDefaultConfigFile = "/etc/opentlsrpt.conf";

/// -c -e -f -n -p -u -P -l -v -V -t, as in the OpenDKIM family. Values of the command line win over
/// the file.
struct DaemonOptions {
  std::string config_file;              ///< -c; empty: the default file, which may then be missing
  bool foreground = false;              ///< -f
  bool check_only = false;              ///< -n
  bool to_syslog = false;               ///< -l
  bool version = false;                 ///< -V
  int verbose = 0;                      ///< -v, more often for more
  std::optional<std::string> socket;    ///< -p
  std::optional<std::string> user;      ///< -u
  std::optional<std::string> pid_file;  ///< -P
  std::vector<std::string> test_files;  ///< -t, comma-separated
  std::optional<std::string> key;       ///< -e
  std::vector<std::string> arguments;   ///< what is left
};

/// 'letters': which of the options the program has, such as "cefnpuPlvVt". The error is the text
/// for the user.
Result<DaemonOptions> parse_daemon_options(int argc, char** argv, std::string_view letters);

/// Reads the file of the options and lets the command line win. Problems as in ReadConfig.
/// socket_key: what -p sets.
ReadConfig load_config(const DaemonOptions& options, Key socket_key);

/// The file that load_config reads.
std::string config_file_of(const DaemonOptions& options);

/// Prints all problems to standard error, one a line.
void print_problems(const std::vector<ConfigProblem>& problems);

LogSettings log_settings(const Config& config, const DaemonOptions& options,
                         std::string_view program);

struct Identity {
  unsigned uid = 0;
  unsigned gid = 0;
};

/// "user[:group]" as numbers; nothing for "". Error if they do not exist.
Result<std::optional<Identity>> find_identity(const std::string& user_id);
Result<unsigned> find_group(const std::string& group);

/// Becomes the user for good, with its supplementary groups. Must come before any thread is
/// started.
Result<void> become(const std::string& user_id);

/// Blocks HUP, INT, TERM, USR1, USR2 for the calling thread and those it starts later; ignores
/// PIPE.
void block_signals();

/// Leaves the terminal: fork, setsid, / as folder, standard descriptors to /dev/null.
/// In the parent it waits until the child calls report_ready or dies, then exits with 0 or the
/// child's status.
class Background {
 public:
  static Result<Background> enter();
  void report_ready();

 private:
  UniqueFd pipe_;
};

/// The life of a daemon: blocks the signals that SignalFd takes, leaves the terminal if told to,
/// builds while whoever starts it still waits, and serves. What fails is logged as start-failed;
/// what build() does not find is a folder that the configuration names: Exit::config.
Exit run_daemon(bool background, Log& log, const std::function<Result<void>()>& build,
                const std::function<Exit()>& serve);

/// A file with the process number, removed when the object goes. Fails if another live process
/// holds it.
class PidFile {
 public:
  static Result<PidFile> create(const std::string& path);
  PidFile(PidFile&&) noexcept = default;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

 private:
  PidFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;  ///< locked as long as the process lives
};

/// The value of PidFile with %p replaced.
std::string pid_file_path(const Config& config, std::string_view program);

/// Tells systemd "READY=1", "STOPPING=1", ... through NOTIFY_SOCKET; does nothing without it.
void notify_systemd(std::string_view state);

/// A descriptor that becomes readable when one of the blocked signals arrives.
class SignalFd {
 public:
  static Result<SignalFd> create();
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The number of a waiting signal, or 0.
  int take();

 private:
  UniqueFd fd_;
};

}  // namespace tlsrpt
