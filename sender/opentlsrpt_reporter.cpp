// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-reporter: daily reports to those who ask for them, and the commands preview and send.

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/escape.hpp"
#include "common/sysexits.hpp"
#include "sender/command_output.hpp"
#include "sender/curl_http_poster.hpp"
#include "sender/curl_library.hpp"
#include "sender/key_commands.hpp"
#include "sender/ledger_commands.hpp"
#include "sender/preview.hpp"
#include "sender/progress.hpp"
#include "sender/rehearsal.hpp"
#include "sender/reporter.hpp"
#include "sender/reporter_command.hpp"
#include "sender/send_now.hpp"
#include "sender/sendmail_transport.hpp"
#include "sender/smtp_transport.hpp"

namespace {

using namespace std::chrono_literals;
using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr std::string_view kProgram = kReporterProgram;

/// Turns signals into "stop" and log lines. One thread.
class SignalWatch {
 public:
  SignalWatch(SignalFd signals, Log& log) : signals_(std::move(signals)), log_(log) {}

  bool stop() {
    while (const int number = signals_.take()) {
      if (number == SIGTERM || number == SIGINT) {
        stopping_ = true;
      } else {
        log_.notice(LogLine("signal-ignored")
                        .add("signal", ::strsignal(number))
                        .add("detail", "restart the reporter to read its configuration again"));
      }
    }
    return stopping_;
  }

  void wait(const std::vector<int>& fds, std::chrono::milliseconds time) const {
    std::vector<pollfd> watched = {{signals_.fd(), POLLIN, 0}};
    for (const int fd : fds) watched.push_back({fd, POLLIN, 0});
    const auto most = std::clamp<std::chrono::milliseconds>(time, 0s, 3600s);
    ::poll(watched.data(), watched.size(), static_cast<int>(most.count()));
  }

 private:
  SignalFd signals_;
  Log& log_;
  bool stopping_ = false;
};

/// What the daemon and 'send' need besides their settings.
struct Outfit {
  SignalWatch watch;
  StopSignal stop_signal;
  SystemClock clock;
  std::unique_ptr<Dns> dns;
  std::unique_ptr<Sending> sending;

  /// Asked often; tells the threads as well.
  bool stop() {
    if (!watch.stop()) return false;
    stop_signal.request();
    return true;
  }
};

std::unique_ptr<MailTransport> make_mail_transport(const SmtpSettings& settings,
                                                   const StopSignal& stop) {
  return settings.sendmail_path.empty() ? make_smtp_transport(settings, stop)
                                        : make_sendmail_transport(settings, stop);
}

Result<std::unique_ptr<Outfit>> make_outfit(const ReporterSettings& settings,
                                            const std::vector<SigningKey>& keys,
                                            const DestinationRules& rules, Log& log) {
  auto signals = SignalFd::create();
  if (!signals) return tl::unexpected(signals.error());
  auto stop_signal = StopSignal::create();
  if (!stop_signal) return tl::unexpected(stop_signal.error());
  auto dns = make_dns(settings.dns);
  if (!dns) return tl::unexpected(dns.error());
  auto outfit =
      std::make_unique<Outfit>(SignalWatch(std::move(*signals), log), std::move(*stop_signal),
                               SystemClock(), std::move(*dns), nullptr);
  const StopSignal& stop = outfit->stop_signal;
  Outside outside{*outfit->dns,
                  outfit->clock,
                  log,
                  system_random(),
                  {[&settings, &stop] { return make_mail_transport(settings.smtp, stop); },
                   [&settings, &stop, &names = *outfit->dns] {
                     return make_curl_http_poster(settings.post, names, stop);
                   }}};
  auto sending = Sending::start(settings, keys, rules, stop, std::move(outside));
  if (!sending) return tl::unexpected(sending.error());
  outfit->sending = std::move(*sending);
  return outfit;
}

Wait wait_of(Outfit& outfit) {
  return [&outfit](const std::vector<int>& fds, std::chrono::milliseconds time) {
    outfit.watch.wait(fds, time);
  };
}

Exit report_unknown(const SelectedDomains& selected, Day day) {
  for (const std::string& name : selected.unknown) {
    say(fmt::format("{}: nothing was counted for \"{}\" on {}", kProgram, escape_terminal(name),
                    format_day(day)));
  }
  return selected.unknown.empty() ? Exit::ok : Exit::data;
}

void note_if_empty(const SelectedDomains& selected, Day day) {
  if (!selected.domains.empty() || !selected.unknown.empty()) return;
  say(fmt::format("{}: nothing was counted on {}", kProgram, format_day(day)));
}

Result<OutboundStore> open_to_read(const std::string& path) {
  auto store = OutboundStore::open(path, SqliteMode::read_only);
  if (!store && ::access(path.c_str(), F_OK) != 0) {
    return fail(ErrorCode::not_found, "{} does not exist; has the collector been started?", path);
  }
  return store;
}

Exit print_result(const CommandResult& result) {
  std::fputs(result.output.c_str(), stdout);
  const Exit exit = flushed(result.exit);
  std::fputs(result.messages.c_str(), stderr);
  return exit;
}

Exit run_genkey(const ReporterCommand& command) {
  auto request = parse_genkey(command.genkey_words);
  if (!request) return fail_with(Exit::usage, request.error().detail);
  if (request->domain.empty()) {  // only then is a configuration needed
    const ReadConfig read = load_config(command.options, Key::socket);
    print_problems(read.problems);
    if (!read.problems.empty()) return Exit::config;
    auto domain = contact_domain(read.config);
    if (!domain) return fail_with(domain.error());
    request->domain = std::move(*domain);
  }
  return print_result(genkey(*request));
}

/// Also the dry run of 'send'.
Exit run_preview(const ReporterCommand& command, const ReporterSettings& settings,
                 const DestinationRules& rules) {
  auto store = open_to_read(settings.database);
  if (!store) return fail_with(store.error());
  const auto dns = make_dns(settings.dns);
  if (!dns) return fail_with(dns.error());
  Ledger ledger(store->database());
  const auto selected = select_domains(*store, command.day, command.domains);
  if (!selected) return fail_with(selected.error());
  note_if_empty(*selected, command.day);
  Suppressions suppressions(store->database());
  const SystemClock clock;
  Previewer previewer({*store, ledger, suppressions, **dns, rules, clock}, settings);
  Result<void> shown;
  const auto show = [&](const PreviewEntry& entry) {
    if (!command.dry_run) return print_line(to_json_line(entry));
    if (shown) shown = print_dry_run(entry, command.day, ledger, print_line);
  };
  const auto done =
      previewer.visit(command.day, selected->domains, show, [&shown] { return !shown; });
  if (!done) return fail_with(done.error());
  if (!shown) return fail_with(shown.error());
  return flushed(report_unknown(*selected, command.day));
}

Exit run_rehearsal(const ReporterCommand& command, const ReporterSettings& settings,
                   const std::vector<SigningKey>& keys) {
  auto store = open_to_read(settings.database);
  if (!store) return fail_with(store.error());
  Ledger ledger(store->database());
  const auto selected = select_domains(*store, command.day, command.domains);
  if (!selected) return fail_with(selected.error());
  const auto stop = StopSignal::create();
  if (!stop) return fail_with(stop.error());
  const auto mail = make_mail_transport(settings.smtp, *stop);
  Rehearsal rehearsal({*store, ledger, *mail, settings, keys});
  Exit exit = report_unknown(*selected, command.day);
  for (const std::string& domain : selected->domains) {
    const auto result =
        rehearsal.send(command.day, domain, command.rehearsal_to->address, SystemClock().now());
    if (!result) return fail_with(result.error());
    print_line(rehearsal_line(domain, *command.rehearsal_to, *result));
    if (result->verdict == HandOver::permanent) exit = Exit::unavailable;
    if (result->verdict == HandOver::temporary) exit = Exit::temporary;
  }
  mail->close();
  return flushed(exit);
}

Exit run_send(const ReporterCommand& command, const ReporterSettings& settings,
              const std::vector<SigningKey>& keys, const DestinationRules& rules, Log& log) {
  const SystemClock clock;
  if (clock.now() < closing_time(command.day)) {
    return fail_with(
        Exit::usage,
        fmt::format("{} can be reported from {} on: its sessions are still counted",
                    format_day(command.day), format_rfc3339(closing_time(command.day))));
  }
  auto outfit = make_outfit(settings, keys, rules, log);
  if (!outfit) return fail_with(outfit.error());
  Sending& sending = *(*outfit)->sending;
  const auto selected = select_domains(sending.store, command.day, command.domains);
  if (!selected) return fail_with(selected.error());
  note_if_empty(*selected, command.day);
  Progress progress = Progress::on_terminal();
  const auto print = [&progress](const std::string& line) {
    progress.hide();
    print_line(line);
  };
  const auto show = [&progress](std::string_view what, std::uint64_t done, std::uint64_t total) {
    progress.update(what, done, total);
  };
  SendNow send_now(sending, print, show);
  const auto stop = [&outfit] { return (*outfit)->stop(); };
  const auto counts = send_now.send(command.day, selected->domains, stop, wait_of(**outfit));
  progress.finish();
  if (!flush_output()) return flushed(Exit::io);
  if (!counts) return fail_with(counts.error());
  const Exit unknown = report_unknown(*selected, command.day);
  if (counts->open > 0 || stop()) return Exit::temporary;
  if (counts->failed > 0) return Exit::unavailable;
  return unknown;
}

std::string selectors(const std::vector<SigningKey>& keys) {
  std::string names;
  for (const SigningKey& key : keys) names += (names.empty() ? "" : ",") + key.selector;
  return names;
}

Exit run_daemon(const ReporterCommand& command, const Config& config,
                const ReporterSettings& settings, const std::vector<SigningKey>& keys,
                const DestinationRules& rules, Log& log, std::optional<Background>& background) {
  std::optional<PidFile> pid_file;
  if (const std::string path = pid_file_path(config, kProgram); !path.empty()) {
    auto created = PidFile::create(path);
    if (!created) return fail_with(created.error());
    pid_file.emplace(std::move(*created));
  }
  if (auto done = become(config.text(Key::user_id)); !done) return fail_with(done.error());
  auto outfit = make_outfit(settings, keys, rules, log);
  if (!outfit) return fail_with(outfit.error());
  Reporter reporter = (*outfit)->sending->reporter();
  log.info(LogLine("reporter-started")
               .add("version", OPENTLSRPT_VERSION)
               .add("submitter", settings.identity.submitter)
               .add("selector", selectors(keys))
               .add("verbose", command.options.verbose));
  if (background) background->report_ready();
  notify_systemd("READY=1");
  reporter.run([&outfit] { return (*outfit)->stop(); }, wait_of(**outfit));
  notify_systemd("STOPPING=1");
  log.info(LogLine("reporter-stopped"));
  return Exit::ok;
}

Exit run(int argc, char** argv) {
  const auto command = parse_reporter_command(argc, argv, SystemClock().today());
  if (!command) {
    say(fmt::format("{}: {}\n{}", kProgram, escape_terminal(command.error().detail),
                    reporter_usage()));
    return Exit::usage;
  }
  if (command->options.version) {
    print_line(fmt::format("{} {}", kProgram, OPENTLSRPT_VERSION));
    return Exit::ok;
  }
  if (command->kind == CommandKind::genkey) return run_genkey(*command);
  ReadConfig read = load_config(command->options, Key::socket);
  if (is_ledger_command(command->kind)) return run_ledger_command(*command, read);
  const bool preview = command->kind == CommandKind::preview;
  ReadSettings settings = read_reporter_settings(
      read.config, preview ? Purpose::preview : Purpose::send, local_host_name());
  print_problems(read.problems);
  print_problems(settings.problems);
  DestinationRules::Read rules;
  if (const std::string& path = settings.settings.rules_file; !path.empty()) {
    rules = DestinationRules::read(path);
  }
  print_problems(rules.problems);
  if (!read.problems.empty() || !settings.problems.empty() || !rules.problems.empty()) {
    return Exit::config;
  }
  if (command->options.check_only) {
    for (const std::string& warning : settings.warnings) say(escape_terminal(warning));
    return Exit::ok;
  }
  if (command->kind == CommandKind::testkey) {
    const auto dns = make_dns(settings.settings.dns);
    if (!dns) return fail_with(dns.error());
    return print_result(testkey(**dns, settings.keys, settings.settings.identity.submitter));
  }
  ::umask(static_cast<mode_t>(read.config.integer(Key::umask)));
  if (preview || command->dry_run || command->rehearsal_to) {
    std::signal(SIGPIPE, SIG_IGN);  // they may be interrupted: nothing is written down
  } else {
    block_signals();
  }
  std::optional<Background> background;
  if (command->kind == CommandKind::daemon) {
    if (read.config.boolean(Key::background) && !command->options.foreground) {
      auto entered = Background::enter();
      if (!entered) return fail_with(entered.error());
      background.emplace(std::move(*entered));
    }
  } else if (::geteuid() == 0) {  // files beside the database must not become root's
    if (auto done = become(read.config.text(Key::user_id)); !done) return fail_with(done.error());
  }
  const auto log = make_log(log_settings(read.config, command->options, kProgram));
  if (!log) return fail_with(log.error());
  if (preview || command->dry_run) return run_preview(*command, settings.settings, rules.rules);
  if (command->rehearsal_to) return run_rehearsal(*command, settings.settings, settings.keys);
  for (const std::string& warning : settings.warnings) {
    (*log)->warning(LogLine("key-file-unsafe").add("detail", warning));
  }
  const auto curl = CurlLibrary::start();
  if (!curl) return fail_with(curl.error());
  return command->kind == CommandKind::send
             ? run_send(*command, settings.settings, settings.keys, rules.rules, **log)
             : run_daemon(*command, read.config, settings.settings, settings.keys, rules.rules,
                          **log, background);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return exit_code(run(argc, argv));
  } catch (const std::exception& error) {
    say(fmt::format("{}: {}", kProgram, error.what()));
    return exit_code(Exit::software);
  }
}
