// SPDX-License-Identifier: BSD-2-Clause

// How the reports fare, in the text format of Prometheus.

#include <array>

#include "sender/reporter_status.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::array kStates = {DeliveryState::waiting,  DeliveryState::sending,
                                DeliveryState::deferred, DeliveryState::delivered,
                                DeliveryState::failed,   DeliveryState::expired,
                                DeliveryState::bounced,  DeliveryState::suppressed,
                                DeliveryState::excluded, DeliveryState::unsupported};

void add_metric(std::string& out, std::string_view name, std::string_view help) {
  out += fmt::format("# HELP opentlsrpt_reporter_{0} {1}\n# TYPE opentlsrpt_reporter_{0} gauge\n",
                     name, help);
}

void add_value(std::string& out, std::string_view name, std::uint64_t value) {
  out += fmt::format("opentlsrpt_reporter_{} {}\n", name, value);
}

/// Every state, those with none as well: a series that comes and goes cannot be watched.
void add_deliveries(std::string& out, std::string_view name, const DayCounts& counts) {
  for (const DeliveryState state : kStates) {
    out += fmt::format("opentlsrpt_reporter_{}{{state=\"{}\"}} {}\n", name, to_word(state),
                       count_of(counts.deliveries, state));
  }
}

DayCounts sum_of(const std::vector<ReporterDay>& days) {
  DayCounts sum;
  for (const ReporterDay& day : days) {
    sum.reports += day.counts.reports;
    for (const auto& [state, number] : day.counts.deliveries) sum.deliveries[state] += number;
    for (const auto& [state, number] : day.counts.plans) sum.plans[state] += number;
  }
  return sum;
}

DayCounts counts_of(const ReporterStatus& status, Day day) {
  for (const ReporterDay& one : status.days) {
    if (one.counts.day == day) return one.counts;
  }
  return {};
}

std::uint64_t to_number(Seconds time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

std::string prometheus_text(const ReporterStatus& status) {
  std::string out;
  const DayCounts sum = sum_of(status.days);
  add_metric(out, "deliveries", "Deliveries of all kept days by state.");
  add_deliveries(out, "deliveries", sum);
  add_metric(out, "yesterday_deliveries", "Deliveries of yesterday's reports by state.");
  add_deliveries(out, "yesterday_deliveries", counts_of(status, status.shown));
  add_metric(out, "plans", "Domains and days by what was decided about their report.");
  for (const auto& [state, number] : sum.plans) {
    out += fmt::format("opentlsrpt_reporter_plans{{state=\"{}\"}} {}\n", to_word(state), number);
  }
  add_metric(out, "reports", "Reports that were built for the kept days.");
  add_value(out, "reports", sum.reports);
  add_metric(out, "suppressed_destinations", "Destinations that do not take reports.");
  add_value(out, "suppressed_destinations", status.suppressed);
  if (status.next_due) {
    add_metric(out, "next_due", "When the next delivery is due, in seconds since 1970.");
    add_value(out, "next_due", to_number(*status.next_due));
  }
  if (const auto oldest = oldest_open(status)) {
    add_metric(out, "oldest_open_day",
               "Begin of the oldest day with open deliveries, in seconds since 1970.");
    add_value(out, "oldest_open_day", to_number(*oldest));
  }
  return out;
}

}  // namespace tlsrpt::sender
