// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/escape.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kBad = "bad-";
constexpr std::size_t kShownSample = 300;

struct Word {
  std::string_view name;
  std::string_view help;
};

// Counters and gauges of the database in the order in which they are shown.
constexpr Word kCounters[] = {
    {"read", "Datagrams and lines that were read."},
    {"counted", "Datagrams and lines of which at least one policy was counted."},
    {"overflow-sessions", "Sessions counted without their domain, beyond MaximumKeys."},
    {"folded-details", "Sessions whose failure details were folded, beyond MaximumFailureDetails."},
    {"dropped-memory", "Datagrams that were dropped, for too many waited for the database."},
    {"stream-timeouts", "Connections to stream sockets that brought no whole line in time."},
    {"log-lines", "Lines of logs that were read."},
    {"log-sessions", "Sessions that were found in logs."},
    {"log-incomplete", "Sessions in logs of which lines were missing."},
    {"log-unreadable", "Lines of MTAs in logs that have no known shape."},
    {"log-no-record", "Sessions in logs with domains that want no reports."},
    {"log-unjudged", "Sessions in logs of which the log does not prove enough to be counted."},
    {"log-probes", "Own TLS sessions for certificates of which logs do not tell: LogProbe."},
    {"log-not-testing", "Sessions in logs that the MTA reports itself: LogSessions sts-testing."},
    {"log-reported-by-mta", "Sessions in logs that the MTA reports itself, by its own log."},
    {"log-lookup-failed", "Sessions in logs whose policies could not be looked up."},
    {"log-wrong-day", "Sessions in logs that are too old, or in the future."},
    {"log-superseded", "Sessions in logs that were read once more after an accident."},
    {"log-long-lines", "Lines of logs that were skipped for their length."},
    {"log-lost-files", "Rotated logs that were compressed before they were read."},
    {"left-to-log", "Datagrams about testing policies, which are counted from the log."}};
constexpr Word kGauges[] = {
    {"written-at", "When a collector last wrote, in seconds since 1970."},
    {"keys", "Policies of recipient domains counted for the newest day."},
    {"resident-bytes", "Memory of the collector that last wrote."},
    {"waiting-bytes", "Texts that waited for the database."},
    {"last-flush-microseconds", "How long the last write took."},
    {"longest-flush-microseconds", "How long the longest write took since the start."}};

std::uint64_t value_of(const std::map<std::string, std::uint64_t>& values, std::string_view name) {
  const auto found = values.find(std::string(name));
  return found == values.end() ? 0 : found->second;
}

void add_line(std::string& out, std::string_view name, std::string_view value) {
  out += fmt::format("{:<28} {}\n", name, value);
}

std::string metric_name(std::string_view name) {
  std::string metric = "opentlsrpt_collector_" + std::string(name);
  std::replace(metric.begin(), metric.end(), '-', '_');
  return metric;
}

void add_metric(std::string& out, std::string_view metric, std::string_view type,
                std::string_view help) {
  out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", metric, type, help);
}

void add_samples(std::string& out, const std::vector<KeptSample>& samples) {
  for (const KeptSample& sample : samples) {
    out += fmt::format("\nLast bad datagram, {}, at {} ({} of {} bytes shown):\n  {}\n",
                       sample.reason, format_rfc3339(sample.seen_at),
                       std::min(sample.datagram.size(), kShownSample), sample.datagram.size(),
                       escape_terminal(sample.datagram.substr(0, kShownSample)));
  }
}

}  // namespace

Result<CollectorStatus> read_collector_status(OutboundStore& store) {
  CollectorStatus status;
  auto counters = store.counters();
  auto gauges = store.gauges();
  auto samples = store.bad_samples();
  const auto days = store.days();
  if (!counters) return tl::unexpected(counters.error());
  if (!gauges) return tl::unexpected(gauges.error());
  if (!samples) return tl::unexpected(samples.error());
  if (!days) return tl::unexpected(days.error());
  for (const Day day : *days) {
    const auto domains = store.count_domains(day);
    if (!domains) return tl::unexpected(domains.error());
    const auto overflow = store.overflow(day);
    if (!overflow) return tl::unexpected(overflow.error());
    status.days.push_back({day, *domains, *overflow});
  }
  status.counters = std::move(*counters);
  status.gauges = std::move(*gauges);
  status.samples = std::move(*samples);
  return status;
}

std::string status_text(const CollectorStatus& status, Seconds now) {
  std::string out;
  if (status.gauges.empty()) {
    out += "No collector has written yet.\n";
  } else {
    const Seconds written(std::chrono::seconds(value_of(status.gauges, "written-at")));
    out += fmt::format("Last written {}, {} s ago.\n", format_rfc3339(written),
                       (now - written).count());
  }
  for (const Word& word : kCounters) {
    add_line(out, word.name, std::to_string(value_of(status.counters, word.name)));
  }
  for (const auto& [name, value] : status.counters) {
    if (name.starts_with(kBad)) add_line(out, name, std::to_string(value));
  }
  for (const Word& word : kGauges) {
    if (word.name == "written-at") continue;
    add_line(out, word.name, std::to_string(value_of(status.gauges, word.name)));
  }
  for (const DayStatus& day : status.days) {
    add_line(out, format_day(day.day), fmt::format("{} domains", day.domains));
    if (day.overflow.successes + day.overflow.failures == 0) continue;
    add_line(out, "",
             fmt::format("{} successes and {} failures without domain: raise MaximumKeys",
                         day.overflow.successes, day.overflow.failures));
  }
  add_samples(out, status.samples);
  return out;
}

std::string prometheus_text(const CollectorStatus& status) {
  std::string out;
  for (const Word& word : kCounters) {
    const std::string metric = metric_name(word.name) + "_total";
    add_metric(out, metric, "counter", word.help);
    out += fmt::format("{} {}\n", metric, value_of(status.counters, word.name));
  }
  const std::string bad = metric_name("bad") + "_total";
  add_metric(out, bad, "counter", "Datagrams, or policies in them, that were not counted.");
  for (const auto& [name, value] : status.counters) {
    if (!name.starts_with(kBad)) continue;
    out += fmt::format("{}{{reason=\"{}\"}} {}\n", bad, name.substr(kBad.size()), value);
  }
  for (const Word& word : kGauges) {
    const std::string metric = metric_name(word.name);
    add_metric(out, metric, "gauge", word.help);
    out += fmt::format("{} {}\n", metric, value_of(status.gauges, word.name));
  }
  return out;
}

}  // namespace tlsrpt::sender
