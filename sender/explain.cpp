// SPDX-License-Identifier: BSD-2-Clause
#include "sender/explain.hpp"

#include <algorithm>
#include <utility>

#include "common/escape.hpp"
#include "common/tlsrpt_record.hpp"
#include "sender/text_table.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kShownRecords = 5;
constexpr std::size_t kShownText = 1000;

/// A stranger's text as one line, however long it is.
std::string shown(std::string_view text) { return cut_text(escape_terminal(text), kShownText); }

/// "counted 2 bounces", "suppressed until ...", or nothing.
std::string suppression_text(const std::vector<Suppression>& list, const Rua& rua, Seconds now) {
  const std::string name = suppression_name(rua);
  const auto entry = std::find_if(list.begin(), list.end(),
                                  [&](const Suppression& one) { return one.name == name; });
  if (entry == list.end()) return "";
  if (entry->until && *entry->until > now) {
    return fmt::format("suppressed until {} ({}): {}", format_rfc3339(*entry->until),
                       entry->by_hand ? "by hand" : fmt::format("{} bounced", entry->bounces),
                       shown(entry->detail));
  }
  return entry->bounces > 0 ? fmt::format("{} bounced so far", entry->bounces) : "";
}

std::string route_text(const Route& route, const std::string& suppression) {
  std::string verdict = "gets the report";
  if (suppression.starts_with("suppressed")) verdict = "gets nothing";
  if (route.excluded) verdict = "gets nothing";
  std::string text = fmt::format("  {} {} [{}]", shown(route.rua.uri), verdict, shown(route.why));
  if (!suppression.empty()) text += ", " + suppression;
  return text;
}

}  // namespace

Result<void> Explainer::explain(const std::string& domain, std::optional<Day> day, Seconds now) {
  const auto days = days_of(day);
  if (!days) return tl::unexpected(days.error());
  const auto seen = print_seen_record(domain, *days);
  if (!seen) return tl::unexpected(seen.error());
  const Destinations destinations = print_live_record(domain, *seen);
  print_asked_for(destinations.rua);
  if (auto done = print_routes(domain, destinations.rua, now); !done) return done;
  print_("Days:");
  bool any = false;
  for (const Day one : *days) {
    const auto printed = print_day(one, domain);
    if (!printed) return tl::unexpected(printed.error());
    any = any || *printed;
  }
  if (!any) print_("  nothing was counted or planned");
  return {};
}

/// Newest first: what was counted, and what was planned for days whose counts are gone.
Result<std::vector<Day>> Explainer::days_of(std::optional<Day> day) {
  if (day) return std::vector<Day>{*day};
  auto days = parts_.store.days();
  if (!days) return days;
  const auto planned = parts_.ledger.day_counts();
  if (!planned) return tl::unexpected(planned.error());
  for (const DayCounts& counts : *planned) days->push_back(counts.day);
  std::sort(days->begin(), days->end(), std::greater<>());
  days->erase(std::unique(days->begin(), days->end()), days->end());
  return days;
}

Result<std::string> Explainer::print_seen_record(const std::string& domain,
                                                 const std::vector<Day>& days) {
  for (const Day day : days) {
    auto summary = parts_.store.summary(day, domain);
    if (!summary) return tl::unexpected(summary.error());
    if (summary->tlsrpt_record.empty()) continue;
    print_(fmt::format("Record that an MTA saw on {}:", format_day(day)));
    print_("  " + shown(summary->tlsrpt_record));
    return std::move(summary->tlsrpt_record);
  }
  print_("No MTA saw a record.");
  return std::string();
}

Destinations Explainer::print_live_record(const std::string& domain, const std::string& seen) {
  const std::string name = tlsrpt_name(domain);
  const auto answer = parts_.dns.txt(name);
  print_(fmt::format("TXT records of {} now:", name));
  if (answer.absent()) print_("  none");
  if (answer.status == DnsStatus::failed) print_("  not known: " + shown(answer.detail));
  for (std::size_t i = 0; i < answer.records.size(); ++i) {
    if (i == kShownRecords) {
      print_(fmt::format("  and {} more", answer.records.size() - i));
      break;
    }
    print_("  " + shown(answer.records[i]));
  }
  Destinations found = find_destinations(parts_.dns, parts_.records, domain, seen);
  const std::string why = found.detail.empty() ? "" : ": " + shown(found.detail);
  print_(fmt::format("Verdict: {}{}{}", to_word(found.status), why,
                     found.from_mta ? ", by the record that an MTA saw" : ""));
  for (const std::string& warning : found.warnings) print_("  warning: " + shown(warning));
  return found;
}

void Explainer::print_asked_for(const std::vector<Rua>& record) {
  if (record.empty()) return;
  print_("Destinations of the record:");
  for (const Rua& rua : record) {
    const auto* rule = parts_.rules.for_rua(rua);
    print_(fmt::format("  {} [{}]", shown(rua.uri),
                       rule == nullptr ? "no rule" : shown(parts_.rules.describe(*rule))));
  }
}

Result<void> Explainer::print_routes(const std::string& domain, const std::vector<Rua>& record,
                                     Seconds now) {
  const auto list = parts_.suppressions.list();
  if (!list) return tl::unexpected(list.error());
  print_("Rules about the domain:");
  const auto* rule = parts_.rules.for_domain(domain);
  const auto copies = parts_.rules.copies_for(domain);
  if (rule != nullptr) print_("  " + shown(parts_.rules.describe(*rule)));
  for (const auto* copy : copies) print_("  " + shown(parts_.rules.describe(*copy)));
  if (rule == nullptr && copies.empty()) print_("  none");
  print_("Where a report would go now:");
  const auto routes = find_routes(parts_.rules, domain, record);
  for (const Route& route : routes) {
    print_(route_text(route, suppression_text(*list, route.rua, now)));
  }
  if (routes.empty()) print_("  nowhere");
  return {};
}

Result<bool> Explainer::print_day(Day day, const std::string& domain) {
  const auto plan = parts_.ledger.find_plan(day, domain);
  if (!plan) return tl::unexpected(plan.error());
  if (!*plan) {
    const auto counted = parts_.store.load(day, domain);
    if (!counted) return tl::unexpected(counted.error());
    if (counted->policies.empty()) return false;
    print_(fmt::format("  {} not decided yet", format_day(day)));
    return true;
  }
  const auto report = parts_.ledger.find_report(day, domain);
  if (!report) return tl::unexpected(report.error());
  std::string line = fmt::format("  {} {}", format_day(day), to_word((*plan)->state));
  if ((*plan)->state == PlanState::dns_failure) {
    line += ", next look-up " + format_rfc3339((*plan)->due);
  }
  if (!(*plan)->detail.empty()) line += ": " + shown((*plan)->detail);
  if (*report) line += ", report " + shown((*report)->report_id);
  print_(line);
  const auto deliveries = parts_.ledger.deliveries(day, domain);
  if (!deliveries) return tl::unexpected(deliveries.error());
  for (const Delivery& delivery : *deliveries) print_delivery(delivery);
  return true;
}

void Explainer::print_delivery(const Delivery& delivery) {
  std::string line = fmt::format("    {} {}, {} tries", shown(delivery.key.destination),
                                 to_word(delivery.state), delivery.attempts);
  if (is_open(delivery.state)) line += ", next " + format_rfc3339(delivery.due);
  if (!delivery.detail.empty()) line += ": " + shown(delivery.detail);
  print_(line);
}

}  // namespace tlsrpt::sender
