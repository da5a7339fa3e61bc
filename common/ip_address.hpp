// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// IP addresses as they stand in reports.

#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt {

/// The canonical text of an address: IPv4 dotted quad; IPv6 as RFC 5952 writes it (R92); an
/// IPv4-mapped address as IPv4 (R94). Accepts brackets, an "IPv6:" tag (R93), surrounding blanks
/// and leading zeros in IPv6 groups. Nothing for anything else (zone ids, ports, names).
std::optional<std::string> canonical_ip(std::string_view text);

}  // namespace tlsrpt
