// SPDX-License-Identifier: BSD-2-Clause
#include "sender/domain_check.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "common/tlsrpt_record.hpp"
#include "sender/lookup_failure.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxHosts = 16;
constexpr std::size_t kMaxSessions = 32;
constexpr std::size_t kMaxThreads = 8;

template <typename T>
void add(std::vector<T>& list, T entry) {
  if (std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(std::move(entry));
}

class Checker {
 public:
  Checker(Dns& dns, StsFetcher& fetcher, const CheckSettings& settings, const std::string& domain)
      : dns_(dns), fetcher_(fetcher), settings_(settings) {
    check_.domain = domain;
  }

  DomainCheck run() {
    check_.validated = dns_.validates().value_or(true);
    look_at_tlsrpt();
    look_at_sts();
    look_at_mx();
    for (HostCheck& host : check_.hosts) look_at_host(host);
    if (settings_.connect) run_sessions();
    for (HostCheck& host : check_.hosts) judge(host);
    collect_problem();
    // An answer that was authenticated shows it, whatever the root says.
    for (const HostCheck& host : check_.hosts) {
      check_.validated = check_.validated || check_.mx_secure || host.dane.secure_addresses;
    }
    return std::move(check_);
  }

 private:
  void not_known(std::string_view what, std::string_view why) {
    check_.unknown.push_back(fmt::format("{}: {}", what, why));
  }

  void look_at_tlsrpt() {
    const std::string name = tlsrpt_name(check_.domain);
    const auto answer = dns_.txt(name);
    check_.tlsrpt = check_tlsrpt_record(answer);
    if (answer.status != DnsStatus::failed) {
      tlsrpt_text_ = check_.tlsrpt.texts.empty() ? "" : check_.tlsrpt.texts.front();
      return;
    }
    if (is_dnssec_failure(answer.detail)) {
      check_.tlsrpt.verdict = TlsrptCheck::Verdict::defective;
      check_.tlsrpt.problems.push_back(fmt::format(
          "DNSSEC says that the answer for {} is forged ({}): repair the signatures of the zone",
          name, answer.detail));
      return;
    }
    not_known("TXT " + name, answer.detail);
  }

  void look_at_sts() {
    check_.sts = discover(dns_, fetcher_, check_.domain);
    standing_.policy = check_.sts.policy;
    standing_.problem = check_.sts.problem;
    standing_.id = check_.sts.record.id;
    const StsRecord& record = check_.sts.record;
    const std::string name = sts_record_name(check_.domain);
    if (record.verdict == StsRecord::Verdict::failed) {
      standing_.unknown = true;
      not_known("TXT " + name, record.problem.detail);
    }
    const bool meant =
        std::any_of(record.texts.begin(), record.texts.end(),
                    [](const std::string& text) { return text.starts_with("v=STSv1"); });
    if (record.verdict == StsRecord::Verdict::none && meant) {
      check_.problems.push_back(
          fmt::format("the TXT record at {} is of no use, so there is no MTA-STS: {}", name,
                      record.problem.detail));
    }
  }

  void look_at_mx() {
    const auto answer = dns_.mx(check_.domain);
    if (answer.status == DnsStatus::failed) {
      mx_failed(answer.detail);
      return;
    }
    check_.mx_secure = answer.authenticated;
    if (answer.absent()) {
      fall_back(answer);
      return;
    }
    for (const MxRecord& record : answer.records) {
      if (record.host == ".") continue;
      if (check_.hosts.size() == kMaxHosts) {
        not_known("MX records", fmt::format("only the first {} are looked at", kMaxHosts));
        break;
      }
      const bool known =
          std::any_of(check_.hosts.begin(), check_.hosts.end(),
                      [&](const HostCheck& host) { return host.host == record.host; });
      if (!known) add_host(record.host, record.preference);
    }
    check_.mx = check_.hosts.empty() ? MxKind::null_mx : MxKind::hosts;
  }

  void add_host(const std::string& host, std::uint16_t preference) {
    HostCheck& entry = check_.hosts.emplace_back();
    entry.host = host;
    entry.preference = preference;
  }

  void mx_failed(const std::string& detail) {
    if (!is_dnssec_failure(detail)) {
      not_known("MX " + check_.domain, detail);
      return;
    }
    // No host is known, so no other policy can be (D12).
    check_.failures.push_back(
        {"no-policy-found", check_.domain, "validation-failure", lookup_reason(detail), {}, {}});
  }

  void fall_back(const DnsAnswer<MxRecord>& answer) {
    const auto ipv4 = dns_.a(check_.domain);
    const auto ipv6 = dns_.aaaa(check_.domain);
    if (ipv4.status == DnsStatus::failed || ipv6.status == DnsStatus::failed) {
      not_known("address of " + check_.domain,
                ipv4.status == DnsStatus::failed ? ipv4.detail : ipv6.detail);
    }
    if (ipv4.status != DnsStatus::found && ipv6.status != DnsStatus::found) {
      if (!check_.unknown.empty()) return;
      check_.mx = MxKind::no_host;
      check_.problems.push_back(answer.status == DnsStatus::no_name
                                    ? "there is no such domain"
                                    : "the domain has neither MX records nor an address, so it "
                                      "can take no mail");
      return;
    }
    check_.mx = MxKind::address;
    add_host(check_.domain, 0);
  }

  void look_at_host(HostCheck& host) {
    if (standing_.policy && standing_.policy->mode != StsMode::none) {
      host.in_policy = matches_mx(*standing_.policy, host.host);
    }
    host.dane = find_dane_policy(dns_, host.host, settings_.port);
    if (settings_.family != AddressFamily::ipv6) take_addresses(dns_.a(host.host), host);
    if (settings_.family != AddressFamily::ipv4) take_addresses(dns_.aaaa(host.host), host);
    if (host.dane.unknown) not_known("addresses of " + host.host, host.trouble);
    if (host.addresses.empty() && host.trouble.empty() && settings_.family == AddressFamily::any) {
      host.trouble = "no address";
      check_.problems.push_back(
          fmt::format("the MX host {} has no address: publish one, or remove it from the MX "
                      "records",
                      host.host));
    }
    if (!settings_.connect_to.empty()) host.addresses = {settings_.connect_to};
  }

  static void take_addresses(const DnsAnswer<std::string>& answer, HostCheck& host) {
    if (answer.status == DnsStatus::failed) host.trouble = answer.detail;
    host.addresses.insert(host.addresses.end(), answer.records.begin(), answer.records.end());
  }

  ProbeTarget target(const HostCheck& host, const std::string& address) const {
    const bool elsewhere = !settings_.connect_to.empty();
    return {check_.domain, host.host,
            address,       elsewhere ? settings_.connect_port : settings_.port,
            host.dane,     check_.mx_secure};
  }

  void run_sessions() {
    std::vector<std::pair<SessionCheck*, ProbeTarget>> work;
    for (HostCheck& host : check_.hosts) {
      const std::size_t room = kMaxSessions - work.size();
      if (host.addresses.size() > room) {
        not_known(host.host, fmt::format("only {} addresses are connected to", kMaxSessions));
      }
      host.sessions.resize(std::min(host.addresses.size(), room));
      for (std::size_t i = 0; i < host.sessions.size(); ++i) {
        work.emplace_back(&host.sessions[i], target(host, host.addresses[i]));
      }
    }
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(work.size(), kMaxThreads); ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < work.size(); at = next++) {
          const Patience patience{std::chrono::steady_clock::now() + settings_.timeout,
                                  settings_.stop_fd};
          work[at].first->probe = probe_starttls(work[at].second, settings_.probe, patience);
        }
      });
    }
  }

  /// Without a session the policies still say something.
  ObservedSession unseen(const HostCheck& host) const {
    ObservedSession session;
    session.domain = check_.domain;
    session.mx_host = host.host;
    session.starttls = StarttlsState::skipped;
    return session;
  }

  void judge(HostCheck& host) {
    AppliedPolicies applied;
    applied.sts = standing_;
    applied.dane = host.dane;
    applied.tlsrpt_record = tlsrpt_text_;
    for (SessionCheck& session : host.sessions) {
      const ObservedSession& seen = session.probe.session;
      session.outcome = evaluate(seen, applied);
      session.delivery = may_deliver(seen, applied);
      collect(session.outcome, seen.receiving_ip);
      if (seen.starttls == StarttlsState::not_reached) {
        not_known(fmt::format("{} [{}]", host.host, seen.receiving_ip), session.probe.trouble);
      }
    }
    collect(evaluate(unseen(host), applied), {});
    if (host.dane.status == DaneStatus::unusable) {
      const Policy policy = report_policy(host.dane);
      add(check_.failures, {policy.policy_type,
                            policy.policy_domain,
                            "tlsa-invalid",
                            std::string(reason::kAllTlsaUnusable),
                            host.host,
                            {}});
    }
  }

  void collect(const Outcome& outcome, const std::string& address) {
    for (const PolicyOutcome& one : outcome.policies) {
      for (const FailureDetails& details : one.failure_details) {
        // Faults of what was published are the same at each address.
        const bool of_session = !details.receiving_ip.empty() &&
                                details.failure_reason_code != reason::kAllTlsaUnusable;
        add(check_.failures, {one.policy.policy_type, one.policy.policy_domain, details.result_type,
                              details.failure_reason_code, details.receiving_mx_hostname,
                              of_session ? address : std::string()});
      }
    }
  }

  /// Of a policy that no session could tell about.
  void collect_problem() {
    if (!standing_.problem) return;
    add(check_.failures, {"sts",
                          check_.domain,
                          standing_.problem->result_type,
                          standing_.problem->reason_code,
                          {},
                          {}});
  }

  Dns& dns_;
  StsFetcher& fetcher_;
  const CheckSettings& settings_;
  DomainCheck check_;
  StsStanding standing_;
  std::string tlsrpt_text_;
};

}  // namespace

std::string_view to_word(CheckStatus status) {
  switch (status) {
    case CheckStatus::good:
      return "good";
    case CheckStatus::defect:
      return "defect";
    case CheckStatus::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_word(MxKind kind) {
  switch (kind) {
    case MxKind::hosts:
      return "hosts";
    case MxKind::address:
      return "address";
    case MxKind::null_mx:
      return "null-mx";
    case MxKind::no_host:
      return "no-host";
    case MxKind::failed:
      break;
  }
  return "failed";
}

std::string_view to_word(TlsrptCheck::Verdict verdict) {
  switch (verdict) {
    case TlsrptCheck::Verdict::good:
      return "good";
    case TlsrptCheck::Verdict::none:
      return "none";
    case TlsrptCheck::Verdict::defective:
      return "defective";
    case TlsrptCheck::Verdict::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_word(StarttlsState state) {
  switch (state) {
    case StarttlsState::not_reached:
      return "not-reached";
    case StarttlsState::skipped:
      return "skipped";
    case StarttlsState::not_offered:
      return "not-offered";
    case StarttlsState::refused:
      return "refused";
    case StarttlsState::failed:
      return "failed";
    case StarttlsState::established:
      break;
  }
  return "established";
}

std::string_view to_word(Delivery delivery) {
  switch (delivery) {
    case Delivery::allowed:
      return "allowed";
    case Delivery::tls_only:
      return "tls-only";
    case Delivery::forbidden:
      break;
  }
  return "forbidden";
}

CheckStatus status_of(const DomainCheck& check) {
  if (!check.failures.empty() || !check.problems.empty() || !check.tlsrpt.problems.empty()) {
    return CheckStatus::defect;
  }
  return check.unknown.empty() ? CheckStatus::good : CheckStatus::unknown;
}

DomainCheck check_domain(Dns& dns, StsFetcher& fetcher, const std::string& domain,
                         const CheckSettings& settings) {
  return Checker(dns, fetcher, settings, domain).run();
}

}  // namespace tlsrpt::sender
