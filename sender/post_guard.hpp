// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which addresses of a host may a report be posted to? (R169)

#include <string>
#include <string_view>
#include <vector>

#include "common/dns.hpp"
#include "common/ip_network.hpp"
#include "sender/hand_over.hpp"

namespace tlsrpt::sender {

/// The addresses of one host, each of them allowed; or none, and what that means for the report.
struct PostAddresses {
  std::vector<std::string> allowed;  ///< at most PostGuard::kMaxAddresses
  HandOverResult refusal;            ///< if none is allowed
};

/// Threads: any number.
class PostGuard {
 public:
  /// So many of a host are tried; a name with more is out of the ordinary.
  static constexpr std::size_t kMaxAddresses = 16;

  /// networks: allowed although they are not public; what cannot be parsed allows nothing.
  explicit PostGuard(const std::vector<std::string>& networks);

  [[nodiscard]] bool allows(const IpBytes& address) const;
  /// The host is a name, which is looked up, or an address. Without any allowed: temporary if DNS
  /// failed or has no address, permanent if every address is refused.
  [[nodiscard]] PostAddresses addresses_of(const std::string& host, Dns& dns) const;

 private:
  [[nodiscard]] PostAddresses judge(const std::vector<std::string>& addresses) const;
  std::vector<IpNetwork> networks_;
};

/// For an address that the guard does not allow.
HandOverResult refused_address(std::string_view address);

}  // namespace tlsrpt::sender
