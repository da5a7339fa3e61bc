// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-milter(8): reads options, builds the parts and runs them.

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>
#include <thread>

#include "common/confined_opener.hpp"
#include "common/daemon.hpp"
#include "common/file.hpp"
#include "common/sysexits.hpp"
#include "milter/intake_log.hpp"
#include "milter/intake_service.hpp"
#include "milter/milter_server.hpp"
#include "milter/milter_settings.hpp"
#include "milter/pruner.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::milter;

constexpr std::string_view kProgram = "opentlsrpt-milter";
constexpr std::string_view kUsage =
    "usage: opentlsrpt-milter [-flnvV] [-c file] [-p socket] [-P pidfile] [-t file[,file ...]]\n"
    "                         [-u user[:group]]\n";
constexpr time_t kHousekeepingSeconds = 60;

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

Exit complain(Exit code, const Error& error) {
  print(stderr, fmt::format("{}: {}\n", kProgram, error.detail));
  return code;
}

/// Messages of strangers are opened by processes that can only compute.
Result<std::unique_ptr<ConfinedMessageOpener>> make_opener(const Config& config) {
  ConfinedSettings settings;
  settings.limits = message_limits(config);
  settings.timeout = config.duration(Key::reader_timeout);
  auto opener = ConfinedMessageOpener::start(settings);
  if (!opener) return opener;
  // Where confinement does not work at all, every report would be refused for good: better no
  // start.
  const auto tried = (*opener)->open("From: postmaster@example.org\r\n\r\n");
  if (!tried) return tl::unexpected(tried.error());
  for (const ReadOutcome& outcome : tried->outcomes) {
    if (outcome.refusal != Refusal::reader_failed) continue;
    return fail(ErrorCode::internal,
                "a confined reader cannot work here: is there a limit on memory, such as LimitAS, "
                "or no seccomp?");
  }
  return opener;
}

/// -t: what would become of the mails in these files. Nothing is stored.
Exit test_files(const DaemonOptions& options, const Config& config) {
  const MessageLimits limits = message_limits(config);
  const DnsSettings dns_settings{
      config.list(Key::nameserver),
      static_cast<int>(config.duration(Key::dns_timeout).count() * 1000)};
  const auto opener = make_opener(config);
  if (!opener) return complain(Exit::os, opener.error());
  auto dns = make_dns(dns_settings);
  if (!dns) return complain(Exit::config, dns.error());
  const SystemClock clock;
  Exit code = Exit::ok;
  for (const std::string& file : options.test_files) {
    const auto bytes = file == "-" ? read_descriptor(STDIN_FILENO, "-", limits.max_message_bytes)
                                   : read_file(file, limits.max_message_bytes);
    if (!bytes) {
      code = complain(Exit::no_input, bytes.error());
      continue;
    }
    const IntakeResult result =
        examine_mail(*bytes, intake_settings(config), **opener, **dns, clock);
    print(stdout, fmt::format("{}: {}\n", file, describe_mail(result, {}).text()));
    if (options.verbose == 0 && !config.boolean(Key::log_why)) continue;
    for (const LogLine& line : explain_mail(result, {})) {
      print(stdout, fmt::format("{}:   {}\n", file, line.text()));
    }
  }
  return code;
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

/// Waits for the signals that libmilter leaves to us and keeps house, until 'done'. libmilter has a
/// thread waiting for HUP, too, and would end; a waiting main thread is served first, so HUP is
/// harmless except in a rapid burst. False if the filter had to be stopped.
bool wait_until(const std::atomic<bool>& done, const sigset_t& signals, Pruner& pruner,
                const ConfinedMessageOpener& opener, Log& log) {
  bool lost = false;
  while (!done.load()) {
    lost = lost || is_lost(opener, log);
    pruner.prune_when_due();
    const timespec timeout{kHousekeepingSeconds, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &timeout);
    if (signal == SIGHUP || signal == SIGUSR1) {
      log.notice(LogLine("reload-unsupported")
                     .add("signal", signal == SIGHUP ? "HUP" : "USR1")
                     .add("detail", "restart to read the configuration again"));
    }
  }
  return !lost;
}

/// Serves in a second thread, so that the main thread is the one that waits for signals.
Exit serve(const MilterSettings& settings, const MilterParts& parts,
           const ConfinedMessageOpener& opener, const Clock& clock) {
  std::atomic<bool> done{false};
  Result<Drained> served = Drained::yes;
  const pthread_t main_thread = ::pthread_self();
  const sigset_t signals = block_own_signals();
  std::thread server([&] {
    served = serve_milter(parts);
    done.store(true);
    ::pthread_kill(main_thread, SIGUSR2);
  });
  Pruner pruner(settings.store_path, settings.retention, clock, parts.log);
  const bool stopped_well = wait_until(done, signals, pruner, opener, parts.log);
  server.join();
  notify_systemd("STOPPING=1");
  if (!served) {
    parts.log.error(LogLine("milter-failed").add(served.error()));
    return Exit::software;
  }
  parts.log.notice(LogLine("stopped"));
  const Exit code = stopped_well ? Exit::ok : Exit::software;
  // A session that is still at work keeps what it needs until the process is gone.
  if (*served == Drained::no) ::_exit(exit_code(code));
  return code;
}

Exit run(const DaemonOptions& options, const Config& config, const MilterSettings& settings) {
  auto log = make_log(log_settings(config, options, kProgram));
  if (!log) return complain(Exit::config, log.error());
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
  const auto opener = make_opener(config);  // while there is one thread
  if (!opener) return complain(Exit::os, opener.error());
  auto store = ReceivedStore::open(settings.store_path, SqliteMode::read_write_create);
  if (!store) return complain(exit_for(store.error()), store.error());
  auto dns = make_dns(settings.dns);
  if (!dns) return complain(Exit::config, dns.error());

  const SystemClock clock;
  IntakeService service(settings.intake, settings.store, {**opener, **dns, clock, **log},
                        std::move(*store));
  SpoolBudget budget(settings.spool_bytes);
  if (background) background->report_ready();
  (*log)->notice(LogLine("started")
                     .add("version", OPENTLSRPT_VERSION)
                     .add("socket", settings.socket.for_libmilter())
                     .add("store", settings.store_path));
  notify_systemd("READY=1");
  return serve(settings, {settings.session, service, budget, **log}, **opener, clock);
}

Exit start(int argc, char** argv) {
  const auto options = parse_daemon_options(argc, argv, "cfnpuPlvVt");
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
  ReadConfig read = load_config(*options, Key::socket);
  if (!options->test_files.empty() && read.problems.empty()) {
    return test_files(*options, read.config);
  }
  const std::string file =
      options->config_file.empty() ? std::string(kDefaultConfigFile) : options->config_file;
  const MilterSettings settings = milter_settings(read.config, file, read.problems);
  if (!read.problems.empty()) {
    print_problems(read.problems);
    return Exit::config;
  }
  if (options->check_only) {
    if (options->verbose > 0) print(stdout, describe_settings(settings));
    return Exit::ok;
  }
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
