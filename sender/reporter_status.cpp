// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_status.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/escape.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kErrorsShown = 10;

/// As people call it.
std::string_view to_verb(DeliveryState state) {
  switch (state) {
    case DeliveryState::delivered:
      return "sent";
    case DeliveryState::deferred:
      return "retrying";
    case DeliveryState::sending:
      return "in hand";
    case DeliveryState::waiting:
    case DeliveryState::failed:
    case DeliveryState::expired:
    case DeliveryState::bounced:
    case DeliveryState::suppressed:
    case DeliveryState::excluded:
    case DeliveryState::unsupported:
      return to_word(state);
  }
  return "";
}

void join(std::string& list, const std::string& part) { list += (list.empty() ? "" : ", ") + part; }

/// "790 sent, 0 retrying, 2 failed": what everybody asks about, and what is not zero besides.
std::string deliveries_text(const DayCounts& counts) {
  std::string list;
  for (const DeliveryState state :
       {DeliveryState::delivered, DeliveryState::deferred, DeliveryState::failed}) {
    join(list, fmt::format("{} {}", count_of(counts.deliveries, state), to_verb(state)));
  }
  for (const auto& [state, number] : counts.deliveries) {
    if (number == 0 || state == DeliveryState::delivered || state == DeliveryState::deferred ||
        state == DeliveryState::failed) {
      continue;
    }
    join(list, fmt::format("{} {}", number, to_verb(state)));
  }
  return list;
}

std::string without_report_text(const ReporterDay& day) {
  std::string list;
  std::uint64_t decided = 0;
  for (const auto& [state, number] : day.counts.plans) {
    decided += number;
    if (state != PlanState::planned) join(list, fmt::format("{} {}", number, to_word(state)));
  }
  if (day.domains > decided) join(list, fmt::format("{} not decided", day.domains - decided));
  return list.empty() ? "none" : list;
}

std::string day_text(const ReporterDay& day) {
  return fmt::format("{} domains, {} reports built; {}; without report: {}",
                     std::max(day.domains, count_of(day.counts.plans, PlanState::planned)),
                     day.counts.reports, deliveries_text(day.counts), without_report_text(day));
}

std::string error_line(const Delivery& delivery) {
  std::string next;
  if (is_open(delivery.state)) next = ", next " + format_rfc3339(delivery.due);
  return fmt::format("  {} {} {} (tries: {}{}): {}\n", escape_terminal(delivery.key.domain),
                     escape_terminal(delivery.key.destination), to_word(delivery.state),
                     delivery.attempts, next, escape_terminal(delivery.detail));
}

bool has_open(const ReporterDay& day) {
  return std::any_of(day.counts.deliveries.begin(), day.counts.deliveries.end(),
                     [](const auto& one) { return is_open(one.first) && one.second > 0; });
}

std::string shown_text(const ReporterStatus& status, Seconds now) {
  const auto day = std::find_if(status.days.begin(), status.days.end(),
                                [&](const auto& one) { return one.counts.day == status.shown; });
  const bool yesterday =
      status.shown == std::chrono::floor<std::chrono::days>(now) - std::chrono::days(1);
  std::string out = fmt::format("Reports about {}{}:\n", yesterday ? "yesterday, " : "",
                                format_day(status.shown));
  out += day == status.days.end() ? "  nothing was counted\n" : "  " + day_text(*day) + "\n";
  if (!status.last_errors.empty()) out += "Last errors:\n";
  for (const Delivery& delivery : status.last_errors) out += error_line(delivery);
  return out;
}

}  // namespace

std::optional<Day> oldest_open(const ReporterStatus& status) {
  const auto found = std::find_if(status.days.rbegin(), status.days.rend(), has_open);
  return found == status.days.rend() ? std::nullopt : std::optional(found->counts.day);
}

Result<ReporterStatus> read_reporter_status(OutboundStore& store, Ledger& ledger, Day shown,
                                            Seconds now) {
  std::map<Day, ReporterDay, std::greater<>> days;
  auto counts = ledger.day_counts();
  if (!counts) return tl::unexpected(counts.error());
  for (DayCounts& one : *counts) days[one.day].counts = std::move(one);
  const auto counted = store.days();
  if (!counted) return tl::unexpected(counted.error());
  for (const Day day : *counted) {
    const auto domains = store.count_domains(day);
    if (!domains) return tl::unexpected(domains.error());
    days[day].domains = *domains;
    days[day].counts.day = day;
  }
  ReporterStatus status;
  status.shown = shown;
  for (auto& [day, one] : days) status.days.push_back(std::move(one));
  auto errors = ledger.last_errors(shown, kErrorsShown);
  if (!errors) return tl::unexpected(errors.error());
  status.last_errors = std::move(*errors);
  for (const Rua::Scheme scheme : {Rua::Scheme::mailto, Rua::Scheme::https}) {
    const auto due = ledger.next_due(scheme);
    if (!due) return tl::unexpected(due.error());
    if (*due && (!status.next_due || **due < *status.next_due)) status.next_due = *due;
  }
  const auto suppressed = Suppressions(store.database()).active(now);
  if (!suppressed) return tl::unexpected(suppressed.error());
  status.suppressed = suppressed->size();
  return status;
}

std::string status_text(const ReporterStatus& status, Seconds now, bool only_shown) {
  std::string out = shown_text(status, now);
  if (only_shown) return out;
  for (const ReporterDay& day : status.days) {
    if (day.counts.day == status.shown) continue;
    out += fmt::format("{}: {}\n", format_day(day.counts.day), day_text(day));
  }
  if (status.next_due) {
    out += fmt::format("Next delivery due {}", format_rfc3339(*status.next_due));
    if (const auto oldest = oldest_open(status)) {
      out += fmt::format(", oldest open day {}", format_day(*oldest));
    }
    out += '\n';
  }
  out += fmt::format("Suppressed destinations: {}\n", status.suppressed);
  return out;
}

}  // namespace tlsrpt::sender
