// SPDX-License-Identifier: BSD-2-Clause
#include "milter/results_header.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxWord = 255;

/// What may stand without quotes in every header, and means nothing but itself.
bool is_plain_word(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWord &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

void add_property(std::string& text, std::string_view property, std::string_view value) {
  if (is_plain_word(value)) text += fmt::format(" {}={}", property, value);
}

std::string_view result_word(const IntakeResult& result) {
  const auto is_duplicate = [](const StoredReport& report) { return report.duplicate; };
  switch (result.disposition) {
    case Disposition::stored:
      return !result.stored.empty() &&
                     std::all_of(result.stored.begin(), result.stored.end(), is_duplicate)
                 ? "duplicate"
                 : "stored";
    case Disposition::refused:
      return "refused";
    case Disposition::no_report:
      return "none";
    case Disposition::dns_error:
    case Disposition::unverified:
    case Disposition::over_limit:
    case Disposition::failed:
      return "temperror";
  }
  return "temperror";
}

}  // namespace

std::string results_header(const IntakeResult& result, std::string_view host) {
  const auto refused = [](const ReadOutcome& outcome) { return !outcome.accepted(); };
  std::string text =
      fmt::format("{}; tlsrpt={}", is_plain_word(host) ? host : "localhost", result_word(result));
  const auto first = std::find_if(result.outcomes.begin(), result.outcomes.end(), refused);
  const bool about_reports = result.disposition != Disposition::no_report;
  if (result.disposition == Disposition::refused && first != result.outcomes.end()) {
    text += fmt::format(" reason=\"{}\"", to_word(first->refusal));
  }
  if (!result.stored.empty()) text += fmt::format(" policy.reports={}", result.stored.size());
  const auto refusals = std::count_if(result.outcomes.begin(), result.outcomes.end(), refused);
  if (!result.stored.empty() && refusals > 0) text += fmt::format(" policy.refused={}", refusals);
  // Mail that is no report, or is cut, was not checked at all.
  if (about_reports && result.dkim.best.reason != "not-checked") {
    text += fmt::format("; dkim={}", to_word(result.dkim.status));
    if (is_plain_word(result.dkim.best.reason)) {
      text += fmt::format(" reason=\"{}\"", result.dkim.best.reason);
    }
    add_property(text, "header.d", result.dkim.best.domain);
    add_property(text, "header.s", result.dkim.best.selector);
  }
  return text;
}

}  // namespace tlsrpt::milter
