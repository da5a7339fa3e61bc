// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_row.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

namespace tlsrpt::milter {

namespace {

constexpr std::array kDkimStatuses = {DkimStatus::pass,      DkimStatus::none,
                                      DkimStatus::fail,      DkimStatus::policy,
                                      DkimStatus::permerror, DkimStatus::temperror};

}  // namespace

DkimStatus read_dkim_status(std::string_view word) {
  for (const DkimStatus status : kDkimStatuses) {
    if (to_word(status) == word) return status;
  }
  return DkimStatus::none;
}

void bind_text(Statement& statement, int index, std::string_view text) {
  if (text.empty()) {
    statement.bind_null(index);
  } else {
    statement.bind(index, text);
  }
}

void bind_time(Statement& statement, int index, Seconds time) {
  statement.bind(index, std::int64_t{time.time_since_epoch().count()});
}

Seconds read_time(const Statement& statement, int column) {
  return Seconds(std::chrono::seconds(statement.integer(column)));
}

void bind_count(Statement& statement, int index, std::uint64_t count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  statement.bind(index, static_cast<std::int64_t>(std::min(count, kMost)));
}

std::uint64_t read_count(const Statement& statement, int column) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(statement.integer(column), 0));
}

void bind_provenance(Statement& statement, int first, const Provenance& provenance) {
  bind_time(statement, first, provenance.received_at);
  int index = first + 1;
  for (const std::string_view text :
       {std::string_view(provenance.source), to_word(provenance.dkim),
        std::string_view(provenance.dkim_domain), std::string_view(provenance.dkim_reason),
        std::string_view(provenance.from_domain), std::string_view(provenance.submitter),
        std::string_view(provenance.queue_id), std::string_view(provenance.message_id),
        std::string_view(provenance.source_address), std::string_view(provenance.dkim_selector)}) {
    bind_text(statement, index++, text.substr(0, kMaxHeaderText));
  }
}

Provenance read_provenance(const Statement& statement, int first) {
  Provenance provenance;
  provenance.received_at = read_time(statement, first);
  provenance.source = statement.text(first + 1);
  provenance.dkim = read_dkim_status(statement.text(first + 2));
  provenance.dkim_domain = statement.text(first + 3);
  provenance.dkim_reason = statement.text(first + 4);
  provenance.from_domain = statement.text(first + 5);
  provenance.submitter = statement.text(first + 6);
  provenance.queue_id = statement.text(first + 7);
  provenance.message_id = statement.text(first + 8);
  provenance.source_address = statement.text(first + 9);
  provenance.dkim_selector = statement.text(first + 10);
  return provenance;
}

GunzipLimits own_bytes() {
  constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  return {kNoLimit, kNoLimit, kNoLimit};
}

std::string write_flags(const Flags& flags) {
  std::string words;
  for (const std::string& word : flags.words()) {
    if (!words.empty()) words += ' ';
    words += word;
  }
  return words;
}

Flags read_flags(std::string_view words) {
  Flags flags;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    for (const Flag flag : all_flags()) {
      if (to_word(flag) == word) flags.add(flag);
    }
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  return flags;
}

Refusal read_refusal(std::string_view word) {
  for (const Refusal refusal : all_refusals()) {
    if (to_word(refusal) == word) return refusal;
  }
  return Refusal::none;
}

std::string write_texts(const std::vector<std::string>& texts) {
  if (texts.empty()) return {};
  return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> read_texts(const std::string& json) {
  std::vector<std::string> texts;
  if (json.empty()) return texts;
  const auto array = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  for (const auto& element : array) {
    if (element.is_string()) texts.push_back(element.get<std::string>());
  }
  return texts;
}

}  // namespace tlsrpt::milter
