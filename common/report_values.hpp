// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One JSON value of a stranger -> the value that a report has at its place, and the flags it earns.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/report_verdict.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt {

/// A JSON value that is neither object nor array. Valid UTF-8.
struct JsonScalar {
  enum class Kind : std::uint8_t { null, boolean, number, text };
  Kind kind = Kind::null;
  std::string_view value = {};  ///< the text, or the number as it was written
};

/// Where a string belongs. Empty: null, boolean or nothing but blanks; the member is absent.
/// The view is into the scalar's value.
std::string_view read_text(const JsonScalar& scalar, std::size_t max_bytes, Flags& flags);

/// Nothing if the member has no value, or none that is a number; then it counts as 0.
std::optional<std::uint64_t> read_count(const JsonScalar& scalar, Flags& flags);

/// A date-time, or what else means a time without doubt.
std::optional<Seconds> read_time(const JsonScalar& scalar, Flags& flags);

/// A text with one time, or with two around a slash; or a number.
struct LooseRange {
  std::optional<Seconds> start;
  std::optional<Seconds> end;
};
LooseRange read_range(const JsonScalar& scalar, Flags& flags);

/// Canonical if it is an address, else the text (R92, R93).
std::string read_ip(std::string_view text, Flags& flags);

/// In lower case, flagged if only that makes it one of the RFC's words.
std::string read_policy_type(std::string_view text, Flags& flags);

/// A-labels if that can be, else lower-case printable ASCII with other bytes as \xNN, so that no
/// two names become one. What comes out is no longer than max_bytes.
std::string read_policy_domain(std::string_view text, std::size_t max_bytes, Flags& flags);

/// A-labels if that can be, else the text.
std::string read_host(std::string_view text);

/// Bounds of a list of texts.
struct ListLimits {
  std::size_t max_texts = 0;
  std::size_t max_bytes = 0;  ///< of one text
};

/// Adds the lines of one element of policy-string, without the blanks around them; a JSON array
/// of strings inside of it is unpacked (R75).
void add_policy_lines(std::vector<std::string>& lines, std::string_view text,
                      const ListLimits& limits, Flags& flags);

/// Adds the patterns of one element of mx-host: an "mx: " before them goes, lists are split, also a
/// JSON array of strings.
void add_mx_patterns(std::vector<std::string>& patterns, std::string_view text,
                     const ListLimits& limits, Flags& flags);

}  // namespace tlsrpt
