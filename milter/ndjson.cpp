// SPDX-License-Identifier: BSD-2-Clause
#include "milter/ndjson.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/escape.hpp"
#include "common/report_writer.hpp"
#include "common/utf8.hpp"

namespace tlsrpt::milter {

namespace {

std::string flags_array(const Flags& flags) {
  std::string array = "[";
  for (const std::string& word : flags.words()) {
    if (array.size() > 1) array += ',';
    array += json_string(word);
  }
  return array + "]";
}

/// A member with a comma in front; nothing for an absent one.
void add_member(std::string& members, std::string_view name, std::string_view value) {
  if (!value.empty()) members += fmt::format(R"(,"{}":{})", name, json_string(value));
}

/// The result, and of which signature.
void add_dkim(std::string& members, const Provenance& provenance) {
  add_member(members, "dkim", to_word(provenance.dkim));
  add_member(members, "dkim-domain", provenance.dkim_domain);
  add_member(members, "dkim-selector", provenance.dkim_selector);
  add_member(members, "dkim-reason", provenance.dkim_reason);
}

std::string provenance_members(const Provenance& provenance) {
  std::string members;
  add_member(members, "received", format_rfc3339(provenance.received_at));
  add_member(members, "source", provenance.source);
  add_member(members, "source-address", provenance.source_address);
  add_member(members, "submitter", provenance.submitter);
  add_member(members, "from-domain", provenance.from_domain);
  add_dkim(members, provenance);
  add_member(members, "queue-id", provenance.queue_id);
  add_member(members, "message-id", provenance.message_id);
  return members;
}

}  // namespace

std::string printable_name(std::string_view name) {
  std::string printable;
  for (std::size_t i = 0; i < name.size();) {
    const Utf8Step step = decode_utf8(name, i);
    if (step.valid) {
      printable += name.substr(i, step.length);
    } else {
      for (const char byte : name.substr(i, step.length)) {
        printable += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    }
    i += step.length;
  }
  return printable;
}

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false,
                                   nlohmann::json::error_handler_t::replace);
}

std::string outcome_line(std::string_view input, const ReadOutcome& outcome,
                         const std::optional<ImportFacts>& facts, std::uint64_t message) {
  std::string line = fmt::format(R"({{"input":{})", json_string(printable_name(input)));
  if (message != 0) line += fmt::format(R"(,"message":{})", message);
  if (!outcome.member.empty()) {
    line += fmt::format(R"(,"member":{})", json_string(printable_name(outcome.member)));
  }
  line += fmt::format(R"(,"verdict":"{}")", outcome.accepted() ? "accepted" : "rejected");
  if (!outcome.accepted()) {
    line += fmt::format(R"(,"reason":"{}")", to_word(outcome.refusal));
    if (!outcome.detail.empty())
      line += fmt::format(R"(,"detail":{})", json_string(outcome.detail));
  }
  line += fmt::format(R"(,"flags":{})", flags_array(outcome.flags));
  if (facts) {
    line += fmt::format(R"(,"{}":"{}")", facts->dry_run ? "dry-run" : "stored",
                        facts->stored.duplicate ? "duplicate" : "new");
    if (facts->stored.id != 0) line += fmt::format(R"(,"id":{})", facts->stored.id);
    add_dkim(line, facts->provenance);
  }
  if (outcome.accepted()) line += R"(,"report":)" + write_report(outcome.report);
  return escape_json_for_terminal(line + "}\n");
}

std::string listed_line(const ListedReport& listed) {
  return escape_json_for_terminal(fmt::format(R"({{"id":{}{},"flags":{},"report":{}}})"
                                              "\n",
                                              listed.id, provenance_members(listed.provenance),
                                              flags_array(listed.flags),
                                              write_report(listed.report)));
}

std::string listed_line(const ListedRefusal& listed) {
  return escape_json_for_terminal(fmt::format(
      R"({{"id":{}{},"reason":"{}","detail":{},"subject":{},"size":{},"times":{}}})"
      "\n",
      listed.id, provenance_members(listed.provenance), to_word(listed.refusal),
      json_string(listed.detail), json_string(listed.subject), listed.size, listed.times));
}

}  // namespace tlsrpt::milter
