// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a DKIM-Signature field says (RFC 6376 section 3.5, RFC 8616 for names in UTF-8).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dkim.hpp"
#include "common/dkim_crypto.hpp"

namespace tlsrpt::dkim {

struct Signature {
  std::string algorithm_word;  ///< a= as it came, cut if too long for any algorithm
  Algorithm algorithm = Algorithm::rsa_sha256;
  std::string signature;  ///< b=, decoded
  std::string body_hash;  ///< bh=, decoded
  Canonicalization header = Canonicalization::simple;
  Canonicalization body = Canonicalization::simple;
  std::string domain;    ///< d=, normalised; as it came, or cut, if that is impossible
  std::string selector;  ///< s=, likewise
  bool identity_is_subdomain = false;        ///< i= names a domain below d=
  std::vector<std::string> signed_headers;   ///< h=, as they came
  std::optional<std::uint64_t> body_length;  ///< l=
  std::optional<std::int64_t> expiration;    ///< x=, seconds of the Unix clock
};

/// Where DNS holds the key.
std::string key_name(std::string_view domain, std::string_view selector);

struct SignatureReading {
  Signature signature;      ///< filled as far as it could be read
  std::string_view defect;  ///< empty: usable. Else a stable word: "malformed", "version", ...
};

/// field: "DKIM-Signature: ...", folded as it came, without its last line end.
SignatureReading read_signature(std::string_view field);

/// The field with the value of b= taken out, white space around it included, and nothing else
/// changed (RFC 6376 section 3.7). A field that read_signature accepts.
std::string without_signature_value(std::string_view field);

}  // namespace tlsrpt::dkim
