// SPDX-License-Identifier: BSD-2-Clause
#include "sender/suppress_command.hpp"

#include "common/escape.hpp"
#include "sender/text_table.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kNameWidth = 50;
constexpr std::size_t kReasonWidth = 1000;

std::string state_of(const Suppression& entry, Seconds now) {
  if (!entry.until) return "counted only";
  return (*entry.until > now ? "until " : "ended ") + format_rfc3339(*entry.until);
}

std::string who(const Suppression& entry) {
  return entry.by_hand ? "by hand" : fmt::format("{} bounced", entry.bounces);
}

}  // namespace

std::vector<std::string> suppression_table(const std::vector<Suppression>& entries, Seconds now,
                                           std::size_t width) {
  if (entries.empty()) return {"No destination is suppressed, and no report has bounced."};
  std::vector<std::vector<std::string>> rows;
  for (const Suppression& entry : entries) {
    rows.push_back({escape_terminal(entry.name), state_of(entry, now), who(entry),
                    escape_terminal(entry.detail)});
  }
  return text_table(
      {{"DESTINATION", kNameWidth}, {"SUPPRESSED", 26}, {"WHY", 12}, {"DETAIL", kReasonWidth}},
      rows, width);
}

Result<void> suppress_destinations(Suppressions& list, const std::vector<std::string>& names,
                                   Seconds until, std::string_view reason, const PrintLine& print) {
  for (const std::string& name : names) {
    if (auto done = list.add(name, until, reason); !done) return done;
    print(fmt::format("{} is suppressed until {}", escape_terminal(name), format_rfc3339(until)));
  }
  return {};
}

Result<void> unsuppress_destinations(Suppressions& list, const std::vector<std::string>& names,
                                     const PrintLine& print) {
  std::string missing;
  for (const std::string& name : names) {
    const auto removed = list.remove(name);
    if (!removed) return tl::unexpected(removed.error());
    if (*removed) {
      print(fmt::format("{} gets reports again, from the next day to be planned on",
                        escape_terminal(name)));
    } else {
      missing += (missing.empty() ? "" : ", ") + name;
    }
  }
  if (missing.empty()) return {};
  return fail(ErrorCode::not_found, "not suppressed: {}; see 'suppress list'", missing);
}

}  // namespace tlsrpt::sender
