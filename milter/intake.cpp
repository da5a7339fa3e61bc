// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake.hpp"

#include <algorithm>

#include "common/domain_name.hpp"
#include "common/report_payload.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

// Senders close a day by their own clock; a range that ends more than a day ahead is no slack.
constexpr auto kFutureSlack = 24h;

// The first draft of what became RFC 8460.
constexpr Seconds kFirstReports{Day{std::chrono::year{2016} / 1 / 1}};

/// A refusal that says that the message could not be read to its end, so that nobody knows whether
/// there is a report in it.
bool is_unreadable(Refusal refusal) {
  return refusal == Refusal::too_large || refusal == Refusal::message_too_deep ||
         refusal == Refusal::message_too_many_parts ||
         refusal == Refusal::message_headers_too_large || refusal == Refusal::reader_failed;
}

DkimVerdict not_checked(DkimStatus status, std::string reason) {
  DkimVerdict verdict;
  verdict.status = status;
  verdict.best.status = status;
  verdict.best.reason = std::move(reason);
  return verdict;
}

void refuse(ReadOutcome& outcome, Refusal refusal, std::string detail) {
  outcome.refusal = refusal;
  outcome.detail = std::move(detail);
}

/// Could the outer signature vouch for this one? (R250)
bool is_vouched_for(const ReadOutcome& outcome) {
  return outcome.accepted() && !outcome.flags.has(Flag::forwarded_message);
}

std::string why_not_authentic(const DkimVerdict& dkim) {
  std::string text = fmt::format("dkim={}", to_word(dkim.status));
  if (!dkim.best.reason.empty()) text += ", " + dkim.best.reason;
  if (!dkim.best.domain.empty()) text += ", d=" + dkim.best.domain;
  return text;
}

void refuse_unauthentic(IntakeResult& result) {
  const bool unknown = result.dkim.status == DkimStatus::temperror;
  for (ReadOutcome& outcome : result.outcomes) {
    // A limit, or a fault in the bytes that no key could mend, says more than a missing signature.
    if (is_unreadable(outcome.refusal) || (unknown && !outcome.accepted())) continue;
    if (result.dkim.status != DkimStatus::pass) {
      std::string detail = why_not_authentic(result.dkim);
      if (!outcome.accepted()) {
        detail += fmt::format("; besides: {}: {}", to_word(outcome.refusal), outcome.detail);
      }
      refuse(outcome, Refusal::not_authentic, std::move(detail));
    } else if (outcome.accepted() && outcome.flags.has(Flag::forwarded_message)) {
      refuse(outcome, Refusal::not_authentic,
             "in a forwarded message, which the outer signature does not vouch for");
    }
  }
}

/// What may have been a good report, but will not come again.
void refuse_unverified(IntakeResult& result) {
  for (ReadOutcome& outcome : result.outcomes) {
    if (outcome.accepted()) refuse(outcome, Refusal::not_authentic, result.detail);
  }
}

/// Is the signature one of a domain that has nothing to do with the report's own word for who made
/// it? It is aligned with From in any case.
bool is_signed_by_another(const DkimVerdict& dkim, const Report& report) {
  const auto contact = domain_of_address(report.contact_info);
  if (dkim.status != DkimStatus::pass || !contact) return false;
  return !is_same_organization(dkim.best.domain, *contact);
}

/// Whoever has such a report in hand can send it on as one about any domain.
bool has_unsigned_domain(const ReadOutcome& outcome, const IntakeResult& result) {
  return outcome.flags.has(Flag::missing_policy_domain) && is_vouched_for(outcome) &&
         !result.facts.tls_report_domain.empty() && result.dkim.status == DkimStatus::pass &&
         !result.dkim.best.signs_report_domain;
}

void add_flags(IntakeResult& result, const IntakeSettings& settings, Seconds now) {
  for (ReadOutcome& outcome : result.outcomes) {
    if (!outcome.accepted()) continue;
    outcome.flags.add(judge_report(outcome.report, settings, now));
    if (is_vouched_for(outcome) && is_signed_by_another(result.dkim, outcome.report))
      outcome.flags.add(Flag::signer_mismatch);
    if (result.dkim.best.service_type_email_only) outcome.flags.add(Flag::dkim_key_service_type);
    if (has_unsigned_domain(outcome, result)) outcome.flags.add(Flag::unsigned_domain);
  }
}

std::string refusals_in_words(const IntakeResult& result) {
  std::string text;
  std::size_t others = 0;
  for (const ReadOutcome& outcome : result.outcomes) {
    if (outcome.accepted()) continue;
    if (text.empty()) {
      text = outcome.detail.empty() ? std::string(to_word(outcome.refusal)) : outcome.detail;
    } else {
      ++others;
    }
  }
  return others == 0 ? text : fmt::format("{} (and {} more refused)", text, others);
}

IntakeResult reader_failure(const Error& error) {
  IntakeResult result;
  result.disposition = Disposition::failed;
  result.dkim = not_checked(DkimStatus::none, "not-checked");
  result.detail = error.detail;
  return result;
}

DkimVerdict authenticate(std::string_view message, const MailFacts& facts,
                         const IntakeSettings& settings, Dns& dns, Seconds now) {
  // Without exactly one author's domain there is nothing that a signature could be aligned with.
  if (facts.from_domain.empty()) return not_checked(DkimStatus::policy, "from-not-usable");
  VerifySettings verify;
  verify.aligned_with = facts.from_domain;
  verify.strict_alignment = settings.strict_alignment;
  verify.strict_service_type = settings.strict_service_type;
  verify.needs_content_type = facts.has_preamble;
  verify.now = now;
  verify.lookup_time = settings.dkim_time;
  return dkim_verify(message, dns, verify);
}

Provenance provenance(const IntakeResult& result, const MailContext& context, Seconds now) {
  Provenance from;
  from.source = context.source;
  from.received_at = now;
  from.dkim = result.dkim.status;
  from.dkim_domain = result.dkim.best.domain;
  from.dkim_selector = result.dkim.best.selector;
  if (result.dkim.status != DkimStatus::pass) from.dkim_reason = result.dkim.best.reason;
  from.from_domain = result.facts.from_domain;
  from.submitter = from.dkim == DkimStatus::pass ? from.dkim_domain : from.from_domain;
  from.queue_id = context.queue_id;
  from.source_address = context.source_address;
  from.message_id = result.facts.message_id;
  return from;
}

std::vector<ReceivedReport> accepted_reports(const IntakeResult& result, const Provenance& from) {
  std::vector<ReceivedReport> reports;
  for (const ReadOutcome& outcome : result.outcomes) {
    if (!outcome.accepted()) continue;
    ReceivedReport report{from, outcome.report, outcome.flags, outcome.json};
    if (report.provenance.submitter.empty()) {
      report.provenance.submitter =
          domain_of_address(outcome.report.contact_info).value_or(std::string());
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

/// One entry for the mail, however many of its parts were refused: its bytes are kept once.
std::vector<RefusedInput> refused_input(const IntakeResult& result, const Provenance& from,
                                        std::string_view message) {
  const auto first = std::find_if(result.outcomes.begin(), result.outcomes.end(),
                                  [](const ReadOutcome& outcome) { return !outcome.accepted(); });
  if (first == result.outcomes.end()) return {};
  return {{from, first->refusal, refusals_in_words(result), result.facts.subject,
           std::string(message), result.size}};
}

std::map<std::string, std::uint64_t> counters_of(const IntakeResult& result,
                                                 const MailContext& context) {
  std::map<std::string, std::uint64_t> counters;
  ++counters[context.source == "https" ? "posts_seen" : "mails_seen"];
  if (result.disposition == Disposition::no_report) {
    ++counters["not_a_report"];
    return counters;
  }
  for (const ReadOutcome& outcome : result.outcomes) {
    if (!outcome.accepted()) ++counters[fmt::format("refused_{}", to_word(outcome.refusal))];
  }
  return counters;
}

}  // namespace

std::string_view to_word(Disposition disposition) {
  switch (disposition) {
    case Disposition::stored:
      return "stored";
    case Disposition::refused:
      return "refused";
    case Disposition::no_report:
      return "no-report";
    case Disposition::dns_error:
      return "dns-error";
    case Disposition::unverified:
      return "unverified";
    case Disposition::over_limit:
      return "over-limit";
    case Disposition::failed:
      return "failed";
  }
  return "";
}

Flags judge_report(const Report& report, const IntakeSettings& settings, Seconds now) {
  Flags flags;
  if (report.date_range.end_datetime > now + kFutureSlack) flags.add(Flag::date_in_future);
  if (report.date_range.end_datetime < kFirstReports) flags.add(Flag::date_implausible);
  if (settings.policy_domains.empty()) return flags;
  for (const PolicyResult& result : report.policies) {
    const std::string& domain = result.policy.policy_domain;
    const auto& ours = settings.policy_domains;
    if (!domain.empty() && std::find(ours.begin(), ours.end(), domain) == ours.end()) {
      flags.add(Flag::foreign_domain);
    }
  }
  return flags;
}

IntakeResult examine_mail(std::string_view message, const IntakeSettings& settings,
                          MessageOpener& opener, Dns& dns, const Clock& clock) {
  auto opened = opener.open(message);
  if (!opened) return reader_failure(opened.error());

  IntakeResult result;
  result.facts = std::move(opened->facts);
  result.outcomes = std::move(opened->outcomes);
  const auto any = [&](auto predicate) {
    return std::any_of(result.outcomes.begin(), result.outcomes.end(), predicate);
  };
  const auto accepted = [](const ReadOutcome& outcome) { return outcome.accepted(); };
  if (!result.facts.claims_report && !any(accepted) &&
      !any([](const ReadOutcome& outcome) { return is_unreadable(outcome.refusal); })) {
    // No key is looked up for mail that has nothing to do with us.
    result.disposition = Disposition::no_report;
    result.dkim = not_checked(DkimStatus::none, "not-checked");
    return result;
  }

  const Seconds now = clock.now();
  result.dkim = authenticate(message, result.facts, settings, dns, now);
  if (settings.require_dkim && result.dkim.status == DkimStatus::temperror && any(is_vouched_for)) {
    result.disposition =
        settings.dns_error_is_final ? Disposition::unverified : Disposition::dns_error;
    result.detail = why_not_authentic(result.dkim);
    if (settings.dns_error_is_final) refuse_unverified(result);
    return result;
  }
  if (settings.require_dkim) refuse_unauthentic(result);
  add_flags(result, settings, now);
  result.disposition = any(accepted) ? Disposition::stored : Disposition::refused;
  result.detail = refusals_in_words(result);
  return result;
}

IntakeResult examine_body(std::string_view body, const IntakeSettings& settings,
                          MessageOpener& opener, const Clock& clock) {
  IntakeResult result;
  result.dkim = not_checked(DkimStatus::none, "not-a-mail");
  const PayloadKind kind = payload_kind(body);
  if (kind == PayloadKind::empty || kind == PayloadKind::other) {
    // Bytes that can be no report, nor one in a mail, are not worth a reader's process.
    result.outcomes.push_back(kind == PayloadKind::empty
                                  ? refused(Refusal::empty, "the body is empty")
                                  : refused(Refusal::not_json, "neither JSON, gzip nor zip"));
  } else {
    auto outcomes = opener.open_file(body);
    if (!outcomes) return reader_failure(outcomes.error());
    result.outcomes = std::move(*outcomes);
  }
  add_flags(result, settings, clock.now());
  const bool any = std::any_of(result.outcomes.begin(), result.outcomes.end(),
                               [](const ReadOutcome& outcome) { return outcome.accepted(); });
  result.disposition = any ? Disposition::stored : Disposition::refused;
  result.detail = refusals_in_words(result);
  return result;
}

IntakeResult refuse_cut_mail(std::string_view beginning, std::size_t limit, MessageOpener& opener) {
  const std::size_t end = beginning.find("\r\n\r\n");
  auto opened = opener.open(beginning.substr(0, end == std::string_view::npos ? end : end + 4));
  IntakeResult result;
  result.disposition = Disposition::refused;
  result.dkim = not_checked(DkimStatus::none, "not-checked");
  if (opened) result.facts = std::move(opened->facts);
  result.detail = fmt::format("the mail is larger than {} bytes (MaximumMessageSize)", limit);
  result.size = limit + 1;
  ReadOutcome outcome;
  refuse(outcome, Refusal::too_large, result.detail);
  result.outcomes.push_back(std::move(outcome));
  return result;
}

std::optional<StoreItem> item_of(const IntakeResult& result, std::string_view bytes,
                                 const MailContext& context, Seconds now) {
  // A mail that will come again is counted when it does.
  if (result.disposition == Disposition::failed || result.disposition == Disposition::dns_error) {
    return std::nullopt;
  }
  StoreItem item;
  item.at = now;
  item.counters = counters_of(result, context);
  if (result.disposition == Disposition::no_report) return item;
  const Provenance from = provenance(result, context, now);
  item.reports = accepted_reports(result, from);
  item.refused = refused_input(result, from, bytes);
  return item;
}

Result<void> settle(IntakeResult& result, Result<StoredReports> stored) {
  if (stored) {
    result.stored = std::move(*stored);
    return {};
  }
  // What is no report needs no store: only its count is lost.
  if (result.disposition == Disposition::no_report) return tl::unexpected(stored.error());
  result.disposition = stored.error().code == ErrorCode::limit_exceeded ? Disposition::over_limit
                                                                        : Disposition::failed;
  result.detail = stored.error().detail;
  return {};
}

Result<void> keep_mail(IntakeResult& result, std::string_view message, const MailContext& context,
                       Seconds now, ReceivedStore& store, const StoreLimits& limits) {
  const auto item = item_of(result, message, context, now);
  if (!item) return {};
  return settle(result, store.store(*item, limits));
}

IntakeResult take_mail(std::string_view message, const MailContext& context,
                       const IntakeSettings& settings, MessageOpener& opener, Dns& dns,
                       const Clock& clock, ReceivedStore& store, const StoreLimits& limits) {
  IntakeResult result = examine_mail(message, settings, opener, dns, clock);
  static_cast<void>(keep_mail(result, message, context, clock.now(), store, limits));
  return result;
}

IntakeSettings intake_settings(const Config& config) {
  IntakeSettings settings;
  settings.policy_domains = config.list(Key::policy_domains);
  settings.strict_alignment = config.boolean(Key::strict_alignment);
  settings.strict_service_type = config.boolean(Key::strict_service_type);
  settings.dkim_time = config.duration(Key::dkim_timeout);
  return settings;
}

StoreLimits store_limits(const Config& config) {
  StoreLimits limits;
  limits.max_refused_bytes = config.bytes(Key::maximum_refused_size);
  limits.max_reports_per_day =
      static_cast<std::uint64_t>(config.integer(Key::maximum_reports_per_day));
  return limits;
}

MessageLimits message_limits(const Config& config) {
  const auto number = [&config](Key key) { return static_cast<std::size_t>(config.integer(key)); };
  MessageLimits limits;
  limits.max_message_bytes = config.bytes(Key::maximum_message_size);
  limits.max_header_bytes = config.bytes(Key::maximum_headers);
  limits.max_parts = number(Key::maximum_mime_parts);
  limits.max_depth = number(Key::maximum_mime_depth);
  limits.max_compressed_bytes = config.bytes(Key::maximum_compressed_size);
  limits.max_packings = number(Key::maximum_packings);
  limits.max_zip_members = number(Key::maximum_zip_members);
  limits.gunzip.max_bytes = config.bytes(Key::maximum_report_size);
  limits.gunzip.max_ratio = number(Key::maximum_compression_ratio);
  limits.report.max_bytes = limits.gunzip.max_bytes;
  limits.report.max_depth = number(Key::maximum_json_depth);
  limits.report.max_members = number(Key::maximum_json_members);
  limits.report.max_reports = number(Key::maximum_reports);
  limits.report.max_policies = number(Key::maximum_policies);
  limits.report.max_failure_details = number(Key::maximum_details);
  limits.report.max_strings = number(Key::maximum_strings);
  limits.report.max_string = config.bytes(Key::maximum_string_length);
  return limits;
}

ConfinedSettings confined_settings(const Config& config) {
  ConfinedSettings settings;
  settings.limits = message_limits(config);
  settings.timeout = config.duration(Key::reader_timeout);
  return settings;
}

}  // namespace tlsrpt::milter
