// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Fetching MTA-STS policies through libcurl.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/dns.hpp"
#include "sender/stop_signal.hpp"
#include "sender/sts_fetcher.hpp"

namespace tlsrpt::sender {

struct StsFetcherSettings {
  std::chrono::seconds timeout{60};  ///< of one fetch; a look-up that has begun ends by its own
  std::string authorities;           ///< file of those that are trusted; empty: the system's
  /// Addresses and networks that a policy host may have although they are not public. Whoever sets
  /// up a DNS zone must not be able to make us knock at doors of the inside; but in a split-horizon
  /// network the own policy host is inside.
  std::vector<std::string> networks;
  StsLimits limits;
  std::uint16_t port = 443;  ///< another one is for tests
};

/// Needs a CurlLibrary; 'dns' and 'stop' must outlive it.
///
/// https alone, TLS 1.2 or later (R279), no proxy, no redirect and no cache (R262), only status 200
/// (R261) and text/plain (R264). The certificate must have a trusted chain, be valid now and have
/// the policy host as a DNS-ID; its common name is not looked at (R263). Names are asked of 'dns'
/// alone, CNAMEs included.
///
/// Reason codes, besides those of read_sts_policy():
///   sts-policy-fetch-error  dns-failure, no-address, address-not-public, connection-refused,
///                           connection-failed, connection-closed, timeout, tls-handshake-failure,
///                           redirect, http-status-NNN, bad-http-answer, wrong-media-type,
///                           too-large
///   sts-webpki-invalid      X509_V_ERR_...
///   of this machine         stopped, no-trust-store, libcurl
std::unique_ptr<StsFetcher> make_curl_sts_fetcher(StsFetcherSettings settings, Dns& dns,
                                                  const StopSignal& stop);

}  // namespace tlsrpt::sender
