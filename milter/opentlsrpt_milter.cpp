// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-milter(8): reads options, builds the parts and runs them.

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "common/confined_opener.hpp"
#include "common/daemon.hpp"
#include "common/file.hpp"
#include "common/sysexits.hpp"
#include "milter/adjustable_log.hpp"
#include "milter/intake_service.hpp"
#include "milter/milter_server.hpp"
#include "milter/milter_settings.hpp"
#include "milter/pruner.hpp"
#include "milter/reload.hpp"
#include "milter/socket_advice.hpp"
#include "milter/trial.hpp"

/// Takes the place of the C library's function for libmilter, whose own thread waits here for HUP,
/// TERM and INT and ends the filter at each of them. A HUP means "read the configuration again"
/// to those who send it, and is waited for in our main thread: however many come, in whatever
/// moment, libmilter must not get one. (A thread elsewhere can't be kept from taking a signal that
/// is meant for the process; without this function, a HUP stops the filter.) It stands in the
/// program and not in the library, so that nobody else who calls sigwait gets it.
extern "C" int sigwait(const sigset_t* set, int* number) {
  sigset_t wanted = *set;
  sigdelset(&wanted, SIGHUP);
  int taken = 0;
  do {
    taken = ::sigwaitinfo(&wanted, nullptr);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) return errno;
  *number = taken;
  return 0;
}

namespace {

using namespace tlsrpt;
using namespace tlsrpt::milter;

constexpr std::string_view kProgram = "opentlsrpt-milter";
constexpr std::string_view kUsage =
    "usage: opentlsrpt-milter [-flnvV] [-c file] [-e name] [-p socket] [-P pidfile]\n"
    "                         [-t file[,file ...]] [-u user[:group]]\n";
constexpr time_t kHousekeepingSeconds = 60;
/// Of a file of -t, which may be an mbox; each mail in it has the bound of all mails.
constexpr std::size_t kMaxTrialBytes = std::size_t{1} << 30;

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

Exit complain(Exit code, const Error& error) {
  print(stderr, fmt::format("{}: {}\n", kProgram, error.detail));
  return code;
}

/// -t: what would become of the mails in these files. Nothing is stored.
Exit test_files(const DaemonOptions& options, const Config& config,
                const MilterSettings& settings) {
  const auto opener = ConfinedMessageOpener::start_tried(confined_settings(config));
  if (!opener) return complain(Exit::os, opener.error());
  auto dns = make_dns(settings.dns);
  if (!dns) return complain(Exit::config, dns.error());
  const SystemClock clock;
  const bool explain = options.verbose > 0 || settings.session.log_why;
  bool unread = false;
  bool undecided = false;
  bool refused = false;
  for (const std::string& file : options.test_files) {
    const auto bytes = file == "-" ? read_descriptor(STDIN_FILENO, "-", kMaxTrialBytes)
                                   : read_file(file, kMaxTrialBytes);
    if (!bytes) {
      unread = true;
      complain(Exit::no_input, bytes.error());
      continue;
    }
    const Trial trial =
        try_mails(file, *bytes, settings.session, settings.intake, **opener, **dns, clock, explain);
    print(stdout, trial.text);
    undecided = undecided || trial.to_come_again > 0;
    refused = refused || trial.others > 0;
  }
  if (unread) return Exit::no_input;
  if (undecided) return Exit::temporary;
  return refused ? Exit::some_refused : Exit::ok;
}

/// -e: one value as it is in use, for scripts.
Exit print_value(const DaemonOptions& options, const Config& config) {
  const KeyInfo* info = find_key(*options.key);
  if (info == nullptr) {
    print(stderr, fmt::format("{}: there is no key \"{}\"; opentlsrpt.conf(5) lists them\n",
                              kProgram, *options.key));
    return Exit::usage;
  }
  print(stdout, config.value_text(info->key) + "\n");
  return Exit::ok;
}

/// Many sessions are many descriptors; whoever started us may have left a low soft limit.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Signals of ours, which no thread may have open. CHLD tells of the one child, the spawner of
/// readers; it would not come at all if whoever started us had it ignored.
sigset_t block_own_signals() {
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

/// Stops the filter if nothing can be read any more. A report would then be put off for as long as
/// the process lives; what has started us can start us again.
bool is_lost(const ConfinedMessageOpener& opener, Log& log) {
  if (opener.can_spawn()) return false;
  log.error(LogLine("spawner-died")
                .add("detail", "without the spawner of confined readers no report can be read"));
  stop_milter();
  return true;
}

/// What a reload touches.
struct Live {
  Reloader& reloader;
  CurrentSettings& settings;
  IntakeService& service;
  Pruner& pruner;
  AdjustableLog& log;
  const DaemonOptions& options;
};

void reload(const Live& live) {
  notify_systemd("RELOADING=1");
  if (auto settings = live.reloader.reload()) {
    live.log.set_level(log_settings(live.reloader.config(), live.options, kProgram).level);
    live.service.use(std::move(settings->intake));
    live.pruner.set_retention(settings->retention);
    live.settings.set(std::move(settings->session));
  }
  notify_systemd("READY=1");
}

/// Waits for the signals that are ours and keeps house, until 'done'. False if the filter had to be
/// stopped.
bool wait_until(const std::atomic<bool>& done, const sigset_t& signals, const Live& live,
                const ConfinedMessageOpener& opener) {
  bool lost = false;
  while (!done.load()) {
    lost = lost || is_lost(opener, live.log);
    live.pruner.prune_when_due();
    live.service.write_counters();
    const timespec timeout{kHousekeepingSeconds, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &timeout);
    if (signal == SIGHUP || signal == SIGUSR1) reload(live);
  }
  return !lost;
}

/// Serves in a second thread, so that the main thread is the one that waits for signals.
Exit serve(const MilterParts& parts, const Live& live, const ConfinedMessageOpener& opener) {
  std::atomic<bool> done{false};
  Result<Drained> served = Drained::yes;
  const pthread_t main_thread = ::pthread_self();
  const sigset_t signals = block_own_signals();
  std::thread server([&] {
    served = serve_milter(parts);
    done.store(true);
    ::pthread_kill(main_thread, SIGUSR2);
  });
  const bool stopped_well = wait_until(done, signals, live, opener);
  server.join();
  notify_systemd("STOPPING=1");
  if (!served) {
    parts.log.error(LogLine("milter-failed").add(served.error()));
    return Exit::software;
  }
  live.service.write_counters();
  parts.log.notice(LogLine("stopped"));
  const Exit code = stopped_well ? Exit::ok : Exit::software;
  // A session that is still at work keeps what it needs until the process is gone.
  if (*served == Drained::no) ::_exit(exit_code(code));
  return code;
}

Exit run(const DaemonOptions& options, const Config& config, const MilterSettings& settings) {
  LogSettings logging = log_settings(config, options, kProgram);
  const LogLevel level = std::exchange(logging.level, LogLevel::debug);
  auto sink = make_log(logging);
  if (!sink) return complain(Exit::config, sink.error());
  AdjustableLog log(std::move(*sink), level);
  std::optional<Background> background;
  if (config.boolean(Key::background) && !options.foreground) {
    auto entered = Background::enter();
    if (!entered) return complain(Exit::os, entered.error());
    background = std::move(*entered);
  }
  block_signals();
  raise_descriptor_limit();
  ::umask(static_cast<mode_t>(settings.umask));
  std::optional<PidFile> pid_file;
  if (const std::string path = pid_file_path(config, kProgram); !path.empty()) {
    auto created = PidFile::create(path);
    if (!created) return complain(Exit::cannot_create, created.error());
    pid_file.emplace(std::move(*created));
  }
  if (auto opened = open_milter_socket(settings); !opened) {
    return complain(Exit::unavailable, opened.error());
  }
  if (auto became = become(config.text(Key::user_id)); !became) {
    return complain(Exit::permission, became.error());
  }
  const auto opener =
      ConfinedMessageOpener::start_tried(confined_settings(config));  // while there is one thread
  if (!opener) return complain(Exit::os, opener.error());
  auto store = ReceivedStore::open(settings.store_path, SqliteMode::read_write_create);
  if (!store) return complain(exit_for(store.error()), store.error());
  auto dns = make_dns(settings.dns);
  if (!dns) return complain(Exit::config, dns.error());

  const SystemClock clock;
  IntakeService service(settings.intake, settings.store, {**opener, **dns, clock, log},
                        std::move(*store));
  SpoolBudget budget(settings.spool_bytes);
  CurrentSettings current(settings.session);
  Pruner pruner(settings.store_path, settings.retention, clock, log);
  Reloader reloader(options, config, log);
  if (background) background->report_ready();
  log.notice(LogLine("started")
                 .add("version", OPENTLSRPT_VERSION)
                 .add("socket", settings.socket.for_libmilter())
                 .add("store", settings.store_path));
  notify_systemd("READY=1");
  return serve({current, service, budget, log}, {reloader, current, service, pruner, log, options},
               **opener);
}

/// Without an address of ours, -t can still say what becomes of a mail that is sent to one.
void forgive_missing_address(const Config& config, std::vector<ConfigProblem>& problems) {
  if (!config.list(Key::report_address).empty()) return;
  const ConfigProblem missing = missing_report_address(config);
  std::erase_if(problems, [&](const ConfigProblem& one) { return one.text == missing.text; });
}

/// -n: there are no problems; what may still keep the MTA from us?
Exit check(const DaemonOptions& options, const MilterSettings& settings) {
  for (const std::string& warning : socket_warnings(settings, PostfixPlace{})) {
    print(stderr, fmt::format("{}: warning: {}\n", kProgram, warning));
  }
  if (options.verbose > 0) print(stdout, describe_settings(settings));
  return Exit::ok;
}

Exit start(int argc, char** argv) {
  auto options = parse_daemon_options(argc, argv, "cefnpuPlvVt");
  if (!options || !options->arguments.empty()) {
    if (!options) print(stderr, fmt::format("{}: {}\n", kProgram, options.error().detail));
    print(stderr, kUsage);
    return Exit::usage;
  }
  if (options->version) {
    print(stdout,
          fmt::format("{} {} (libmilter {})\n", kProgram, OPENTLSRPT_VERSION, libmilter_version()));
    return Exit::ok;
  }
  // The daemon leaves its folder, and reads the file again at a reload.
  if (!options->config_file.empty()) {
    options->config_file = std::filesystem::absolute(options->config_file).native();
  }
  ReadConfig read = load_config(*options, Key::socket);
  const bool testing = !options->test_files.empty();
  const MilterSettings settings =
      milter_settings(read.config, config_file_of(*options), read.problems);
  if (testing || options->key) forgive_missing_address(read.config, read.problems);
  if (!read.problems.empty()) {
    print_problems(read.problems);
    return Exit::config;
  }
  if (options->key) return print_value(*options, read.config);
  if (testing) return test_files(*options, read.config, settings);
  if (options->check_only) return check(*options, settings);
  return run(*options, read.config, settings);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return exit_code(start(argc, argv));
  } catch (const std::exception& exception) {
    print(stderr, fmt::format("{}: {}\n", kProgram, exception.what()));
    return exit_code(Exit::software);
  }
}
