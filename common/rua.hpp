// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where a domain wants its reports: the URIs of a rua field (RFC 8460 section 3).

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt {

struct Rua {
  enum class Scheme { mailto, https };
  Scheme scheme = Scheme::mailto;
  std::string uri;  ///< as it stood in the record, blanks trimmed

  /// mailto: the decoded addr-spec, domain as A-labels (R19, R44). It satisfies is_plain_address
  /// and may be written into an SMTP command or a header as it is: a local part that is no dot-atom
  /// stands in quotes, so "mailto:r%2Cs@x.example" gives "r,s"@x.example with the quotes.
  std::string address;

  std::string host;  ///< mailto: the address's domain; https: the host, normalised, IPv6 without []
  bool operator==(const Rua&) const = default;
};

/// Reads one URI (R19-R24, R41-R45): percent-decodes once, ignores a mailto's header fields and
/// fragment. Error malformed for text that is no URI or has a raw ',' '!' ';' (R21); unsupported
/// for a URI that is no destination: another scheme, no or several addresses, control characters
/// behind percent signs, user information in https, no host.
Result<Rua> parse_rua(std::string_view uri);

/// True if both lead to the same mailbox or resource, however they are spelled (R30).
bool same_destination(const Rua& a, const Rua& b);

/// The URI with ',' '!' ';' percent-encoded, for a record (R20).
std::string encode_rua(std::string_view uri);

}  // namespace tlsrpt
