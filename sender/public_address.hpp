// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// May a stranger make this machine connect to that address? A rua is text from somebody's DNS; it
// must not reach what only stands open to the inside (R169).

#include "common/ip_network.hpp"

namespace tlsrpt::sender {

/// False for what the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) do not call
/// globally reachable, for multicast, and for IPv6 that is not allocated as unicast (2000::/3). An
/// IPv4 address inside of an IPv6 one (mapped, 6to4, NAT64) is judged as that IPv4 address.
bool is_public_address(const IpBytes& address);

}  // namespace tlsrpt::sender
