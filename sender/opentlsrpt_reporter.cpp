// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-reporter: daily reports to those who ask for them, and its commands.

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/escape.hpp"
#include "common/sysexits.hpp"
#include "sender/command_output.hpp"
#include "sender/curl_library.hpp"
#include "sender/key_commands.hpp"
#include "sender/ledger_commands.hpp"
#include "sender/report_commands.hpp"
#include "sender/reporter_command.hpp"
#include "sender/sending_outfit.hpp"
#include "sender/smtp_transport.hpp"
#include "sender/start_checks.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr std::string_view kProgram = kReporterProgram;

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

/// What stands in the way of reports, as far as that can be seen from here.
Findings find_troubles(const ReporterSettings& settings, const std::vector<SigningKey>& keys,
                       const StopSignal& stop) {
  const auto dns = make_dns(settings.dns);
  if (!dns) return {problem(dns.error().detail)};
  return start_checks(settings, keys, **dns,
                      [&](const Relay& relay) { return probe_relay(relay, settings.smtp, stop); });
}

void log_finding(Log& log, const Finding& finding) {
  const bool problem = finding.severity == Finding::Severity::problem;
  const LogLine line =
      LogLine(problem ? "start-problem" : "start-warning").add("detail", finding.text);
  if (problem) {
    log.error(line);
  } else {
    log.warning(line);
  }
}

/// The option -n, after the configuration was found to be right.
Exit run_checks(const Config& config, const ReadSettings& read) {
  if (::geteuid() == 0) {  // what root can write to need not be what the daemon can write to
    if (auto done = become(config.text(Key::user_id)); !done) return fail_with(done.error());
  }
  const auto stop = StopSignal::create();
  if (!stop) return fail_with(stop.error());
  Exit exit = Exit::ok;
  for (const std::string& text : read.warnings) say("warning: " + escape_terminal(text));
  for (const Finding& finding : find_troubles(read.settings, read.keys, *stop)) {
    const bool problem = finding.severity == Finding::Severity::problem;
    say(fmt::format("{}: {}", problem ? "problem" : "warning", escape_terminal(finding.text)));
    if (problem) exit = Exit::unavailable;
  }
  return exit;
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
  auto outfit = make_sending_outfit(settings, keys, rules, log);
  if (!outfit) return fail_with(outfit.error());
  Reporter reporter = (*outfit)->sending->reporter();
  log.info(LogLine("reporter-started")
               .add("version", OPENTLSRPT_VERSION)
               .add("submitter", settings.identity.submitter)
               .add("selector", selectors(keys))
               .add("verbose", command.options.verbose));
  if (background) background->report_ready();
  notify_systemd("READY=1");
  const std::jthread checks([&] {
    for (const Finding& finding : find_troubles(settings, keys, (*outfit)->stop_signal)) {
      log_finding(log, finding);
    }
  });
  reporter.run([&outfit] { return (*outfit)->stop(); }, (*outfit)->wait());
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
    return run_checks(read.config, settings);
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
