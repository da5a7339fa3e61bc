// SPDX-License-Identifier: BSD-2-Clause
#include "sender/certificate_probe.hpp"

#include <memory>
#include <utility>

#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

/// TLS came about, and its certificate was judged.
bool has_verdict(const ObservedSession& session) {
  return session.starttls == StarttlsState::established &&
         (session.pkix.complete || !session.pkix.errors.empty());
}

bool is_silent(const ObservedSession& session) {
  return session.starttls == StarttlsState::not_reached ||
         session.reason_code == reason::kHandshakeTimeout;
}

}  // namespace

CertificateProbe::CertificateProbe(CertificateProbeSettings settings, CertificateProbeParts parts)
    : settings_(settings), parts_(std::move(parts)), seen_(settings.max_remembered) {}

std::optional<Verification> CertificateProbe::look_at(const std::string& mx_host,
                                                      const std::string& address) {
  return seen_.get(mx_host + '\n' + address, parts_.clock.now(),
                   [&](const std::string&) { return look_up(mx_host, address); });
}

CertificateProbe::Seen::Found CertificateProbe::look_up(const std::string& mx_host,
                                                        const std::string& address) {
  if (!begin(address)) return {std::nullopt, std::chrono::seconds(0)};
  bool silent = false;
  // Also if memory is short in between.
  const std::shared_ptr<void> ending(nullptr, [&](void*) { end(address, silent); });
  ProbeTarget target;
  target.mx_host = mx_host;
  target.address = address;
  parts_.count();
  ProbeResult result = parts_.probe(target);
  silent = is_silent(result.session);
  log_result(result);
  if (!has_verdict(result.session)) return {std::nullopt, settings_.keep_unseen};
  return {std::move(result.session.pkix), settings_.keep_seen};
}

void CertificateProbe::log_result(const ProbeResult& result) {
  const ObservedSession& session = result.session;
  LogLine line("log-probed");
  line.add("mx", session.mx_host).add("ip", session.receiving_ip);
  if (!has_verdict(session)) {
    line.add("result", "no certificate").add("detail", result.trouble);
  } else if (session.pkix.errors.empty()) {
    line.add("result", "good");
  } else {
    line.add("result", classify_certificate(session.pkix.errors.front()).result_type);
  }
  parts_.log.debug(line);
}

/// False: the address has been silent not long ago.
bool CertificateProbe::begin(const std::string& address) {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return !busy_.contains(address); });
  const auto silent = silent_.find(address);
  if (silent != silent_.end() && parts_.clock.now() < silent->second) return false;
  busy_.insert(address);
  return true;
}

void CertificateProbe::end(const std::string& address, bool silent) {
  const std::lock_guard lock(mutex_);
  busy_.erase(address);
  silent_.erase(address);
  if (silent) {
    const Seconds now = parts_.clock.now();
    if (silent_.size() >= settings_.max_remembered) {
      std::erase_if(silent_, [&](const auto& entry) { return entry.second <= now; });
    }
    if (silent_.size() >= settings_.max_remembered) silent_.clear();
    silent_[address] = now + settings_.keep_unseen;
  }
  ended_.notify_all();
}

}  // namespace tlsrpt::sender
