// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_reply.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kCodeDigits = 3;

struct Line {
  int code = 0;
  bool last = true;  ///< of its reply
  std::string_view text;
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A line without its end: "250-text", "250 text" or "250".
std::optional<Line> parse_line(std::string_view line) {
  if (line.size() < kCodeDigits) return std::nullopt;
  if (line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2])) {
    return std::nullopt;
  }
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (line.size() == kCodeDigits) return Line{code, true, {}};
  const char separator = line[kCodeDigits];
  if (separator != ' ' && separator != '-') return std::nullopt;
  return Line{code, separator == ' ', line.substr(kCodeDigits + 1)};
}

void append(SmtpReply& reply, const Line& line) {
  if (reply.code != 0) reply.text += '\n';
  reply.code = line.code;
  reply.text += line.text;
}

}  // namespace

Result<std::optional<ParsedReply>> parse_smtp_reply(std::string_view bytes,
                                                    const SmtpReplyLimits& limits) {
  ParsedReply parsed;
  for (std::size_t lines = 0; lines < limits.max_lines; ++lines) {
    const std::string_view rest = bytes.substr(parsed.bytes);
    const std::size_t end = rest.substr(0, limits.max_line).find('\n');
    if (end == std::string_view::npos) {
      if (rest.size() < limits.max_line) return std::optional<ParsedReply>{};
      return fail(ErrorCode::limit_exceeded, "the server's reply has a line of more than {} bytes",
                  limits.max_line);
    }
    std::string_view text = rest.substr(0, end);
    if (text.ends_with('\r')) text.remove_suffix(1);
    const auto line = parse_line(text);
    if (!line || (lines > 0 && line->code != parsed.reply.code)) {
      return fail(ErrorCode::malformed, "the server's reply is no SMTP: {}", text.substr(0, 80));
    }
    parsed.bytes += end + 1;
    append(parsed.reply, *line);
    if (line->last) return parsed;
  }
  return fail(ErrorCode::limit_exceeded, "the server's reply has more than {} lines",
              limits.max_lines);
}

std::string last_line(const SmtpReply& reply, std::size_t max_bytes) {
  const std::string_view text = reply.text;
  const std::size_t begin = text.rfind('\n') + 1;  // npos + 1 is the beginning
  return fmt::format("{} {}", reply.code, text.substr(begin)).substr(0, max_bytes);
}

}  // namespace tlsrpt::sender
