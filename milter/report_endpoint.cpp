// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_endpoint.hpp"

#include <algorithm>
#include <array>

#include "common/ascii.hpp"
#include "common/report_payload.hpp"
#include "milter/http_routes.hpp"
#include "milter/intake_log.hpp"

namespace tlsrpt::milter {

namespace {

// How long a sender should wait when we cannot store; it has 24 hours (RFC 8460 section 5.5).
constexpr int kRetrySeconds = 300;
constexpr std::string_view kAccepted = "application/tlsrpt+gzip, application/tlsrpt+json";

struct NamedType {
  std::string_view name;
  ReportType type;
};

// R176 and R177. The last two are what curl and others send when nobody has said otherwise.
constexpr std::array kTypes = {
    NamedType{"application/tlsrpt+gzip", ReportType::gzip},
    NamedType{"application/tlsrpt+json", ReportType::json},
    NamedType{"application/tlsrpt", ReportType::anything},
    NamedType{"application/tlsrpt+x-gzip", ReportType::gzip},
    NamedType{"application/gzip", ReportType::gzip},
    NamedType{"application/x-gzip", ReportType::gzip},
    NamedType{"application/json", ReportType::json},
    NamedType{"text/json", ReportType::json},
    NamedType{"application/zip", ReportType::zip},
    NamedType{"application/x-zip-compressed", ReportType::zip},
    NamedType{"", ReportType::anything},
    NamedType{"application/octet-stream", ReportType::anything},
    NamedType{"application/x-www-form-urlencoded", ReportType::mislabels},
    NamedType{"text/plain", ReportType::mislabels}};

std::string media_type(std::string_view content_type) {
  return lower_case(trimmed(content_type.substr(0, content_type.find(';'))));
}

bool is_gzip_coding(std::string_view encoding) {
  const std::string coding = lower_case(trimmed(encoding));
  return coding == "gzip" || coding == "x-gzip";
}

bool is_known_coding(std::string_view encoding) {
  const std::string coding = lower_case(trimmed(encoding));
  return coding.empty() || coding == "identity" || is_gzip_coding(coding);
}

/// Do label and bytes agree? With Content-Encoding: gzip, JSON comes as gzip by right.
bool is_mislabelled(const HttpRequest& request, std::string_view body) {
  const PayloadKind kind = payload_kind(body);
  if (is_gzip_coding(request.content_encoding) && kind != PayloadKind::gzip) return true;
  switch (report_type(request.content_type)) {
    case ReportType::gzip:
      return kind != PayloadKind::gzip;
    case ReportType::json:
      return kind != PayloadKind::json &&
             !(kind == PayloadKind::gzip && is_gzip_coding(request.content_encoding));
    case ReportType::zip:
      return kind != PayloadKind::zip;
    case ReportType::anything:
      return false;
    case ReportType::mislabels:
    case ReportType::other:
      return true;
  }
  return true;
}

std::int64_t seconds_of_day_left(Seconds now) {
  const Day tomorrow = std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
  return (Seconds(tomorrow) - now).count();
}

HttpResponse retry_later(unsigned status, std::string_view text, std::int64_t seconds) {
  HttpResponse response = text_response(status, text);
  response.fields.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace

ReportType report_type(std::string_view content_type) {
  const std::string type = media_type(content_type);
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const NamedType& one) { return one.name == type; });
  return found == kTypes.end() ? ReportType::other : found->type;
}

unsigned status_of(Refusal refusal) {
  const bool is_size = refusal == Refusal::too_large || refusal == Refusal::gzip_ratio ||
                       refusal == Refusal::too_many_reports ||
                       refusal == Refusal::too_many_policies;
  return is_size ? 413 : 400;
}

void RefusalLog::write(LogLevel level, const LogLine& line) {
  if (lines_.take({}, clock_.now()).count() > 0) {
    ++suppressed_;
    return;
  }
  log_.write(level, line.text());
}

void RefusalLog::tell_suppressed() {
  const std::uint64_t count = suppressed_.exchange(0);
  if (count > 0) log_.notice(LogLine("http-refusals-suppressed").add("lines", count));
}

namespace {

/// A source that comes by one connection. A proxy's connection brings those of many.
struct SourceOfBodies final : HttpVisitor {
  std::string source;
  std::unique_ptr<BodyTaker> taker;
};

}  // namespace

BodyTaker& ReportEndpoint::taker_for(const std::string& source, HttpVisit& visit) {
  auto* known = dynamic_cast<SourceOfBodies*>(visit.get());
  if (known == nullptr || known->source != source) {
    auto fresh = std::make_unique<SourceOfBodies>();
    fresh->source = source;
    fresh->taker = parts_.taker.for_bodies_of_client();
    known = fresh.get();
    visit = std::move(fresh);
  }
  return known->taker ? *known->taker : parts_.taker;
}

std::string ReportEndpoint::source_of(const HttpRequest& request) const {
  return client_address(request.peer, request.x_forwarded_for, request.forwarded,
                        settings_.trusted_proxies);
}

HttpResponse ReportEndpoint::refuse(Refused reason, const HttpRequest& request,
                                    HttpResponse response) {
  ++refused_.at(static_cast<std::size_t>(reason));
  LogLine line("http-refused");
  line.add("source", source_of(request)).add("status", std::int64_t{response.status});
  line.add("reason", trimmed(std::string_view(response.body).substr(0, response.body.find('\n'))));
  if (reason == Refused::method) line.add("method", request.method);
  if (reason == Refused::too_large) line.add("limit", settings_.max_body_key);
  if (reason == Refused::type) line.add("type", request.content_type);
  if (reason == Refused::encoding) line.add("encoding", request.content_encoding);
  refusals_.write(reason == Refused::no_memory ? LogLevel::warning : LogLevel::info, line);
  return response;
}

HttpAdmission ReportEndpoint::admit(const HttpRequest& request) {
  if (request.method != "POST") {
    return {refuse(Refused::method, request, method_not_allowed("POST")), 0};
  }
  const auto wait = posts_.take(source_key(source_of(request)), parts_.clock.now());
  if (wait.count() > 0) {
    return {refuse(Refused::rate, request, retry_later(429, "too-many-posts", wait.count())), 0};
  }
  if (report_type(request.content_type) == ReportType::other) {
    HttpResponse response = text_response(415, "unsupported-type");
    response.fields.emplace_back("Accept", kAccepted);
    return {refuse(Refused::type, request, std::move(response)), 0};
  }
  if (!is_known_coding(request.content_encoding)) {
    HttpResponse response = text_response(415, "unsupported-encoding");
    response.fields.emplace_back("Accept-Encoding", "gzip");
    return {refuse(Refused::encoding, request, std::move(response)), 0};
  }
  if (request.content_length.value_or(0) > settings_.max_body) {
    return {refuse(Refused::too_large, request, text_response(413, "too-large")), 0};
  }
  return {std::nullopt, settings_.max_body};
}

HttpResponse ReportEndpoint::answer(const HttpRequest& request, const SpooledMessage& body,
                                    HttpVisit& visit) {
  switch (body.state()) {
    case SpooledMessage::State::cut:
      return refuse(Refused::too_large, request, text_response(413, "too-large"));
    case SpooledMessage::State::no_memory:
      return refuse(Refused::no_memory, request, retry_later(503, "busy", kRetrySeconds));
    case SpooledMessage::State::whole:
      break;
  }
  MailContext context;
  context.source = "https";
  context.source_address = source_of(request);
  if (is_mislabelled(request, body.bytes())) context.flags.add(Flag::content_mismatch);
  BodyTaker& taker = taker_for(context.source_address, visit);
  return respond(taker.take_body(body.bytes(), context), context.source_address);
}

HttpResponse ReportEndpoint::respond(const IntakeResult& result, const std::string& source) {
  HttpResponse response;
  switch (result.disposition) {
    case Disposition::stored: {
      const bool all_known =
          std::all_of(result.stored.begin(), result.stored.end(),
                      [](const StoredReport& report) { return report.duplicate; });
      response = all_known ? text_response(200, "duplicate") : text_response(201, "stored");
      break;
    }
    case Disposition::refused:
    case Disposition::unverified:
    case Disposition::no_report: {
      const Refusal refusal =
          result.outcomes.empty() ? Refusal::not_a_report : result.outcomes.front().refusal;
      response = text_response(status_of(refusal), to_word(refusal));
      break;
    }
    case Disposition::over_limit:
      response = retry_later(429, "too-many-reports", seconds_of_day_left(parts_.clock.now()));
      break;
    case Disposition::dns_error:
    case Disposition::failed:
      response = retry_later(503, "not-stored", kRetrySeconds);
      break;
  }
  LogLine line("http-report");
  line.add("source", source.empty() ? "local" : source);
  line.add("status", std::int64_t{response.status});
  add_intake(line, result);
  if (response.status < 400) {
    parts_.log.info(line);
  } else {
    refusals_.write(response.status < 500 ? LogLevel::notice : LogLevel::error, line);
  }
  return response;
}

std::map<std::string, std::uint64_t> ReportEndpoint::take_counters() {
  constexpr std::array<std::string_view, kRefusedKinds> kNames = {
      "https_refused_method",   "https_rate_limited",      "https_refused_type",
      "https_refused_encoding", "https_refused_too_large", "https_refused_busy"};
  std::map<std::string, std::uint64_t> counters;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (const std::uint64_t count = refused_.at(i).exchange(0); count > 0) {
      counters.emplace(kNames.at(i), count);
    }
  }
  return counters;
}

}  // namespace tlsrpt::milter
