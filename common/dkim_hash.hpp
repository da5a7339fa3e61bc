// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The two hashes of a signature, computed the same way for signing and for verifying.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dkim.hpp"
#include "common/dkim_message.hpp"

namespace tlsrpt::dkim {

/// SHA-256 of the canonical body, or of its first max_bytes. Nothing if OpenSSL failed, or if the
/// canonical body is shorter than max_bytes: an l= that promises more than there is.
std::optional<std::string> hash_body(Canonicalization canonicalization, std::string_view body,
                                     std::optional<std::uint64_t> max_bytes = std::nullopt);

/// SHA-256 of the canonical fields and, last and without line end, the signature field with an
/// empty b=. Nothing if OpenSSL failed.
std::optional<std::string> hash_header(Canonicalization canonicalization,
                                       const std::vector<const HeaderField*>& fields,
                                       std::string_view signature_field);

}  // namespace tlsrpt::dkim
