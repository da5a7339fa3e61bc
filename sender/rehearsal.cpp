// SPDX-License-Identifier: BSD-2-Clause
#include "sender/rehearsal.hpp"

#include <utility>

#include "common/escape.hpp"
#include "common/gzip.hpp"
#include "common/report_writer.hpp"
#include "sender/report_builder.hpp"
#include "sender/report_message.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kWouldBeSent = "would-be-sent";

std::string_view to_word(HandOver verdict) {
  switch (verdict) {
    case HandOver::accepted:
      return to_word(DeliveryState::delivered);
    case HandOver::temporary:
    case HandOver::aborted:
      return to_word(DeliveryState::deferred);
    case HandOver::permanent:
      return to_word(DeliveryState::failed);
  }
  return "";
}

}  // namespace

Result<StoredReport> Rehearsal::report_of(Day day, const std::string& domain, Seconds now) {
  auto kept = parts_.ledger.find_report(day, domain);
  if (!kept) return tl::unexpected(kept.error());
  if (*kept) return std::move(**kept);
  const auto domain_day = parts_.store.load(day, domain);
  if (!domain_day) return tl::unexpected(domain_day.error());
  const auto report =
      draft_report(*domain_day, parts_.settings.identity, parts_.settings.host_name + " rehearsal");
  if (!report) return tl::unexpected(report.error());
  return StoredReport{
      day, domain, report->report_id, gzip(write_report(*report)), summarize(*report, domain), now};
}

Result<HandOverResult> Rehearsal::send(Day day, const std::string& domain,
                                       const std::string& address, Seconds now) {
  const auto report = report_of(day, domain, now);
  if (!report) return tl::unexpected(report.error());
  const ReporterIdentity& identity = parts_.settings.identity;
  const auto message =
      make_report_message(*report, address, /*message_token=*/"", identity, parts_.keys);
  if (!message) return tl::unexpected(message.error());
  return parts_.mail.hand_over({identity.envelope_sender, address}, *message);
}

std::string rehearsal_line(const std::string& domain, const Rua& to, const HandOverResult& result) {
  return fmt::format("{} mailto:{} {} {}", domain, escape_terminal(to.address),
                     to_word(result.verdict), escape_terminal(result.detail));
}

Result<void> print_dry_run(const PreviewEntry& entry, Day day, Ledger& ledger,
                           const PrintLine& print) {
  const auto say = [&](std::string_view destination, std::string_view state) {
    print(fmt::format("{} {} {}", entry.domain, escape_terminal(destination), state));
  };
  const auto deliveries = ledger.deliveries(day, entry.domain);
  if (!deliveries) return tl::unexpected(deliveries.error());
  for (const Delivery& one : *deliveries) {
    say(one.key.destination, can_be_served(one.state) ? kWouldBeSent : to_word(one.state));
  }
  if (!deliveries->empty()) return {};
  for (const std::string& uri : entry.rua) say(uri, kWouldBeSent);
  for (const std::string& uri : entry.excluded) say(uri, to_word(DeliveryState::excluded));
  for (const std::string& uri : entry.suppressed) say(uri, to_word(DeliveryState::suppressed));
  if (entry.rua.empty() && entry.excluded.empty() && entry.suppressed.empty()) {
    say("-", entry.reason);
  }
  return {};
}

}  // namespace tlsrpt::sender
