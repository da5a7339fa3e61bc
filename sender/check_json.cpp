// SPDX-License-Identifier: BSD-2-Clause

// What was found out about a domain, for programs.

#include <nlohmann/json.hpp>

#include "common/escape.hpp"
#include "common/failure_advice.hpp"
#include "common/utf8.hpp"
#include "sender/check_text.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

using Json = nlohmann::ordered_json;

Json text(std::string_view words) { return to_valid_utf8(words); }

Json texts(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& one : list) array.push_back(text(one));
  return array;
}

Json text_or_null(const std::string& words) { return words.empty() ? Json() : text(words); }

Json problem_of(const std::optional<PolicyProblem>& problem) {
  if (!problem) return {};
  return {{"result-type", problem->result_type},
          {"failure-reason-code", problem->reason_code},
          {"detail", text(problem->detail)}};
}

Json tlsrpt_of(const TlsrptCheck& check) {
  Json rua = Json::array();
  for (const Rua& one : check.rua) rua.push_back(text(one.uri));
  return {{"status", to_word(check.verdict)},
          {"records", texts(check.texts)},
          {"rua", std::move(rua)},
          {"problems", texts(check.problems)},
          {"warnings", texts(check.warnings)}};
}

std::string_view sts_status(const StsDiscovery& sts) {
  if (sts.policy) return "policy";
  if (sts.problem) return "failed";
  return sts.record.verdict == StsRecord::Verdict::failed ? "unknown" : "none";
}

Json sts_of(const StsDiscovery& sts) {
  Json json = {{"status", sts_status(sts)},
               {"id", text_or_null(sts.record.id)},
               {"mode", nullptr},
               {"max-age", nullptr},
               {"mx", Json::array()},
               {"policy-string", Json::array()},
               {"problem", problem_of(sts.problem)}};
  if (sts.policy) {
    json["mode"] = to_word(sts.policy->mode);
    json["max-age"] = sts.policy->max_age.count();
    json["mx"] = texts(sts.policy->mx);
    json["policy-string"] = texts(sts.policy->lines);
  }
  return json;
}

Json dane_of(const DanePolicy& dane) {
  return {{"status", dane.unknown ? std::string_view("unknown") : to_word(dane.status)},
          {"base-domain", text_or_null(dane.base_domain)},
          {"policy-string", report_policy(dane).policy_string},
          {"problem", problem_of(dane.problem)}};
}

Json certificate_of(const std::optional<CertificateView>& view) {
  if (!view) return {};
  return {{"names", texts(view->names)},
          {"common-name", text_or_null(view->common_name)},
          {"issuer", text(view->issuer)},
          {"not-before", format_rfc3339(view->not_before)},
          {"not-after", format_rfc3339(view->not_after)},
          {"tlsa", to_text(view->key_record)}};
}

Json errors_of(const Verification& verification) {
  if (verification.errors.empty() && !verification.complete) return {};
  Json array = Json::array();
  for (const int error : verification.errors) array.push_back(reason::x509(error));
  return array;
}

Json results_of(const Outcome& outcome) {
  Json array = Json::array();
  for (const PolicyOutcome& one : outcome.policies) {
    Json failures = Json::array();
    for (const FailureDetails& details : one.failure_details) {
      failures.push_back({{"result-type", details.result_type},
                          {"failure-reason-code", text_or_null(details.failure_reason_code)}});
    }
    array.push_back({{"policy-type", one.policy.policy_type},
                     {"policy-domain", text(one.policy.policy_domain)},
                     {"failed", one.failed},
                     {"failure-details", std::move(failures)}});
  }
  return array;
}

Json session_of(const SessionCheck& session) {
  const ObservedSession& seen = session.probe.session;
  return {{"address", text_or_null(seen.receiving_ip)},
          {"starttls", to_word(seen.starttls)},
          {"failure-reason-code", text_or_null(seen.reason_code)},
          {"trouble", text_or_null(session.probe.trouble)},
          {"helo", text_or_null(seen.receiving_helo)},
          {"ehlo", texts(session.probe.ehlo_lines)},
          {"tls-version", text_or_null(session.probe.tls_version)},
          {"cipher", text_or_null(session.probe.cipher)},
          {"certificate", certificate_of(session.probe.certificate)},
          {"trust-store-errors", errors_of(seen.pkix)},
          {"dane-errors", errors_of(seen.dane)},
          {"delivery", to_word(session.delivery)},
          {"policies", results_of(session.outcome)}};
}

Json host_of(const HostCheck& host) {
  Json sessions = Json::array();
  for (const SessionCheck& session : host.sessions) sessions.push_back(session_of(session));
  Json json = {{"host", text(host.host)},    {"preference", host.preference},
               {"in-sts-policy", nullptr},   {"addresses", texts(host.addresses)},
               {"dane", dane_of(host.dane)}, {"sessions", std::move(sessions)}};
  if (host.in_policy) json["in-sts-policy"] = *host.in_policy;
  return json;
}

Json failure_of(const ReportedFailure& failure, const std::string& domain) {
  const FailureAdvice advice =
      advise(failure.policy_type, failure.result_type, failure.reason_code);
  return {{"policy-type", failure.policy_type},
          {"policy-domain", text(failure.policy_domain)},
          {"result-type", failure.result_type},
          {"failure-reason-code", text_or_null(failure.reason_code)},
          {"receiving-mx-hostname", text_or_null(failure.host)},
          {"receiving-ip", text_or_null(failure.address)},
          {"meaning", text(for_domain(advice.meaning, domain))},
          {"remedy", text(for_domain(advice.remedy, domain))}};
}

}  // namespace

std::string check_as_json(const DomainCheck& check) {
  Json hosts = Json::array();
  for (const HostCheck& host : check.hosts) hosts.push_back(host_of(host));
  Json failures = Json::array();
  for (const ReportedFailure& failure : check.failures)
    failures.push_back(failure_of(failure, check.domain));
  const Json json = {{"domain", check.domain},
                     {"status", to_word(status_of(check))},
                     {"dnssec", check.validated},
                     {"tlsrpt", tlsrpt_of(check.tlsrpt)},
                     {"mta-sts", sts_of(check.sts)},
                     {"mx", {{"kind", to_word(check.mx)}, {"secure", check.mx_secure}}},
                     {"hosts", std::move(hosts)},
                     {"failures", std::move(failures)},
                     {"problems", texts(check.problems)},
                     {"unknown", texts(check.unknown)}};
  return escape_json_for_terminal(json.dump());
}

}  // namespace tlsrpt::sender
