// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_commands.hpp"

#include <unistd.h>

#include <string>
#include <utility>

#include "common/clock.hpp"
#include "common/escape.hpp"
#include "sender/command_output.hpp"
#include "sender/preview.hpp"
#include "sender/progress.hpp"
#include "sender/rehearsal.hpp"
#include "sender/send_now.hpp"
#include "sender/sending_outfit.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kProgram = kReporterProgram;

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

}  // namespace

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
    if (result->verdict == HandOver::temporary && exit == Exit::ok) exit = Exit::temporary;
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
  auto outfit = make_sending_outfit(settings, keys, rules, log);
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
  const auto counts = send_now.send(command.day, selected->domains, stop, (*outfit)->wait());
  progress.finish();
  if (!flush_output()) return flushed(Exit::io);
  if (!counts) return fail_with(counts.error());
  const Exit unknown = report_unknown(*selected, command.day);
  if (counts->open > 0 || stop()) return Exit::temporary;
  if (counts->failed > 0) return Exit::unavailable;
  return unknown;
}

}  // namespace tlsrpt::sender
