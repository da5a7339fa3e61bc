// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_filename.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

/// The number that the text begins with, if nothing but an extension follows.
std::optional<Seconds> parse_time(std::string_view text) {
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc{} || seconds < 0 || (stop != end && *stop != '.')) return std::nullopt;
  if (seconds > kLatestTime.time_since_epoch().count()) return std::nullopt;
  return Seconds{std::chrono::seconds{seconds}};
}

/// Some senders end a day at 23:59:59, others a second later, and not in both places alike.
bool same_time(Seconds one, Seconds other) {
  return std::max(one, other) - std::min(one, other) <= std::chrono::seconds{1};
}

}  // namespace

std::optional<ReportFilename> parse_report_filename(std::string_view name) {
  std::array<std::string_view, 4> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t mark = name.find('!');
    if (mark == std::string_view::npos && i + 1 < fields.size()) return std::nullopt;
    fields[i] = name.substr(0, mark);
    name.remove_prefix(std::min(name.size(), fields[i].size() + 1));
  }
  const auto begin = parse_time(fields[2]);
  const auto end = parse_time(fields[3]);
  if (!begin || !end || fields[0].empty() || fields[1].empty()) return std::nullopt;
  return ReportFilename{normal_or_same(fields[0]), normal_or_same(fields[1]), *begin, *end};
}

bool agrees(const ReportFilename& name, const Report& report) {
  const DateRange& range = report.date_range;
  if (!same_time(name.begin, range.start_datetime) || !same_time(name.end, range.end_datetime))
    return false;
  const auto contact = domain_of_address(report.contact_info);
  if (contact && !is_same_organization(*contact, name.sender)) return false;
  bool any_named = false;
  for (const PolicyResult& result : report.policies) {
    const std::string& domain = result.policy.policy_domain;
    if (domain == name.domain) return true;
    any_named = any_named || (!domain.empty() && result.policy.policy_type != "tlsa");
  }
  return !any_named;
}

}  // namespace tlsrpt
