// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The parts of a MIME message, found in one pass over its lines with bounds on all that nests or
// repeats.

#include <string>
#include <string_view>
#include <vector>

#include "common/header_field.hpp"
#include "common/transfer_encoding.hpp"

namespace tlsrpt {

struct MimeLimits {
  std::size_t max_header_bytes;  ///< of one header section
  std::size_t max_parts;         ///< header sections below the first
  std::size_t max_depth;         ///< multiparts and forwarded messages inside of each other
  bool open_messages = true;     ///< else a forwarded message comes as one part
};

/// A part that has no parts itself.
struct MimePart {
  std::string media_type;  ///< lower case; "text/plain" if the part does not say
  std::string name;        ///< file name as it came, never to be used as a path; may be ""
  TransferEncoding encoding = TransferEncoding::identity;
  std::string_view body;   ///< still encoded; view into the message
  bool forwarded = false;  ///< inside of a message/rfc822
  bool closed = true;      ///< the delimiter that has to follow it is there
  bool guessed = false;    ///< its multipart did not name its boundary, or a wrong one
  bool damaged = false;    ///< its header is
};

struct MimeMessage {
  HeaderSection header;
  std::vector<MimePart> parts;   ///< in order
  bool is_report = false;        ///< multipart/report with report-type=tlsrpt, as RFC 8460 wants it
  bool mentions_tlsrpt = false;  ///< a media type or report-type somewhere says so (R217)
  bool headers_too_large =
      false;  ///< a header section was over its limit: it and its body are left out
  bool too_many_parts = false;  ///< the rest is left out
  bool too_deep = false;        ///< what nests deeper is left out
  /// Text stands before the first delimiter of the outermost multipart, so that only Content-Type
  /// says which of the body's lines are delimiters.
  bool has_preamble = false;
};

/// Lines may end in CRLF or LF. A multipart that is not closed ends where one around it goes on; of
/// one without boundary parameter, or whose delimiter never occurs, the first line that looks like
/// a delimiter is taken. A multipart without any comes as one part.
MimeMessage walk_mime(std::string_view message, const MimeLimits& limits);

}  // namespace tlsrpt
