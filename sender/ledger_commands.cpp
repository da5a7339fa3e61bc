// SPDX-License-Identifier: BSD-2-Clause
#include "sender/ledger_commands.hpp"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "common/clock.hpp"
#include "common/file.hpp"
#include "sender/bounce.hpp"
#include "sender/bounce_command.hpp"
#include "sender/collector_status.hpp"
#include "sender/command_output.hpp"
#include "sender/explain.hpp"
#include "sender/outbound_store.hpp"
#include "sender/queue_view.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/reporter_status.hpp"
#include "sender/suppress_command.hpp"
#include "sender/terminal.hpp"

namespace tlsrpt::sender {

namespace {

SuppressionSettings suppression_settings(const Config& config) {
  return {static_cast<int>(config.integer(Key::bounce_limit)), config.duration(Key::suppress_time)};
}

Result<OutboundStore> open_store(const Config& config, SqliteMode mode) {
  const auto path = outbound_path(config.text(Key::database));
  if (!path) return tl::unexpected(path.error());
  if (::access(path->c_str(), F_OK) != 0) {
    return fail(ErrorCode::not_found, "{} does not exist; has the collector been started?", *path);
  }
  return OutboundStore::open(*path, mode);
}

std::size_t output_width() {
  return is_terminal(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : kNoWidth;
}

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) print_line(line);
}

Exit run_queue(const ReporterCommand& command, OutboundStore& store) {
  Ledger ledger(store.database());
  const QueueRequest request{command.day_given ? std::optional(command.day) : std::nullopt,
                             command.states, command.domains};
  const auto queue = read_queue(ledger, request, command.json ? kQueueShownJson : kQueueShown);
  if (!queue) return fail_with(queue.error());
  if (command.json) {
    for (const Delivery& delivery : queue->deliveries) print_line(queue_json(delivery));
    if (queue->deliveries.size() < queue->total) say(queue_total(*queue));
  } else {
    print_lines(queue_table(*queue, output_width()));
    print_line(queue_total(*queue));
  }
  return flushed(Exit::ok);
}

Exit run_retry(const ReporterCommand& command, OutboundStore& store) {
  Ledger ledger(store.database());
  const std::vector<std::string> all = {""};
  std::uint64_t total = 0;
  for (const std::string& domain : command.domains.empty() ? all : command.domains) {
    const auto number =
        ledger.retry({command.day_given ? std::optional(command.day) : std::nullopt, domain, {}},
                     SystemClock().now());
    if (!number) return fail_with(number.error());
    total += *number;
  }
  print_line(fmt::format("{} {} due now; the daemon sees to it within a minute", total,
                         total == 1 ? "delivery is" : "deliveries are"));
  return flushed(Exit::ok);
}

Exit run_suppress(const ReporterCommand& command, const Config& config, OutboundStore& store) {
  Suppressions list(store.database());
  const Seconds now = SystemClock().now();
  switch (command.suppress) {
    case SuppressAction::list: {
      const auto entries = list.list();
      if (!entries) return fail_with(entries.error());
      print_lines(suppression_table(*entries, now, output_width()));
      return flushed(Exit::ok);
    }
    case SuppressAction::add: {
      const auto time = command.suppress_time.value_or(config.duration(Key::suppress_time));
      const auto done =
          suppress_destinations(list, command.destinations, now + time, command.reason, print_line);
      return done ? flushed(Exit::ok) : fail_with(done.error());
    }
    case SuppressAction::remove: {
      const auto done = unsuppress_destinations(list, command.destinations, print_line);
      if (done) return flushed(Exit::ok);
      return done.error().code == ErrorCode::not_found ? fail_with(Exit::data, done.error().detail)
                                                       : fail_with(done.error());
    }
  }
  return Exit::software;
}

Exit run_status(const ReporterCommand& command, OutboundStore& store) {
  const Seconds now = SystemClock().now();
  Ledger ledger(store.database());
  const auto reporter = read_reporter_status(store, ledger, command.day, now);
  if (!reporter) return fail_with(reporter.error());
  std::string text = command.prometheus ? prometheus_text(*reporter)
                                        : status_text(*reporter, now, command.day_given);
  if (!command.day_given) {
    const auto collector = read_collector_status(store);
    if (!collector) return fail_with(collector.error());
    text += command.prometheus ? prometheus_text(*collector)
                               : "\nCollector:\n" + status_text(*collector, now);
  }
  std::fputs(text.c_str(), stdout);
  return flushed(Exit::ok);
}

Exit run_explain(const ReporterCommand& command, const Config& config, OutboundStore& store) {
  const ReadSettings read = read_reporter_settings(config, Purpose::preview, local_host_name());
  DestinationRules::Read rules;
  if (const std::string& path = read.settings.rules_file; !path.empty()) {
    rules = DestinationRules::read(path);
  }
  print_problems(read.problems);
  print_problems(rules.problems);
  if (!read.problems.empty() || !rules.problems.empty()) return Exit::config;
  const auto dns = make_dns(read.settings.dns);
  if (!dns) return fail_with(dns.error());
  Ledger ledger(store.database());
  Suppressions suppressions(store.database());
  Explainer explainer({store, ledger, suppressions, **dns, rules.rules, read.settings.records},
                      print_line);
  const auto done = explainer.explain(command.explain,
                                      command.day_given ? std::optional(command.day) : std::nullopt,
                                      SystemClock().now());
  return done ? flushed(Exit::ok) : fail_with(done.error());
}

/// The MTA tries again after 75, and would send a bounce of the bounce after any other failure.
Exit run_bounce(const ReporterCommand& command, const Config& config, OutboundStore& store) {
  const auto log = make_log(log_settings(config, command.options, kReporterProgram));
  if (!log) return fail_with(Exit::temporary, log.error().detail);
  const auto mail =
      read_descriptor(STDIN_FILENO, "the bounce", BounceLimits{}.max_message_bytes + 1);
  if (!mail && mail.error().code == ErrorCode::limit_exceeded) {
    (*log)->notice(LogLine("bounce-ignored").add(mail.error()));
    return Exit::ok;
  }
  if (!mail) return fail_with(Exit::temporary, mail.error().detail);
  Ledger ledger(store.database());
  Suppressions suppressions(store.database());
  const auto verdict = take_bounce(*mail, {store.database(), ledger, suppressions},
                                   suppression_settings(config), SystemClock().now(), **log);
  return verdict ? Exit::ok : fail_with(Exit::temporary, verdict.error().detail);
}

/// Only reads?
SqliteMode mode_for(const ReporterCommand& command) {
  const bool reads =
      command.kind == CommandKind::queue || command.kind == CommandKind::status ||
      (command.kind == CommandKind::suppress && command.suppress == SuppressAction::list);
  return reads ? SqliteMode::read_only : SqliteMode::read_write_create;
}

Exit run_on(const ReporterCommand& command, const Config& config, OutboundStore& store) {
  switch (command.kind) {
    case CommandKind::queue:
      return run_queue(command, store);
    case CommandKind::retry:
      return run_retry(command, store);
    case CommandKind::suppress:
      return run_suppress(command, config, store);
    case CommandKind::bounce:
      return run_bounce(command, config, store);
    case CommandKind::status:
      return command.explain.empty() ? run_status(command, store)
                                     : run_explain(command, config, store);
    case CommandKind::daemon:
    case CommandKind::preview:
    case CommandKind::send:
    case CommandKind::genkey:
    case CommandKind::testkey:
      break;
  }
  return fail_with(Exit::software, "no command of the ledger");
}

}  // namespace

bool is_ledger_command(CommandKind kind) {
  switch (kind) {
    case CommandKind::queue:
    case CommandKind::status:
    case CommandKind::retry:
    case CommandKind::suppress:
    case CommandKind::bounce:
      return true;
    case CommandKind::daemon:
    case CommandKind::preview:
    case CommandKind::send:
    case CommandKind::genkey:
    case CommandKind::testkey:
      return false;
  }
  return false;
}

Exit run_ledger_command(const ReporterCommand& command, const ReadConfig& read) {
  // Whatever is wrong with this machine: the MTA shall keep the bounce until it is put right.
  const bool bounce = command.kind == CommandKind::bounce;
  const auto refuse = [&](const Error& error) {
    return bounce ? fail_with(Exit::temporary, error.detail) : fail_with(error);
  };
  print_problems(read.problems);
  if (!read.problems.empty()) return bounce ? Exit::temporary : Exit::config;
  if (::geteuid() == 0) {
    if (auto done = become(read.config.text(Key::user_id)); !done) return refuse(done.error());
  }
  auto store = open_store(read.config, mode_for(command));
  return store ? run_on(command, read.config, *store) : refuse(store.error());
}

}  // namespace tlsrpt::sender
