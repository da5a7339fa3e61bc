// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destinations.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxThreads = 32;
constexpr std::size_t kTroubleQuestions = kMaxThreads;
constexpr std::chrono::milliseconds kStopCheck{100};

Destinations from_record(TlsrptRecord record) {
  Destinations result;
  result.warnings = std::move(record.warnings);
  for (Rua& rua : record.rua) {
    switch (rua.scheme) {
      case Rua::Scheme::mailto:
        result.mailto.push_back(std::move(rua));
        break;
      case Rua::Scheme::https:
        result.unsupported.push_back(std::move(rua));
        break;
    }
  }
  result.status = result.mailto.empty() ? RecordStatus::no_usable_rua : RecordStatus::usable;
  if (result.mailto.empty()) {
    result.detail = result.unsupported.empty() ? "no URI of the record can be used"
                                               : "the record has https: URIs only";
  }
  return result;
}

Destinations without(RecordStatus status, std::string detail) {
  Destinations result;
  result.status = status;
  result.detail = std::move(detail);
  return result;
}

Destinations from_mta(const RecordSettings& settings, std::string_view record_seen_by_mta,
                      const std::string& detail) {
  // What the MTA saw passed its own checks only; a record that we cannot read leaves us without
  // knowledge, which is no reason to drop the day.
  auto parsed = record_seen_by_mta.empty() ? fail(ErrorCode::not_found, "no MTA saw a record")
                                           : parse_tlsrpt_record(record_seen_by_mta, settings.mode,
                                                                 {.max_rua = settings.max_rua});
  if (!parsed) return without(RecordStatus::dns_failure, detail);
  Destinations result = from_record(std::move(*parsed));
  result.from_mta = true;
  return result;
}

}  // namespace

std::string_view to_word(RecordStatus status) {
  switch (status) {
    case RecordStatus::usable:
      return "usable";
    case RecordStatus::no_record:
      return "no-record";
    case RecordStatus::invalid_record:
      return "invalid-record";
    case RecordStatus::no_usable_rua:
      return "no-usable-rua";
    case RecordStatus::dns_failure:
      return "dns-failure";
  }
  return "";
}

Destinations find_destinations(Dns& dns, const RecordSettings& settings, std::string_view domain,
                               std::string_view record_seen_by_mta) {
  const auto answer = dns.txt(tlsrpt_name(domain));
  if (answer.absent()) return without(RecordStatus::no_record, "no TXT record");
  if (answer.status == DnsStatus::failed) {
    return from_mta(settings, record_seen_by_mta, answer.detail);
  }
  auto record = select_tlsrpt_record(answer.records, settings.mode, {.max_rua = settings.max_rua});
  if (record) return from_record(std::move(*record));
  const Error& error = record.error();
  return without(
      error.code == ErrorCode::not_found ? RecordStatus::no_record : RecordStatus::invalid_record,
      error.detail);
}

bool resolver_in_trouble(const std::vector<Destinations>& found) {
  return found.size() >= kTroubleQuestions &&
         std::all_of(found.begin(), found.end(), [](const Destinations& destinations) {
           return destinations.from_mta || destinations.status == RecordStatus::dns_failure;
         });
}

std::vector<Destinations> find_all_destinations(Dns& dns, const RecordSettings& settings,
                                                const std::vector<DestinationQuery>& queries,
                                                const StopRequested& stop) {
  std::vector<Destinations> results(queries.size());
  std::mutex mutex;
  std::condition_variable finished;
  std::size_t running = std::min(kMaxThreads, queries.size());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopping{false};
  const auto work = [&] {
    for (std::size_t i = next++; i < queries.size() && !stopping; i = next++) {
      results[i] =
          find_destinations(dns, settings, queries[i].domain, queries[i].record_seen_by_mta);
    }
    const std::lock_guard lock(mutex);
    --running;
    finished.notify_one();
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(running);
    for (std::size_t i = 0, count = running; i < count; ++i) threads.emplace_back(work);
    std::unique_lock lock(mutex);
    while (!finished.wait_for(lock, kStopCheck, [&] { return running == 0; })) {
      if (stop()) stopping = true;
    }
  }
  if (stopping) results.clear();
  return results;
}

std::vector<Destinations> destinations_without_dns(const RecordSettings& settings,
                                                   const std::vector<DestinationQuery>& queries) {
  std::vector<Destinations> results;
  results.reserve(queries.size());
  for (const DestinationQuery& query : queries) {
    results.push_back(from_mta(settings, query.record_seen_by_mta, "the resolver answers nothing"));
  }
  return results;
}

}  // namespace tlsrpt::sender
