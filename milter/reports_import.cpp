// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reports_import.hpp"

#include <algorithm>

#include "common/domain_name.hpp"
#include "common/header_field.hpp"
#include "common/message.hpp"
#include "common/report_payload.hpp"

namespace tlsrpt::milter {

namespace {

/// Of a report that nobody but its own text vouches for.
Provenance file_provenance(const ReadOutcome& outcome, const std::string& source, Seconds now) {
  Provenance from;
  from.source = source;
  from.received_at = now;
  from.submitter = domain_of_address(outcome.report.contact_info).value_or("");
  return from;
}

Provenance mail_provenance(const IntakeResult& result, const ReadOutcome& outcome,
                           const std::string& source, Seconds now) {
  Provenance from = file_provenance(outcome, source, now);
  from.from_domain = result.facts.from_domain;
  from.message_id = result.facts.message_id;
  // The outer signature says nothing about a message that was forwarded inside (R250).
  if (outcome.flags.has(Flag::forwarded_message)) return from;
  from.dkim = result.dkim.status;
  from.dkim_domain = result.dkim.best.domain;
  from.dkim_selector = result.dkim.best.selector;
  if (from.dkim == DkimStatus::pass) {
    from.submitter = from.dkim_domain;
  } else {
    from.dkim_reason = result.dkim.best.reason;
    if (!from.from_domain.empty()) from.submitter = from.from_domain;
  }
  return from;
}

bool is_mail(const InputItem& item, const MessageLimits& limits) {
  if (item.name.message != 0) return true;
  if (payload_kind(item.bytes) != PayloadKind::other) return false;
  const HeaderSection header =
      split_header(without_junk_before_header(item.bytes), limits.max_header_bytes);
  return !header.fields.empty() || header.too_large;
}

ExaminedInput refuse_cut_file(const ExamineSettings& settings, Seconds now) {
  ReadOutcome outcome = refused(
      Refusal::too_large,
      fmt::format("more than {} bytes (MaximumMessageSize)", settings.limits.max_message_bytes));
  Provenance from = file_provenance(outcome, settings.source, now);
  ExaminedInput examined;
  examined.size = settings.limits.max_message_bytes + 1;
  examined.outcomes.push_back({std::move(outcome), std::move(from)});
  return examined;
}

/// Without signatures: files that are no mails, and all of parse.
Result<ExaminedInput> examine_unsigned(const InputItem& item, const ExamineSettings& settings,
                                       MessageOpener& opener, Seconds now) {
  auto outcomes = std::vector<ReadOutcome>();
  if (item.name.message != 0) {
    auto opened = opener.open(item.bytes);
    if (!opened) return tl::unexpected(opened.error());
    outcomes = std::move(opened->outcomes);
  } else {
    auto opened = opener.open_file(item.bytes);
    if (!opened) return tl::unexpected(opened.error());
    outcomes = std::move(*opened);
  }
  ExaminedInput examined;
  for (ReadOutcome& outcome : outcomes) {
    if (outcome.accepted()) outcome.flags.add(judge_report(outcome.report, settings.intake, now));
    Provenance from = file_provenance(outcome, settings.source, now);
    if (outcome.accepted() && settings.authenticate && settings.intake.require_dkim) {
      outcome.refusal = Refusal::not_authentic;
      outcome.detail = "not in a mail, so there is no signature that could vouch for it";
    }
    examined.outcomes.push_back({std::move(outcome), std::move(from)});
  }
  return examined;
}

void flag_damage(IntakeResult& result) {
  for (ReadOutcome& outcome : result.outcomes) outcome.flags.add(Flag::mail_damaged);
}

ExaminedInput examined_mail(const IntakeResult& result, const std::string& source, Seconds now) {
  ExaminedInput examined;
  examined.subject = result.facts.subject;
  examined.size = result.size;
  for (const ReadOutcome& outcome : result.outcomes) {
    examined.outcomes.push_back({outcome, mail_provenance(result, outcome, source, now)});
  }
  return examined;
}

}  // namespace

Result<ExaminedInput> examine_input(const InputItem& item, const ExamineSettings& settings,
                                    MessageOpener& opener, const DnsSource& dns_source,
                                    const Clock& clock) {
  const Seconds now = clock.now();
  const bool mail = settings.authenticate && is_mail(item, settings.limits);
  if (item.cut && !mail) return refuse_cut_file(settings, now);
  if (!mail) return examine_unsigned(item, settings, opener, now);
  if (item.cut) {
    return examined_mail(refuse_cut_mail(item.bytes, settings.limits.max_message_bytes, opener),
                         settings.source, now);
  }
  const auto dns = dns_source();
  if (!dns) return tl::unexpected(dns.error());
  // What a file begins with before the mail was never signed.
  const std::string_view message = without_junk_before_header(item.bytes);
  IntakeResult result = examine_mail(message, settings.intake, opener, **dns, clock);
  if (result.disposition == Disposition::failed) {
    return fail(ErrorCode::temporary, "{}", result.detail);
  }
  if (result.disposition == Disposition::dns_error) {
    ExaminedInput later;
    later.come_again = result.detail;
    return later;
  }
  if (message.size() != item.bytes.size()) flag_damage(result);
  return examined_mail(result, settings.source, now);
}

Result<ExaminedInput> examine_refused(const RefusedInput& refused, const ExamineSettings& settings,
                                      MessageOpener& opener, const DnsSource& dns_source,
                                      const Clock& clock) {
  InputItem item;
  item.bytes = refused.bytes;
  ExamineSettings again = settings;
  again.authenticate = true;
  again.intake.require_dkim = refused.provenance.dkim != DkimStatus::pass;
  auto examined = examine_input(item, again, opener, dns_source, clock);
  if (!examined) return examined;
  const Provenance& then = refused.provenance;
  for (InputOutcome& one : examined->outcomes) {
    Provenance from = one.provenance.dkim == DkimStatus::pass ? one.provenance : then;
    const bool vouched =
        from.dkim == DkimStatus::pass && !one.outcome.flags.has(Flag::forwarded_message);
    if (one.outcome.accepted() && !vouched) {
      one.outcome.refusal = Refusal::not_authentic;
      one.outcome.detail = "the signature that passed does not vouch for it";
    }
    from.source = then.source;
    from.received_at = then.received_at;
    from.queue_id = then.queue_id;
    if (from.dkim == DkimStatus::pass) from.submitter = from.dkim_domain;
    one.provenance = std::move(from);
  }
  return examined;
}

std::vector<ReceivedReport> accepted_reports(const ExaminedInput& examined) {
  std::vector<ReceivedReport> reports;
  for (const InputOutcome& one : examined.outcomes) {
    if (!one.outcome.accepted()) continue;
    reports.push_back({one.provenance, one.outcome.report, one.outcome.flags, one.outcome.json});
  }
  return reports;
}

std::vector<RefusedInput> refused_input(const ExaminedInput& examined, std::string_view bytes) {
  const auto is_refused = [](const InputOutcome& one) { return !one.outcome.accepted(); };
  const auto first = std::find_if(examined.outcomes.begin(), examined.outcomes.end(), is_refused);
  if (first == examined.outcomes.end()) return {};
  const auto count = std::count_if(first, examined.outcomes.end(), is_refused);
  std::string detail = first->outcome.detail;
  if (count > 1) detail += fmt::format(" (and {} more refused)", count - 1);
  return {{first->provenance, first->outcome.refusal, std::move(detail), examined.subject,
           std::string(bytes), examined.size}};
}

}  // namespace tlsrpt::milter
