// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destinations.hpp"

#include <utility>

namespace tlsrpt::sender {

namespace {

Destinations from_record(TlsrptRecord record) {
  Destinations result;
  result.warnings = std::move(record.warnings);
  result.rua = std::move(record.rua);
  result.status = result.rua.empty() ? RecordStatus::no_usable_rua : RecordStatus::usable;
  if (result.rua.empty()) result.detail = "no URI of the record can be used";
  return result;
}

Destinations without(RecordStatus status, std::string detail) {
  Destinations result;
  result.status = status;
  result.detail = std::move(detail);
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
    return destinations_without_dns(settings, record_seen_by_mta, answer.detail);
  }
  auto record = select_tlsrpt_record(answer.records, settings.mode, {.max_rua = settings.max_rua});
  if (record) return from_record(std::move(*record));
  const Error& error = record.error();
  return without(
      error.code == ErrorCode::not_found ? RecordStatus::no_record : RecordStatus::invalid_record,
      error.detail);
}

Destinations destinations_without_dns(const RecordSettings& settings,
                                      std::string_view record_seen_by_mta,
                                      std::string_view detail) {
  // What the MTA saw passed its own checks only; a record that we cannot read leaves us without
  // knowledge, which is no reason to drop the day.
  auto parsed = record_seen_by_mta.empty() ? fail(ErrorCode::not_found, "no MTA saw a record")
                                           : parse_tlsrpt_record(record_seen_by_mta, settings.mode,
                                                                 {.max_rua = settings.max_rua});
  if (!parsed) return without(RecordStatus::dns_failure, std::string(detail));
  Destinations result = from_record(std::move(*parsed));
  result.from_mta = true;
  return result;
}

}  // namespace tlsrpt::sender
