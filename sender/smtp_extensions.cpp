// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_extensions.hpp"

#include <string_view>

#include "common/ascii.hpp"

namespace tlsrpt::sender {

namespace {

/// Cuts off what stands before the first of the separators, and that separator.
std::string_view take_word(std::string_view& text, std::string_view separators) {
  const std::size_t end = text.find_first_of(separators);
  const std::string_view word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return word;
}

void add_mechanisms(std::string_view mechanisms, SmtpExtensions& extensions) {
  while (!mechanisms.empty()) {
    const std::string_view word = take_word(mechanisms, " ");
    if (equal_ignoring_case(word, "PLAIN")) extensions.auth_plain = true;
    if (equal_ignoring_case(word, "LOGIN")) extensions.auth_login = true;
  }
}

}  // namespace

SmtpExtensions parse_extensions(const SmtpReply& hello) {
  SmtpExtensions extensions;
  std::string_view rest = hello.text;
  take_word(rest, "\n");  // the server's name
  while (!rest.empty()) {
    std::string_view line = take_word(rest, "\n");
    const std::string_view keyword = take_word(line, " =");  // "AUTH=LOGIN" is an old habit
    if (equal_ignoring_case(keyword, "STARTTLS")) extensions.starttls = true;
    if (equal_ignoring_case(keyword, "PIPELINING")) extensions.pipelining = true;
    if (equal_ignoring_case(keyword, "CHUNKING")) extensions.chunking = true;
    if (equal_ignoring_case(keyword, "SIZE")) extensions.size = true;
    if (equal_ignoring_case(keyword, "AUTH")) add_mechanisms(line, extensions);
  }
  return extensions;
}

}  // namespace tlsrpt::sender
