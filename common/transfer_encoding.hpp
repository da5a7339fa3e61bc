// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Content-Transfer-Encoding (RFC 2045 section 6) undone as far as it can be: what a gateway damaged
// is left to the layers behind, which have checksums and a grammar.

#include <string>
#include <string_view>

namespace tlsrpt {

enum class TransferEncoding { identity, base64, quoted_printable };

struct NamedEncoding {
  TransferEncoding encoding = TransferEncoding::identity;
  bool known = true;  ///< one of RFC 2045 section 6.1, or none at all
};

/// identity for 7bit, 8bit, binary and words that are not known.
NamedEncoding transfer_encoding(std::string_view word);

/// Never longer than the text.
/// base64: bytes outside of the alphabet are skipped, padding may stand in the middle (pieces
/// encoded one by one) or be missing. quoted-printable: blanks at line ends go, a '=' that means
/// nothing stays.
std::string decode_transfer(TransferEncoding encoding, std::string_view text);
/// foreign_signs becomes true if there were bytes besides white space that base64 does not have.
std::string decode_transfer(TransferEncoding encoding, std::string_view text, bool& foreign_signs);

}  // namespace tlsrpt
