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

constexpr std::size_t kTroubleQuestions = 32;

std::string quote(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

/// Whether the resolver answered none of many questions: each further one would cost its timeout.
bool in_trouble(const std::vector<Destinations>& found) {
  return found.size() >= kTroubleQuestions &&
         std::all_of(found.begin(), found.end(), [](const Destinations& destinations) {
           return destinations.from_mta || destinations.status == RecordStatus::dns_failure;
         });
}

}  // namespace

struct Previewer::Draft {
  PreviewEntry entry;
  std::string record_seen_by_mta;
  bool decided = false;  ///< no look-up needed
};

std::string to_json_line(const PreviewEntry& entry) {
  std::string line =
      fmt::format("{{\"domain\":{},\"rua\":{}", quote(entry.domain), quote(entry.rua));
  if (!entry.reason.empty()) line += fmt::format(",\"reason\":\"{}\"", entry.reason);
  if (!entry.excluded.empty()) line += fmt::format(",\"excluded\":{}", quote(entry.excluded));
  if (!entry.suppressed.empty()) line += fmt::format(",\"suppressed\":{}", quote(entry.suppressed));
  return line + fmt::format(",\"report\":{}}}", entry.report);
}

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

/// As it was sent, or as it would be built now.
Result<std::string> Previewer::report_of(const DomainDay& domain_day) {
  const auto kept = parts_.ledger.find_report(domain_day.day, domain_day.domain);
  if (!kept) return tl::unexpected(kept.error());
  if (!*kept) {
    const auto report = draft_report(domain_day, settings_.identity, settings_.host_name);
    if (!report) return tl::unexpected(report.error());
    return write_report(*report);
  }
  Gunzipped text = gunzip((*kept)->gzipped, {.max_bytes = SIZE_MAX, .max_ratio = SIZE_MAX});
  if (text.refusal == Refusal::none) return std::move(text.bytes);
  return fail(ErrorCode::database, "the kept report of {} is damaged", domain_day.domain);
}

/// True: it was decided before where the report goes.
Result<bool> Previewer::read_plan(Day day, PreviewEntry& entry) {
  const auto plan = parts_.ledger.find_plan(day, entry.domain);
  if (!plan) return tl::unexpected(plan.error());
  if (!*plan || (*plan)->state != PlanState::planned) return false;
  const auto deliveries = parts_.ledger.deliveries(day, entry.domain);
  if (!deliveries) return tl::unexpected(deliveries.error());
  for (const Delivery& delivery : *deliveries) {
    auto& list = delivery.state == DeliveryState::excluded     ? entry.excluded
                 : delivery.state == DeliveryState::suppressed ? entry.suppressed
                                                               : entry.rua;
    list.push_back(delivery.key.destination);
  }
  return true;
}

Result<Previewer::Draft> Previewer::make_draft(Day day, const std::string& domain) {
  Draft draft;
  draft.entry.domain = domain;
  auto domain_day = parts_.store.load(day, domain);
  if (!domain_day) return tl::unexpected(domain_day.error());
  draft.record_seen_by_mta = domain_day->tlsrpt_record;
  auto report = report_of(*domain_day);
  if (!report) return tl::unexpected(report.error());
  draft.entry.report = std::move(*report);
  const auto planned = read_plan(day, draft.entry);
  if (!planned) return tl::unexpected(planned.error());
  draft.decided = *planned;
  if (draft.decided) return draft;
  if (!settings_.report_success && !has_failures(*domain_day)) {
    draft.entry.reason = to_word(PlanState::skipped);
    draft.decided = true;
  } else if (parts_.rules.ignores_record(domain)) {
    route(draft, {});
  }
  return draft;
}

void Previewer::route(Draft& draft, const Destinations& destinations) {
  draft.decided = true;
  PreviewEntry& entry = draft.entry;
  const Seconds now = parts_.clock.now();
  for (const Route& route : find_routes(parts_.rules, entry.domain, destinations.rua)) {
    const auto suppressed = suppressed_.find(suppression_name(route.rua));
    const bool is_suppressed = suppressed != suppressed_.end() && suppressed->second > now;
    auto& list = route.excluded ? entry.excluded : is_suppressed ? entry.suppressed : entry.rua;
    list.push_back(route.rua.uri);
  }
  if (!entry.rua.empty()) return;
  const bool ruled = parts_.rules.ignores_record(entry.domain);
  entry.reason = ruled || destinations.status == RecordStatus::usable
                     ? to_word(PlanState::excluded)
                     : to_word(destinations.status);
}

Result<std::vector<Destinations>> Previewer::look_up(const std::vector<RecordQuery>& queries,
                                                     const StopRequested& stop) {
  if (resolver_in_trouble_) {
    std::vector<Destinations> found;
    for (const RecordQuery& query : queries) {
      found.push_back(destinations_without_dns(settings_.records, query.record_seen_by_mta,
                                               "the resolver answers nothing"));
    }
    return found;
  }
  auto found = find_all_destinations(parts_.dns, settings_.records, queries, stop);
  if (found) resolver_in_trouble_ = in_trouble(*found);
  return found;
}

Result<void> Previewer::visit_batch(Day day, const std::vector<std::string>& domains,
                                    const Visit& visit, const StopRequested& stop) {
  std::vector<Draft> drafts;
  std::vector<RecordQuery> queries;
  for (const std::string& domain : domains) {
    auto draft = make_draft(day, domain);
    if (!draft) return tl::unexpected(draft.error());
    if (!draft->decided) queries.push_back({domain, draft->record_seen_by_mta, 0, 0});
    drafts.push_back(std::move(*draft));
  }
  const auto found = look_up(queries, stop);
  if (!found) return tl::unexpected(found.error());
  if (found->size() < queries.size()) return {};  // stopped
  auto next = found->begin();
  for (Draft& draft : drafts) {
    if (!draft.decided) route(draft, *next++);
    visit(draft.entry);
  }
  return {};
}

Result<void> Previewer::visit(Day day, const std::vector<std::string>& domains, const Visit& visit,
                              const StopRequested& stop) {
  auto active = parts_.suppressions.active(parts_.clock.now());
  if (!active) return tl::unexpected(active.error());
  suppressed_ = std::move(*active);
  for (std::size_t at = 0; at < domains.size() && !stop(); at += kDomainBatch) {
    const auto begin = domains.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(kDomainBatch, domains.size() - at);
    const std::vector<std::string> batch(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (auto done = visit_batch(day, batch, visit, stop); !done) return done;
  }
  return {};
}

}  // namespace tlsrpt::sender
