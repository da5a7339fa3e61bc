// SPDX-License-Identifier: BSD-2-Clause

// What a mail server answers, in any state of its arrival.

#include "sender/smtp_extensions.hpp"
#include "sender/smtp_reply.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr SmtpReplyLimits kLimits{.max_line = 64, .max_lines = 8};

void check_reply(const ParsedReply& parsed, std::string_view text) {
  fuzz::require(parsed.bytes > 0 && parsed.bytes <= text.size(), "it takes bytes that are there");
  fuzz::require(text[parsed.bytes - 1] == '\n', "a reply ends with a line");
  fuzz::require(parsed.bytes <= kLimits.max_line * kLimits.max_lines, "a reply is bounded");
  fuzz::require(parsed.reply.code >= 200 && parsed.reply.code <= 599, "the code is one of SMTP");
  fuzz::require(last_line(parsed.reply, 32).size() <= 32, "a quoted line is bounded");
  parse_extensions(parsed.reply);
  for (std::size_t size = 0; size < parsed.bytes; ++size) {
    const auto early = parse_smtp_reply(text.substr(0, size), kLimits);
    fuzz::require(early && !*early, "no part of a reply is a reply");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::as_text(data, size);
  while (true) {
    const auto parsed = parse_smtp_reply(text, kLimits);
    if (!parsed) break;
    if (!*parsed) {
      fuzz::require(text.size() < kLimits.max_line * kLimits.max_lines, "waiting is bounded");
      break;
    }
    check_reply(**parsed, text);
    text.remove_prefix((*parsed)->bytes);
  }
  return 0;
}
