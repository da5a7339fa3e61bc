// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which address a request over HTTP counts for: the peer's, or the one that a trusted proxy names.

#include <string>
#include <string_view>

#include "milter/peer_list.hpp"

namespace tlsrpt::milter {

/// The networks of TrustedProxies. The error names the first entry that is neither an address nor a
/// network: what a name stands for can be changed by others.
Result<PeerList> parse_trusted_proxies(const std::vector<std::string>& entries);

/// The rightmost address that is no trusted proxy's, in the X-Forwarded-For or Forwarded (RFC 7239)
/// that the peer sent. What stands left of it was written by strangers, so it is not believed.
/// Without a header, or with one that cannot be read up to there: the last trusted address, which
/// is the peer's or one that it names. Where both headers are there and disagree, one of them may
/// have passed a proxy that writes the other: then the peer's own. peer: canonical; empty for a
/// local socket, which only proxies of this host reach: it is trusted.
std::string client_address(std::string_view peer, std::string_view x_forwarded_for,
                           std::string_view forwarded, const PeerList& trusted);

/// What stands for a source when its requests are counted: the address, of IPv6 its /64; "local"
/// for none. Addresses are cheap in IPv6.
std::string source_key(std::string_view address);

}  // namespace tlsrpt::milter
