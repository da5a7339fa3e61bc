// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The TXT record at _smtp._tls.DOMAIN (RFC 8460 section 3).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/rua.hpp"

namespace tlsrpt {

enum class RecordMode {
  lenient,  ///< accepts what Postfix and others accept, with warnings (the default)
  strict,   ///< the grammar as printed, and the "v=TLSRPTv1;" prefix
};

struct RecordLimits {
  std::size_t max_bytes = 8192;
  std::size_t max_rua = 16;  ///< further URIs are dropped with a warning (R40)
};

struct TlsrptRecord {
  std::vector<Rua> rua;  ///< usable destinations in order, without duplicates (R29, R30)
  std::vector<std::string> warnings;  ///< one sentence each, not escaped
};

/// True if the text counts as a TLSRPT record at all (R8, R9, R14).
bool is_tlsrpt_record(std::string_view text, RecordMode mode = RecordMode::lenient);

/// One record's text (character-strings already joined). A record whose URIs are all
/// unusable is valid and has an empty rua. Error limit_exceeded for a record over max_bytes,
/// malformed otherwise.
Result<TlsrptRecord> parse_tlsrpt_record(std::string_view text,
                                         RecordMode mode = RecordMode::lenient,
                                         const RecordLimits& limits = {});

/// Picks the one TLSRPT record among all TXT records of the name (R9, R10) and parses it.
/// not_found if there is none or more than one; other errors as above.
Result<TlsrptRecord> select_tlsrpt_record(const std::vector<std::string>& texts,
                                          RecordMode mode = RecordMode::lenient,
                                          const RecordLimits& limits = {});

/// "_smtp._tls.DOMAIN".
std::string tlsrpt_name(std::string_view policy_domain);

}  // namespace tlsrpt
