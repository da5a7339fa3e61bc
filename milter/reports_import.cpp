// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reports_import.hpp"

#include "common/domain_name.hpp"
#include "common/header_field.hpp"
#include "common/mbox.hpp"
#include "common/report_payload.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxMboxMessages = 100'000;

/// Of a report that nobody but its own text vouches for.
Provenance file_provenance(const ReadOutcome& outcome, Seconds now) {
  Provenance from;
  from.source = "file";
  from.received_at = now;
  from.submitter = domain_of_address(outcome.report.contact_info).value_or("");
  return from;
}

Provenance mail_provenance(const IntakeResult& result, const ReadOutcome& outcome, Seconds now) {
  Provenance from = file_provenance(outcome, now);
  from.from_domain = result.facts.from_domain;
  from.message_id = result.facts.message_id;
  // The outer signature says nothing about a message that was forwarded inside (R250).
  if (outcome.flags.has(Flag::forwarded_message)) return from;
  from.dkim = result.dkim.status;
  from.dkim_domain = result.dkim.best.domain;
  if (from.dkim == DkimStatus::pass) {
    from.submitter = from.dkim_domain;
  } else {
    from.dkim_reason = result.dkim.best.reason;
    if (!from.from_domain.empty()) from.submitter = from.from_domain;
  }
  return from;
}

void judge_file(std::vector<ReadOutcome> outcomes, const IntakeSettings& settings, Seconds now,
                std::vector<InputOutcome>& judged) {
  for (ReadOutcome& outcome : outcomes) {
    if (outcome.accepted()) outcome.flags.add(judge_report(outcome.report, settings, now));
    Provenance from = file_provenance(outcome, now);
    judged.push_back({std::move(outcome), std::move(from)});
  }
}

/// The messages of a mail file; empty if it is no mail.
std::vector<std::string_view> messages_of(std::string_view bytes, const MessageLimits& limits) {
  if (payload_kind(bytes) != PayloadKind::other) return {};
  if (looks_like_mbox(bytes)) return split_mbox(bytes, kMaxMboxMessages).messages;
  const HeaderSection header = split_header(bytes, limits.max_header_bytes);
  if (header.fields.empty() && !header.too_large) return {};
  return {bytes};
}

}  // namespace

Result<std::vector<InputOutcome>> examine_input(std::string_view bytes,
                                                const IntakeSettings& settings,
                                                MessageOpener& opener, const Clock& clock) {
  std::vector<InputOutcome> judged;
  if (payload_kind(bytes) != PayloadKind::other || !looks_like_mbox(bytes)) {
    auto outcomes = opener.open_file(bytes);
    if (!outcomes) return tl::unexpected(outcomes.error());
    judge_file(std::move(*outcomes), settings, clock.now(), judged);
    return judged;
  }
  // One by one, so that each message has its own reader and limits.
  for (const std::string_view message : split_mbox(bytes, kMaxMboxMessages).messages) {
    auto opened = opener.open(message);
    if (!opened) return tl::unexpected(opened.error());
    judge_file(std::move(opened->outcomes), settings, clock.now(), judged);
  }
  return judged;
}

Result<std::vector<InputOutcome>> authenticate_input(
    std::string_view bytes, const IntakeSettings& settings, const MessageLimits& limits,
    MessageOpener& opener, const DnsSource& dns_source, const Clock& clock) {
  const auto messages = messages_of(bytes, limits);
  if (messages.empty()) return examine_input(bytes, settings, opener, clock);
  const auto dns = dns_source();
  if (!dns) return tl::unexpected(dns.error());
  IntakeSettings lenient = settings;
  lenient.require_dkim = false;
  std::vector<InputOutcome> judged;
  for (const std::string_view message : messages) {
    IntakeResult result = examine_mail(message, lenient, opener, **dns, clock);
    if (result.disposition == Disposition::failed) {
      return fail(ErrorCode::temporary, "{}", result.detail);
    }
    for (const ReadOutcome& outcome : result.outcomes) {
      judged.push_back({outcome, mail_provenance(result, outcome, clock.now())});
    }
  }
  return judged;
}

Result<std::vector<StoredReport>> store_input(const std::vector<InputOutcome>& outcomes,
                                              ReceivedStore& store) {
  std::vector<ReceivedReport> reports;
  for (const InputOutcome& one : outcomes) {
    if (!one.outcome.accepted()) continue;
    reports.push_back({one.provenance, one.outcome.report, one.outcome.flags, one.outcome.json});
  }
  if (reports.empty()) return std::vector<StoredReport>{};
  return store.store(reports, {}, {});
}

}  // namespace tlsrpt::milter
