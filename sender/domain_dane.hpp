// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Does DANE apply to a domain, all of its MX hosts taken together?

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/dns.hpp"

namespace tlsrpt::sender {

enum class DomainDane : std::uint8_t {
  none,         ///< for no MX host, or the MX records are not secure
  usable,       ///< for at least one
  unusable,     ///< for none, but one has only records that nobody can use (R302)
  failed,       ///< a server answered that it cannot say, as for bogus records (R298)
  unreachable,  ///< no resolver answered, or not in time
  mx_failed,    ///< failed for the MX records, so that not even the hosts are known (R300)
};
std::string_view to_word(DomainDane dane);

struct DaneFinding {
  DomainDane dane = DomainDane::none;
  std::chrono::seconds ttl{0};  ///< for how long this holds
  bool operator==(const DaneFinding&) const = default;
};

/// domain: normalised. After 'end' no further question is asked; the one on the way may still last
/// as long as Dns lets it.
DaneFinding find_domain_dane(Dns& dns, const std::string& domain,
                             std::chrono::steady_clock::time_point end);

}  // namespace tlsrpt::sender
