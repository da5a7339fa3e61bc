// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_hash.hpp"

#include <algorithm>

#include "common/dkim_canonicalization.hpp"
#include "common/dkim_crypto.hpp"

namespace tlsrpt::dkim {

std::optional<std::string> hash_body(Canonicalization canonicalization, std::string_view body,
                                     std::optional<std::uint64_t> max_bytes) {
  Sha256 hash;
  std::uint64_t wanted = max_bytes.value_or(0);
  canonicalize_body(canonicalization, body, [&](std::string_view bytes) {
    if (max_bytes) {
      bytes =
          bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(wanted, bytes.size())));
      wanted -= bytes.size();
    }
    hash.update(bytes);
  });
  if (wanted > 0) return std::nullopt;
  return hash.finish();
}

std::optional<std::string> hash_header(Canonicalization canonicalization,
                                       const std::vector<const HeaderField*>& fields,
                                       std::string_view signature_field) {
  Sha256 hash;
  std::string text;
  for (const HeaderField* field : fields) {
    text.clear();
    append_canonical_field(canonicalization, field->text, text);
    text += "\r\n";
    hash.update(text);
  }
  text.clear();
  append_canonical_field(canonicalization, signature_field, text);
  hash.update(text);
  return hash.finish();
}

}  // namespace tlsrpt::dkim
