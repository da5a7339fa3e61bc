// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Networks of IP addresses: "192.0.2.0/24", "2001:db8::/32", or one address.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt {

using IpBytes = std::array<std::uint8_t, 16>;  ///< IPv4 as ::ffff:a.b.c.d

/// Nothing for anything but an address (no brackets, ports or zones).
std::optional<IpBytes> parse_ip(std::string_view text);
bool is_ipv4(const IpBytes& address);

struct IpNetwork {
  IpBytes address{};
  unsigned prefix = 128;  ///< bits of 'address'; an IPv4 network has 96 and more

  /// Error not_found if what stands before the '/' is no address, invalid_argument for a bad
  /// prefix.
  static Result<IpNetwork> parse(std::string_view text);
  /// ::/0 says nothing about IPv4, although those addresses are kept in a corner of it.
  [[nodiscard]] bool contains(const IpBytes& other) const;
};

}  // namespace tlsrpt
