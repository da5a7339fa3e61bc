// SPDX-License-Identifier: BSD-2-Clause

// The log of an MTA. Names, replies and addresses of strangers stand in it.

#include <algorithm>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "sender/mail_log.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr Seconds kNow{std::chrono::seconds{1795824000}};  // 2026-11-28

/// Few processes, so that a short input reaches the bound.
MailLogSettings small_settings() {
  MailLogSettings settings;
  settings.max_processes = 3;
  settings.ignored_relays = {"*.smart.test"};
  return settings;
}

std::vector<ObservedSession> read_all(MailLog& log, std::string_view text) {
  std::vector<ObservedSession> sessions;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    log.add_line(text.substr(0, end), kNow, sessions);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return sessions;
}

void check(const ObservedSession& session) {
  fuzz::require(is_normal_domain(session.domain), "the domain is normalised");
  fuzz::require(session.mx_host.empty() || is_normal_domain(session.mx_host),
                "the host is normalised or not known");
  fuzz::require(
      session.receiving_ip.empty() || canonical_ip(session.receiving_ip) == session.receiving_ip,
      "the address is canonical or not known");
  fuzz::require(session.reason_code.size() < 100, "reasons are tokens");
  fuzz::require(session.starttls != StarttlsState::not_reached, "nothing is told without STARTTLS");
  fuzz::require(session.pkix.errors.empty() || !session.pkix.complete, "an error or a success");
  fuzz::require(session.dane.errors.empty() || !session.dane.complete, "an error or a success");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  MailLog log(small_settings());
  const std::vector<ObservedSession> sessions = read_all(log, text);
  for (const ObservedSession& session : sessions) check(session);
  fuzz::require(log.counters().sessions == sessions.size(), "sessions are counted");
  MailLog again(small_settings());
  fuzz::require(read_all(again, text) == sessions, "the same lines give the same sessions");
  return 0;
}
