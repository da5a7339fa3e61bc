// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a key record in DNS says, and whether RFC 8460 accepts keys like it (RFC 6376
// section 3.6.1).

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "common/dkim_crypto.hpp"

namespace tlsrpt::dkim {

/// Which service types a key declares, as far as reports are concerned (R193 to R196).
enum class ServiceType {
  tlsrpt,      ///< all, or tlsrpt among others
  email_only,  ///< email, and nothing else that is known
  other,       ///< nothing that is known
};

struct KeyRecord {
  Algorithm algorithm = Algorithm::rsa_sha256;  ///< what k= allows
  ServiceType service = ServiceType::tlsrpt;
  bool for_mail = true;          ///< s= allows email, too: a filter of ordinary mail uses the key
  bool testing = false;          ///< t=y
  bool strict_identity = false;  ///< t=s: i= may not name a subdomain
  std::string public_key;        ///< p= after base64, not empty
};

/// For a record that cannot be used, a stable word: "key-malformed", "key-revoked", "key-type",
/// "key-hash".
tl::expected<KeyRecord, std::string_view> parse_key_record(std::string_view text);

}  // namespace tlsrpt::dkim
