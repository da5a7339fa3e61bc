// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The header of a message or MIME part: its fields, and the parameters of those that have some.
// Tolerant, since strangers and gateways write it; case is never decisive (R111).

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tlsrpt {

/// One field. Views into the message; the value is still folded.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

struct HeaderSection {
  std::vector<HeaderField> fields;
  std::size_t size = 0;    ///< octets up to the body, with the blank line
  bool too_large = false;  ///< more than max_bytes; 'fields' are those before
  bool damaged = false;    ///< lines among the fields are none, or no blank line follows

  /// Unfolded value of the first field of that name; nothing if there is none.
  [[nodiscard]] std::optional<std::string> value_of(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
};

/// Splits the header off the front of a message or part. It ends behind a blank line, or before the
/// first line that is no field (a MIME delimiter never is one) unless fields go on soon behind it.
/// Leading mbox lines are skipped.
HeaderSection split_header(std::string_view text, std::size_t max_bytes);

/// Does the text begin with a field, by a name of letters, digits and hyphens only?
bool begins_with_field(std::string_view text);

/// Without line breaks, NUL bytes, and blanks at both ends.
std::string unfold(std::string_view value);

/// "VALUE; NAME=VALUE; ..." as in Content-Type and Content-Disposition.
struct ParameterizedValue {
  std::string value;                                            ///< lower case, without comments
  std::vector<std::pair<std::string, std::string>> parameters;  ///< names in lower case

  /// The parameter, or "" if it is not there.
  [[nodiscard]] std::string parameter(std::string_view name) const&;
  [[nodiscard]] std::string parameter(std::string_view name) &&;
};

/// Takes quoted strings, comments, and RFC 2231 continuations and percent-encoding (the octets are
/// kept as they are, whatever the charset). Of a parameter given twice the first one counts.
ParameterizedValue parse_parameters(std::string_view unfolded);

/// Its ParameterizedValue::value alone.
std::string leading_value(std::string_view unfolded);

}  // namespace tlsrpt
