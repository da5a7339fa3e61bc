// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_connection.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <utility>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "sender/glob.hpp"

namespace tlsrpt::sender {

namespace {

/// Lower is weightier.
int weight(int error) {
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) return 0;
  if (error == X509_V_ERR_HOSTNAME_MISMATCH) return 1;
  return error == X509_V_ERR_UNSPECIFIED ? 3 : 2;
}

bool is_loopback(std::string_view address) {
  return address == "::1" || address.starts_with("127.");
}

MailLogSettings in_lower_case(MailLogSettings settings) {
  for (std::string& relay : settings.ignored_relays) relay = lower_case(relay);
  return settings;
}

/// Sendmail cuts long names in the middle.
std::string host_name(std::string_view host) {
  if (is_normal_domain(host)) return std::string(host);
  return normalize_domain(host).value_or(std::string{});
}

}  // namespace

bool LogKnowledge::can_distrust(TrustStoreOfMta trust_store) const {
  if (trust_store != TrustStoreOfMta::unknown) return trust_store == TrustStoreOfMta::present;
  constexpr std::uint64_t kOneIn = 10;
  return trusted > 0 && trusted * kOneIn >= trusted + untrusted;
}

LogContext::LogContext(MailLogSettings given) : settings(in_lower_case(std::move(given))) {}

bool LogContext::ignores(std::string_view host, std::string_view address) const {
  if (is_loopback(address) || canonical_ip(host)) return true;
  return std::any_of(settings.ignored_relays.begin(), settings.ignored_relays.end(),
                     [&](const std::string& relay) {
                       return matches_glob(relay, host) || matches_glob(relay, address);
                     });
}

LogConnection LogContext::connect(Seconds at, std::string_view host, std::string_view address,
                                  std::string_view port) const {
  LogConnection connection;
  connection.session.begun_at = at;
  connection.session.mx_host = host_name(host);
  connection.session.receiving_ip = canonical_ip(address).value_or(std::string{});
  const bool is_socket = !address.empty() && connection.session.receiving_ip.empty();
  connection.ignored = is_socket || (!port.empty() && port != "25") || canonical_ip(host) ||
                       ignores(connection.session.mx_host, connection.session.receiving_ip);
  return connection;
}

void LogContext::tell(LogConnection& connection, const std::string& domain,
                      std::vector<ObservedSession>& sessions) {
  const std::string& name = connection.next_hop.empty() ? domain : connection.next_hop;
  if (connection.ignored || name.empty() || connection.told.size() >= kMaxLogDomains ||
      connection.session.starttls == StarttlsState::not_reached) {
    return;
  }
  if (std::find(connection.told.begin(), connection.told.end(), name) != connection.told.end()) {
    return;
  }
  connection.told.push_back(name);
  sessions.push_back(connection.session);
  sessions.back().domain = name;
  ++counters.sessions;
}

void LogContext::give_up(LogConnection& connection, std::vector<ObservedSession>& sessions) {
  if (!connection.is_open()) return;
  if (connection.next_hop.empty()) {
    ++counters.incomplete;
  } else {
    tell(connection, connection.next_hop, sessions);
  }
}

void add_error(Verification& verification, int error) {
  std::vector<int>& errors = verification.errors;
  if (std::find(errors.begin(), errors.end(), error) != errors.end()) return;
  // Another line told why.
  if (error == X509_V_ERR_UNSPECIFIED && !errors.empty()) return;
  std::erase(errors, X509_V_ERR_UNSPECIFIED);
  errors.insert(std::find_if(errors.begin(), errors.end(),
                             [&](int other) { return weight(other) > weight(error); }),
                error);
}

void add_demanded_error(ObservedSession& session, int error) {
  if (error == 0) return;
  session.demanded_only = true;
  session.pkix.complete = session.dane.complete = false;
  add_error(session.dane, error);
  if (error != X509_V_ERR_DANE_NO_MATCH) add_error(session.pkix, error);
}

LogConnection* find_connection(std::vector<LogConnection>& connections, std::string_view host,
                               std::string_view address) {
  for (auto at = connections.rbegin(); at != connections.rend(); ++at) {
    if (at->session.mx_host == host && at->session.receiving_ip == address) return &*at;
  }
  return nullptr;
}

}  // namespace tlsrpt::sender
