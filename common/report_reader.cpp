// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/json_text.hpp"
#include "common/report_builder.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kRefusedBytesKept = 64u << 10;

ReadOutcome refuse(Refusal refusal, std::string detail) {
  ReadOutcome outcome;
  outcome.refusal = refusal;
  outcome.detail = std::move(detail);
  return outcome;
}

/// The second chance of what a strict parser refused; nothing if there was nothing to put right.
std::optional<ReadOutcome> read_repaired(std::string_view text, const ReportLimits& limits) {
  const RepairedJson repaired = repair_json(text);
  if (!repaired.changed()) return std::nullopt;
  ReadOutcome outcome = build_report(repaired.text, limits);
  if (outcome.refusal == Refusal::not_json) return std::nullopt;
  if (repaired.syntax) outcome.flags.add(Flag::repaired_json);
  if (repaired.invalid_utf8) outcome.flags.add(Flag::invalid_utf8);
  if (repaired.lone_surrogate) outcome.flags.add(Flag::lone_surrogate);
  return outcome;
}

ReadOutcome read_value(std::string_view text, const ReportLimits& limits) {
  ReadOutcome outcome = build_report(text, limits);
  if (outcome.refusal == Refusal::not_json) {
    if (auto repaired = read_repaired(text, limits)) outcome = std::move(*repaired);
  }
  outcome.json = outcome.accepted() ? text : text.substr(0, kRefusedBytesKept);
  return outcome;
}

/// Finds the objects of a document, one after the other: JSON lines, or the elements of an array.
class Document {
 public:
  Document(std::string_view text, const ReportLimits& limits) : text_(text), limits_(limits) {}

  std::vector<ReadOutcome> read() {
    while (skip_blanks() && read_next()) {
    }
    if (in_array_) flag_last(Flag::repaired_json);
    if (outcomes_.empty()) outcomes_.push_back(read_value(text_, limits_));
    return std::move(outcomes_);
  }

 private:
  void flag_last(Flag flag) {
    if (!outcomes_.empty()) outcomes_.back().flags.add(flag);
  }

  /// False at the end of the text.
  bool skip_blanks() {
    for (; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (c == '\0') {
        flag_last(Flag::trailing_data);
      } else if (kJsonBlanks.find(c) == std::string_view::npos) {
        return true;
      }
    }
    return false;
  }

  /// False if nothing more can be read.
  bool read_next() {
    const char c = text_[position_];
    if (c == '{') return read_object();
    if (!in_array_ && c == '[' && outcomes_.empty()) {
      in_array_ = true;
      ++position_;
      return true;
    }
    if (in_array_ && (c == ',' || c == ']')) {
      in_array_ = c == ',';
      ++position_;
      return true;
    }
    flag_last(Flag::trailing_data);
    if (!in_array_) return false;
    position_ = std::min(text_.find_first_of(",]", position_), text_.size());
    return true;
  }

  bool read_object() {
    const std::size_t end = find_json_end(text_, position_).value_or(text_.size());
    const std::string_view value = text_.substr(position_, end - position_);
    if (outcomes_.size() >= limits_.max_reports) {
      outcomes_.push_back(
          refuse(Refusal::too_many_reports,
                 fmt::format("more than {} reports (MaximumReports)", limits_.max_reports)));
      return false;
    }
    ReadOutcome outcome = read_value(value, limits_);
    const bool footer =
        outcome.refusal == Refusal::not_json && !outcomes_.empty() && !begins_a_member(value);
    if (footer) {
      flag_last(Flag::trailing_data);
      return false;
    }
    if (in_array_) outcome.flags.add(Flag::wrapped_in_array);
    outcomes_.push_back(std::move(outcome));
    position_ = end;
    return true;
  }

  static bool begins_a_member(std::string_view object) {
    const std::size_t next = object.find_first_not_of(kJsonBlanks, 1);
    return next != std::string_view::npos && object[next] == '"';
  }

  std::string_view text_;
  const ReportLimits& limits_;
  std::size_t position_ = 0;
  bool in_array_ = false;
  std::vector<ReadOutcome> outcomes_;
};

bool is_utf16(std::string_view text) {
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
}

}  // namespace

std::vector<ReadOutcome> read_reports(std::string_view json, const ReportLimits& limits) {
  if (json.size() > limits.max_bytes) {
    return {
        refuse(Refusal::too_large, fmt::format("{} bytes of JSON, more than {} (MaximumReportSize)",
                                               json.size(), limits.max_bytes))};
  }
  if (json.find_first_not_of(kJsonBlanks) == std::string_view::npos) {
    return {refuse(Refusal::empty, "nothing but blanks")};
  }
  if (is_utf16(json)) return {refuse(Refusal::not_json, "UTF-16; a report is UTF-8")};
  const bool marked = json.starts_with(kByteOrderMark);
  if (marked) json.remove_prefix(kByteOrderMark.size());
  std::vector<ReadOutcome> outcomes = Document(json, limits).read();
  if (marked) outcomes.front().flags.add(Flag::byte_order_mark);
  return outcomes;
}

}  // namespace tlsrpt
