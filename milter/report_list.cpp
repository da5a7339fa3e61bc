// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_list.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "milter/summary.hpp"
#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxDomainsShown = 2;
constexpr std::size_t kMaxTypesShown = 4;

std::string range_text(const DateRange& range) {
  const auto first = std::chrono::floor<std::chrono::days>(range.start_datetime);
  // An end at the next midnight means the day before, too.
  const auto last =
      std::chrono::floor<std::chrono::days>(range.end_datetime - std::chrono::seconds(1));
  if (last <= first) return format_day(first);
  return format_day(first) + ".." + format_day(last);
}

std::string domains_text(const Report& report) {
  std::set<std::string> domains;
  for (const PolicyResult& result : report.policies) {
    if (!result.policy.policy_domain.empty()) domains.insert(result.policy.policy_domain);
  }
  std::string text;
  std::size_t shown = 0;
  for (const std::string& domain : domains) {
    if (shown++ == kMaxDomainsShown) {
      return text + fmt::format(" +{}", domains.size() - kMaxDomainsShown);
    }
    text += (text.empty() ? "" : ",") + domain;
  }
  return text;
}

/// "sts 1,203/3": sessions and failures of each policy type; types are not added up (R242).
std::string sessions_text(const Report& report) {
  std::map<std::string, SessionCounts> types;
  for (const PolicyResult& result : report.policies) types[result.policy.policy_type].add(result);
  std::string text;
  std::size_t shown = 0;
  for (const auto& [type, counts] : types) {
    if (shown++ == kMaxTypesShown) return text + " ...";
    text +=
        fmt::format("{}{} {}/{}", text.empty() ? "" : ", ", type.empty() ? "?" : type,
                    group_digits(counts.successful + counts.failed), group_digits(counts.failed));
  }
  return text;
}

std::string flags_text(const Flags& flags) {
  std::string text;
  for (const std::string& word : flags.words()) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string report_list_text(const std::vector<ListedReport>& reports) {
  if (reports.empty()) return "No stored report fits.\n";
  TextTable table({{"ID", true},
                   {"DAY", false, 22},
                   {"ORGANIZATION", false, 22},
                   {"DOMAINS", false, 34},
                   {"SESSIONS/FAILED", false, 48},
                   {"DKIM"},
                   {"FLAGS", false, 60}});
  for (const ListedReport& listed : reports) {
    const std::string& name = listed.report.organization_name;
    table.add({std::to_string(listed.id), range_text(listed.report.date_range),
               name.empty() ? listed.provenance.submitter : name, domains_text(listed.report),
               sessions_text(listed.report), std::string(to_word(listed.provenance.dkim)),
               flags_text(listed.flags)});
  }
  return table.text();
}

std::string refusal_list_text(const std::vector<ListedRefusal>& refusals) {
  if (refusals.empty()) return "No refused mail fits.\n";
  TextTable table({{"ID", true},
                   {"ARRIVED", false, 20},
                   {"FROM", false, 28},
                   {"REASON", false, 26},
                   {"TIMES", true},
                   {"BYTES", true},
                   {"DETAIL", false, 60}});
  for (const ListedRefusal& listed : refusals) {
    table.add({std::to_string(listed.id), format_rfc3339(listed.provenance.received_at),
               listed.provenance.from_domain, std::string(to_word(listed.refusal)),
               group_digits(listed.times), group_digits(listed.size), listed.detail});
  }
  return table.text();
}

}  // namespace tlsrpt::milter
