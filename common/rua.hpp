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
  std::string uri;      ///< as it stood in the record, blanks trimmed
  std::string address;  ///< mailto: the decoded addr-spec, domain as A-labels (R19, R44)
  std::string host;     ///< mailto: the address's domain; https: the host
  bool operator==(const Rua&) const = default;
};

/// Reads one URI (R19-R24, R41-R45): percent-decodes once, ignores a mailto's header fields and
/// fragment, refuses raw '!', several or no addresses, control characters, user information in
/// https. Error unsupported for other schemes, malformed for the rest.
Result<Rua> parse_rua(std::string_view uri);

/// The URI with ',' '!' ';' percent-encoded, for a record (R20).
std::string encode_rua(std::string_view uri);

}  // namespace tlsrpt
