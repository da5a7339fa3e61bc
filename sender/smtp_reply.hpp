// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What an SMTP or LMTP server answers (RFC 5321 section 4.2), read within bounds.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

struct SmtpReplyLimits {
  std::size_t max_line = 1024;  ///< bytes of a line with its end; RFC 5321 promises 512 at most
  std::size_t max_lines = 64;
};

struct SmtpReply {
  int code = 0;      ///< 200..599
  std::string text;  ///< what stands behind the code, lines joined by '\n'; not escaped

  [[nodiscard]] bool positive() const { return code / 100 == 2; }
  [[nodiscard]] bool refused_for_now() const { return code / 100 == 4; }
  [[nodiscard]] bool refused() const { return code / 100 == 5; }
  bool operator==(const SmtpReply&) const = default;
};

struct ParsedReply {
  SmtpReply reply;
  std::size_t bytes = 0;  ///< it took from the input
};

/// The reply that the bytes begin with; nothing if its end has not arrived yet. Lines may end in LF
/// alone. Errors: malformed, also if the lines of one reply bear different codes; limit_exceeded,
/// before the rest has arrived.
Result<std::optional<ParsedReply>> parse_smtp_reply(std::string_view bytes,
                                                    const SmtpReplyLimits& limits = {});

/// "550 5.1.1 no such user": the code and the last line, at most max_bytes. Not escaped.
std::string last_line(const SmtpReply& reply, std::size_t max_bytes = 512);

}  // namespace tlsrpt::sender
