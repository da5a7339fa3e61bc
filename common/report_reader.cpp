// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/json_text.hpp"
#include "common/report_builder.hpp"
#include "common/report_shape.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kRefusedBytesKept = 64u << 10;

/// What was found, and beside each outcome the text that it is kept with.
struct Found {
  std::vector<ReadOutcome> outcomes;
  std::vector<std::string_view> texts;
};

ReadOutcome refuse(Refusal refusal, std::string detail) {
  ReadOutcome outcome;
  outcome.refusal = refusal;
  outcome.detail = std::move(detail);
  return outcome;
}

/// The value at the front of the text, and behind it.
struct ReadValue {
  ReadOutcome outcome;
  std::size_t end = 0;
};

ReadValue read_value(std::string_view text, const ReportLimits& limits) {
  BuiltReport built = build_report(text, limits);
  // Of a value that was not read to its end only the brackets are looked at.
  const std::size_t end = built.end ? *built.end : find_json_end(text, 0).value_or(text.size());
  return {std::move(built.outcome), end};
}

/// Has members of a report, but does not make one: what stands in it may.
bool may_be_an_envelope(Refusal refusal) {
  return refusal == Refusal::not_a_report || refusal == Refusal::no_date_range ||
         refusal == Refusal::no_policies || refusal == Refusal::no_counts;
}

bool begins_a_member(std::string_view object) {
  const std::size_t next = object.find_first_not_of(kJsonBlanks, 1);
  return next != std::string_view::npos && object[next] == '"';
}

/// Finds the objects of a document, one after the other: JSON lines, or the elements of an array.
class Document {
 public:
  Document(std::string_view text, const ReportLimits& limits) : text_(text), limits_(limits) {}

  Found read() {
    read_all();
    if (!is_json() && skip_text()) read_all();
    if (in_array_) flag_last(Flag::repaired_json);
    if (found_.outcomes.empty()) {
      other_ ? add(std::move(other_->outcome), other_->text) : refuse_whole();
    } else if (other_) {
      flags_of_first_.add(Flag::trailing_data);
    }
    found_.outcomes.front().flags.add(flags_of_first_);
    return std::move(found_);
  }

 private:
  void read_all() {
    while (skip_blanks() && read_next()) {
    }
  }

  [[nodiscard]] bool is_json() const {
    return other_ ||
           std::any_of(found_.outcomes.begin(), found_.outcomes.end(),
                       [](const auto& outcome) { return outcome.refusal != Refusal::not_json; });
  }

  /// To the first report, behind text that is no JSON, such as a gateway's warning. False if there
  /// is none.
  bool skip_text() {
    const std::size_t at = text_.find_first_not_of(kJsonBlanks);
    if (at == std::string_view::npos || text_[at] == '{' || !seek_report(at)) return false;
    if (text_.substr(0, position_).find('\0') != std::string_view::npos) return false;  // no text
    found_ = {};
    in_array_ = false;
    flags_of_first_.add(Flag::trailing_data);
    return true;
  }

  /// To the next report in other text. False if there is none, or too much that looks like one.
  bool seek_report(std::size_t from) {
    for (std::size_t at = from; (at = text_.find('{', at)) != std::string_view::npos; ++at) {
      if (!begins_a_member(text_.substr(at))) continue;
      if (misses_ == kMisses) return false;
      if (read_value(text_.substr(at), limits_).outcome.accepted()) {
        position_ = at;
        return true;
      }
      ++misses_;
    }
    return false;
  }

  void flag_last(Flag flag) {
    if (!found_.outcomes.empty()) found_.outcomes.back().flags.add(flag);
  }

  /// There is no object in it.
  void refuse_whole() {
    ReadValue value = read_value(text_, limits_);
    const std::size_t behind = text_.find_first_not_of(kJsonBlanks, value.end);
    if (value.outcome.refusal == Refusal::not_a_report && behind != std::string_view::npos)
      value.outcome = refuse(Refusal::not_json, fmt::format("no JSON from byte {} on", behind));
    add(std::move(value.outcome), text_);
  }

  void add(ReadOutcome&& outcome, std::string_view json) {
    found_.texts.push_back(outcome.accepted() ? json : json.substr(0, kRefusedBytesKept));
    found_.outcomes.push_back(std::move(outcome));
  }

  /// As add(), for one of many. False if they are too many, which is then told instead.
  bool add_within_limit(ReadOutcome&& outcome, std::string_view json) {
    if (found_.outcomes.size() >= limits_.max_reports) return refuse_more();
    add(std::move(outcome), json);
    return true;
  }

  /// False at the end of the text.
  bool skip_blanks() {
    for (; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (c == '\0') {
        (found_.outcomes.empty() ? flags_of_first_ : found_.outcomes.back().flags)
            .add(Flag::trailing_data);
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
    if (c == '[' && found_.outcomes.empty()) {
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
    if (!in_array_ && c == ',' && !found_.outcomes.empty()) {  // an array without its brackets
      ++position_;
      return true;
    }
    if (!in_array_) return is_json() && seek_report(position_);
    position_ = std::min(text_.find_first_of(",]", position_), text_.size());
    return true;
  }

  bool read_object() {
    const std::string_view rest = text_.substr(position_);
    ReadValue value = read_value(rest, limits_);
    const std::string_view object = rest.substr(0, value.end);
    const bool footer = value.outcome.refusal == Refusal::not_json && !found_.outcomes.empty() &&
                        (!begins_a_member(object) || likeness_to_report(object) == Likeness::none);
    if (footer) {
      flag_last(Flag::trailing_data);
      return misses_++ < kMisses && seek_report(position_ + 1);
    }
    position_ += value.end;
    if (may_be_an_envelope(value.outcome.refusal)) return read_envelope(std::move(value), object);
    if (in_array_) value.outcome.flags.add(Flag::wrapped_in_array);
    if (!in_array_ && !found_.outcomes.empty()) value.outcome.flags.add(Flag::trailing_data);
    return add_within_limit(std::move(value.outcome), object);
  }

  /// An object that is no report, but may have some in it. False if nothing more can be read.
  bool read_envelope(ReadValue&& value, std::string_view object) {
    const std::size_t before = found_.outcomes.size();
    const bool of_a_report = value.outcome.refusal != Refusal::not_a_report;
    const bool within_limit = read_inside(object, /*refused=*/!of_a_report);
    if (found_.outcomes.size() > before) return within_limit;
    if (of_a_report) {
      if (in_array_) value.outcome.flags.add(Flag::wrapped_in_array);
      return add_within_limit(std::move(value.outcome), object);
    }
    flag_last(Flag::trailing_data);
    if (found_.outcomes.empty() && !other_) other_ = {std::move(value.outcome), object};
    return ++others_ <= limits_.max_reports || refuse_more();
  }

  bool refuse_more() {
    add(refuse(Refusal::too_many_reports,
               fmt::format("more than {} reports, or values that are none (MaximumReports)",
                           limits_.max_reports)),
        {});
    return false;
  }

  /// The reports in an object that is none itself; 'refused': also those that are refused, if they
  /// are meant to be reports. False if there are too many.
  bool read_inside(std::string_view object, bool refused) {
    constexpr std::size_t kDeepest = 3;
    bool within_limit = true;
    for_objects_inside(object, kDeepest, [&](std::string_view inner) -> std::optional<std::size_t> {
      ReadValue value = read_value(inner, limits_);
      inner = inner.substr(0, value.end);
      const bool told =
          value.outcome.accepted() || (refused && value.outcome.refusal != Refusal::not_a_report &&
                                       likeness_to_report(inner) == Likeness::certain);
      if (!told) return 0;
      value.outcome.flags.add(Flag::wrapped_in_object);
      within_limit = add_within_limit(std::move(value.outcome), inner);
      return within_limit ? std::optional(value.end) : std::nullopt;
    });
    return within_limit;
  }

  /// As many objects are read in vain while a report is sought.
  static constexpr int kMisses = 4;

  struct OtherValue {
    ReadOutcome outcome;
    std::string_view text;
  };

  std::string_view text_;
  const ReportLimits& limits_;
  std::size_t position_ = 0;
  bool in_array_ = false;
  Flags flags_of_first_;             ///< of what stands before it
  std::optional<OtherValue> other_;  ///< before all reports, an object with nothing of one
  std::size_t others_ = 0;
  int misses_ = 0;
  Found found_;
};

/// What the text is in, if its first bytes say that it is not UTF-8; or nothing.
std::string_view other_encoding(std::string_view text) {
  using namespace std::string_view_literals;
  for (const auto begin : {"\xff\xfe\0\0"sv, "\0\0\xfe\xff"sv, "{\0\0\0"sv, "\0\0\0{\0\0\0"sv}) {
    if (text.starts_with(begin)) return "UTF-32";
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return "UTF-16";
  return {};
}

Found only(ReadOutcome outcome) {
  Found found;
  found.outcomes.push_back(std::move(outcome));
  found.texts.emplace_back();
  return found;
}

Found find_reports(std::string_view json, const ReportLimits& limits) {
  if (json.size() > limits.max_bytes) {
    return only(
        refuse(Refusal::too_large, fmt::format("{} bytes of JSON, more than {} (MaximumReportSize)",
                                               json.size(), limits.max_bytes)));
  }
  if (json.find_first_not_of(kJsonBlanks) == std::string_view::npos)
    return only(refuse(Refusal::empty, "nothing but blanks"));
  if (const auto encoding = other_encoding(json); !encoding.empty())
    return only(refuse(Refusal::not_json, fmt::format("{}; a report is UTF-8", encoding)));
  const bool marked = json.starts_with(kByteOrderMark);
  if (marked) json.remove_prefix(kByteOrderMark.size());
  Found found = Document(json, limits).read();
  if (marked) found.outcomes.front().flags.add(Flag::byte_order_mark);
  return found;
}

/// The part of the text in place of the text.
void cut_to(std::string& text, std::string_view part) {
  const auto begin = static_cast<std::size_t>(part.data() - text.data());
  text.resize(begin + part.size());
  text.erase(0, begin);
}

std::vector<ReadOutcome> with_copies(Found found) {
  for (std::size_t i = 0; i < found.outcomes.size(); ++i) found.outcomes[i].json = found.texts[i];
  return std::move(found.outcomes);
}

}  // namespace

std::vector<ReadOutcome> read_reports(std::string_view json, const ReportLimits& limits) {
  return with_copies(find_reports(json, limits));
}

std::vector<ReadOutcome> read_last_reports(std::string json, const ReportLimits& limits) {
  Found found = find_reports(json, limits);
  const bool single = found.outcomes.size() == 1 && found.outcomes[0].accepted();
  if (!single) return with_copies(std::move(found));
  cut_to(json, found.texts[0]);
  found.outcomes[0].json = std::move(json);
  return std::move(found.outcomes);
}

}  // namespace tlsrpt
