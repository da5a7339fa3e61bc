// SPDX-License-Identifier: BSD-2-Clause
#include "sender/preview.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/domain_name.hpp"
#include "common/gzip.hpp"
#include "common/report_writer.hpp"
#include "sender/planner.hpp"
#include "sender/report_builder.hpp"

namespace tlsrpt::sender {

namespace {

using nlohmann::json;

std::string quote(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

/// {"domain":...,"rua":[...],"reason":...,"unsupported":[...],"report":{...}}; the report's text
/// stays as the writer made it.
std::string to_line(const std::string& domain, const std::vector<std::string>& rua,
                    std::string_view reason, const std::vector<std::string>& unsupported,
                    const std::string& report) {
  std::string line = fmt::format("{{\"domain\":{},\"rua\":{}", quote(domain), quote(rua));
  if (!reason.empty()) line += fmt::format(",\"reason\":\"{}\"", reason);
  if (!unsupported.empty()) line += fmt::format(",\"unsupported\":{}", quote(unsupported));
  return line + fmt::format(",\"report\":{}}}", report);
}

std::vector<std::string> uris(const std::vector<Rua>& list) {
  std::vector<std::string> result;
  for (const Rua& rua : list) result.push_back(rua.uri);
  return result;
}

}  // namespace

struct Previewer::Entry {
  std::string domain;
  std::string report;  ///< JSON
  std::string record_seen_by_mta;
  std::string_view reason;  ///< why nothing is sent
  std::vector<std::string> rua;
  std::vector<std::string> unsupported;
  bool decided = false;  ///< no look-up needed
};

Result<SelectedDomains> select_domains(OutboundStore& store, Day day,
                                       const std::vector<std::string>& asked) {
  SelectedDomains selected;
  auto known = store.domains(day);
  if (!known) return tl::unexpected(known.error());
  if (asked.empty()) {
    selected.domains = std::move(*known);
    return selected;
  }
  for (const std::string& name : asked) {
    const auto domain = normalize_domain(name);
    if (domain && std::binary_search(known->begin(), known->end(), *domain)) {
      selected.domains.push_back(*domain);
    } else {
      selected.unknown.push_back(name);
    }
  }
  std::sort(selected.domains.begin(), selected.domains.end());
  const auto last = std::unique(selected.domains.begin(), selected.domains.end());
  selected.domains.erase(last, selected.domains.end());
  return selected;
}

Result<Previewer::Entry> Previewer::make_entry(Day day, const std::string& domain) {
  Entry entry;
  entry.domain = domain;
  auto domain_day = store_.load(day, domain);
  if (!domain_day) return tl::unexpected(domain_day.error());
  entry.record_seen_by_mta = domain_day->tlsrpt_record;
  const auto kept = ledger_.find_report(day, domain);
  if (!kept) return tl::unexpected(kept.error());
  if (*kept) {
    Gunzipped text = gunzip((*kept)->gzipped, {.max_bytes = SIZE_MAX, .max_ratio = SIZE_MAX});
    if (text.refusal != Refusal::none) {
      return fail(ErrorCode::database, "the kept report of {} is damaged", domain);
    }
    entry.report = std::move(text.bytes);
  } else {
    const auto report = draft_report(*domain_day, settings_.identity, settings_.host_name);
    if (!report) return tl::unexpected(report.error());
    entry.report = write_report(*report);
  }
  const auto plan = ledger_.find_plan(day, domain);
  if (!plan) return tl::unexpected(plan.error());
  if (*plan && (*plan)->state == PlanState::planned) {
    const auto deliveries = ledger_.deliveries(day, domain);
    if (!deliveries) return tl::unexpected(deliveries.error());
    for (const Delivery& delivery : *deliveries) {
      const bool served = delivery.state != DeliveryState::unsupported;
      (served ? entry.rua : entry.unsupported).push_back(delivery.key.destination);
    }
    entry.decided = true;
  } else if (!settings_.report_success && !has_failures(*domain_day)) {
    entry.reason = "skipped";
    entry.decided = true;
  }
  return entry;
}

std::vector<Destinations> Previewer::look_up(const std::vector<DestinationQuery>& queries,
                                             const StopRequested& stop) {
  if (resolver_in_trouble_) return destinations_without_dns(settings_.records, queries);
  auto found = find_all_destinations(dns_, settings_.records, queries, stop);
  resolver_in_trouble_ = resolver_in_trouble(found);
  return found;
}

Result<void> Previewer::print_batch(Day day, const std::vector<std::string>& domains,
                                    const PrintLine& print, const StopRequested& stop) {
  std::vector<Entry> entries;
  std::vector<DestinationQuery> queries;
  for (const std::string& domain : domains) {
    auto entry = make_entry(day, domain);
    if (!entry) return tl::unexpected(entry.error());
    if (!entry->decided) queries.push_back({domain, entry->record_seen_by_mta});
    entries.push_back(std::move(*entry));
  }
  const auto found = look_up(queries, stop);
  if (found.size() < queries.size()) return {};  // stopped
  auto next = found.begin();
  for (Entry& entry : entries) {
    if (!entry.decided) {
      entry.rua = uris(next->mailto);
      entry.unsupported = uris(next->unsupported);
      if (next->status != RecordStatus::usable) entry.reason = to_word(next->status);
      ++next;
    }
    print(to_line(entry.domain, entry.rua, entry.reason, entry.unsupported, entry.report));
  }
  return {};
}

Result<void> Previewer::print(Day day, const std::vector<std::string>& domains,
                              const PrintLine& print, const StopRequested& stop) {
  for (std::size_t at = 0; at < domains.size() && !stop(); at += kDomainBatch) {
    const auto begin = domains.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(kDomainBatch, domains.size() - at);
    const std::vector<std::string> batch(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (auto done = print_batch(day, batch, print, stop); !done) return done;
  }
  return {};
}

}  // namespace tlsrpt::sender
