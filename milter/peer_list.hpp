// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Is this client one whose mail is not looked at? (PeerList of the OpenDKIM family)

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/ip_network.hpp"

namespace tlsrpt::milter {

/// Entries: an address, a network "192.0.2.0/24" or "2001:db8::/32", a name, or ".domain" for all
/// names below it; each with "!" in front to take it out again. The most specific entry decides:
/// names before addresses, longer names before shorter ones, longer prefixes before shorter ones.
class PeerList {
 public:
  /// The error names the first entry that cannot be used.
  static Result<PeerList> parse(const std::vector<std::string>& entries);

  /// host: the client's verified name, empty or in brackets if there is none; address: as text,
  /// empty if unknown (a local client).
  [[nodiscard]] bool contains(std::string_view host, std::string_view address) const;

  [[nodiscard]] bool empty() const { return names_.empty() && networks_.empty(); }

 private:
  struct Listed {
    IpNetwork network;
    bool listed = true;
  };
  Result<void> add(std::string_view entry);
  std::map<std::string, bool, std::less<>> names_;  ///< "host" or ".domain" -> listed
  std::vector<Listed> networks_;                    ///< longest prefix first
};

}  // namespace tlsrpt::milter
