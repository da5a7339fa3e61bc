// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Mails with reports in them, put together from the parts that a test chooses.

#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/base64.hpp"
#include "common/message.hpp"

namespace tlsrpt {

inline std::string report_json(const std::string& id = "r1",
                               const std::string& domain = "policy.example") {
  return fmt::format(
      R"({{"organization-name":"Sender","date-range":{{"start-datetime":"2026-03-01T00:00:00Z",)"
      R"("end-datetime":"2026-03-01T23:59:59Z"}},"contact-info":"tls@sender.example",)"
      R"("report-id":"{}","policies":[{{"policy":{{"policy-type":"sts","policy-domain":"{}"}},)"
      R"("summary":{{"total-successful-session-count":5,"total-failure-session-count":0}}}}]}})",
      id, domain);
}

inline std::string part(const std::string& fields, const std::string& body) {
  return fields + "\r\n\r\n" + body + "\r\n";
}

inline std::string base64_part(const std::string& type, const std::string& bytes) {
  return part("Content-Type: " + type + "\r\nContent-Transfer-Encoding: base64",
              base64_encode(bytes));
}

inline std::string mail_of(const std::vector<std::string>& parts,
                           const std::string& more_header = "") {
  std::string mail = "From: tls@sender.example\r\n" + more_header +
                     "Content-Type: multipart/report; report-type=tlsrpt; boundary=b\r\n\r\n";
  for (const std::string& entity : parts) mail += "--b\r\n" + entity;
  return mail + "--b--\r\n";
}

inline std::string single(const std::string& fields, const std::string& body) {
  return "From: tls@sender.example\r\n" + part(fields, body);
}

/// "accepted ID flag flag; refusal-word" in the order of the outcomes; without the flag for the
/// shape of the mail, which most of the tests' mails would have.
inline std::string summary(const std::vector<ReadOutcome>& outcomes) {
  std::string out;
  for (const ReadOutcome& outcome : outcomes) {
    out += out.empty() ? "" : "; ";
    out += outcome.accepted() ? "accepted " + outcome.report.report_id
                              : std::string(to_word(outcome.refusal));
    if (!outcome.accepted()) continue;
    for (const std::string& word : outcome.flags.words()) {
      if (word != to_word(Flag::mail_shape)) out += " " + word;
    }
  }
  return out;
}

inline std::string opened(const std::string& message, const MessageLimits& limits = {}) {
  return summary(open_message(message, limits).outcomes);
}

}  // namespace tlsrpt
