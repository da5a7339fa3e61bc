// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_builder.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "common/report_members.hpp"
#include "common/report_values.hpp"
#include "common/result_type.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

using Kind = JsonScalar::Kind;

constexpr std::uint32_t bit(Member member) {
  return std::uint32_t{1} << static_cast<unsigned>(member);
}

/// What kind of value a member has by the RFC.
enum class MemberType { object, results, details, texts, count, time, text };

MemberType type_of(Member member) {
  switch (member) {
    case Member::date_range:
    case Member::policy:
    case Member::summary:
      return MemberType::object;
    case Member::policies:
      return MemberType::results;
    case Member::failure_details:
      return MemberType::details;
    case Member::policy_string:
    case Member::mx_host:
      return MemberType::texts;
    case Member::total_successful_session_count:
    case Member::total_failure_session_count:
    case Member::failed_session_count:
      return MemberType::count;
    case Member::start_datetime:
    case Member::end_datetime:
      return MemberType::time;
    case Member::organization_name:
    case Member::contact_info:
    case Member::report_id:
    case Member::policy_type:
    case Member::policy_domain:
    case Member::result_type:
    case Member::sending_mta_ip:
    case Member::receiving_mx_hostname:
    case Member::receiving_mx_helo:
    case Member::receiving_ip:
    case Member::additional_information:
    case Member::failure_reason_code:
      return MemberType::text;
  }
  return MemberType::text;
}

/// One bracket that is open.
struct Frame {
  enum class Place : std::uint8_t {
    ignored,  ///< a value that nobody asked for
    object,   ///< an object of the report
    results,  ///< the array "policies"
    details,  ///< the array "failure-details"
    texts,    ///< an array of strings, the value of the current member of the frame below
  };
  Place place = Place::ignored;
  ReportObject object = ReportObject::report;
  std::optional<FoundMember> member = {};  ///< whose value comes next
  std::uint32_t named = 0;                 ///< members that were there at all
  std::uint32_t exact = 0;                 ///< members with a value under their own name
  std::uint32_t other = 0;                 ///< members with a value under another name
  bool taken = false;                      ///< texts: a single text has been found

  [[nodiscard]] bool has_value(Member wanted) const { return ((exact | other) & bit(wanted)) != 0; }
};

using Place = Frame::Place;

class ReportBuilder final : public nlohmann::json::json_sax_t {
 public:
  explicit ReportBuilder(const ReportLimits& limits) : limits_(limits) {}

  ReadOutcome finish();

  bool null() override { return scalar({Kind::null}); }
  bool boolean(bool value) override { return scalar({Kind::boolean, value ? "true" : "false"}); }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override { return number(value); }
  bool number_float(number_float_t, const string_t& digits) override {
    return scalar({Kind::number, digits});
  }
  bool string(string_t& value) override { return scalar({Kind::text, value}); }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool key(string_t& name) override;
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception&) override;

 private:
  template <typename Integer>
  bool number(Integer value) {
    const fmt::format_int digits(value);
    return scalar({Kind::number, {digits.data(), digits.size()}});
  }

  bool stop(Refusal refusal, std::string detail);
  bool open(Frame frame);
  bool scalar(const JsonScalar& scalar);
  void member_value(Frame& frame, const JsonScalar& scalar);
  bool claim(Frame& frame);

  bool open_object(Frame& frame);
  bool open_array(Frame& frame);
  bool open_policy_result();
  bool open_failure_details();
  void close_policy_result(const Frame& frame);
  void close_failure_details(const Frame& frame);

  void take_count(Frame& frame, const JsonScalar& scalar);
  void take_time(Frame& frame, const JsonScalar& scalar);
  bool take_text(Frame& frame, const JsonScalar& scalar);
  void take_texts(Frame& frame, const JsonScalar& scalar);
  void add_texts(const Frame& frame, const JsonScalar& scalar);

  Policy& policy_of(const Frame& frame) {
    return frame.object == ReportObject::policy ? result().policy : lifted_;
  }
  PolicyResult& result() { return outcome_.report.policies.back(); }
  FailureDetails& details() { return result().failure_details.back(); }
  std::string& text_of(const Frame& frame);
  std::uint64_t& count_of(Member member);
  std::string normalised(Member member, std::string text);
  bool complete_date_range();

  const ReportLimits& limits_;
  ReadOutcome outcome_;
  std::vector<Frame> frames_;
  Policy lifted_;  ///< members of the current policy that stand one level up
  std::optional<Seconds> start_;
  std::optional<Seconds> end_;
  std::size_t details_ = 0;
  bool any_member_ = false;
  bool any_count_ = false;
};

bool ReportBuilder::stop(Refusal refusal, std::string detail) {
  outcome_.refusal = refusal;
  outcome_.detail = std::move(detail);
  return false;
}

bool ReportBuilder::parse_error(std::size_t position, const std::string& token,
                                const nlohmann::json::exception&) {
  constexpr std::size_t kShown = 40;
  return stop(Refusal::not_json,
              fmt::format("no JSON from byte {} on, near '{}'", position, cut_utf8(token, kShown)));
}

bool ReportBuilder::open(Frame frame) {
  if (frames_.size() >= limits_.max_depth) {
    return stop(Refusal::json_too_deep, fmt::format("more than {} levels", limits_.max_depth));
  }
  frames_.push_back(std::move(frame));
  return true;
}

bool ReportBuilder::key(string_t& name) {
  Frame& frame = frames_.back();
  if (frame.place != Place::object) return true;
  frame.member = find_member(frame.object, name);
  if (!frame.member) return true;
  if (frame.object == ReportObject::report) any_member_ = true;
  if (frame.member->other_case) outcome_.flags.add(Flag::member_case);
  if (frame.member->alias) outcome_.flags.add(Flag::member_alias);
  if ((frame.named & bit(frame.member->member)) != 0) outcome_.flags.add(Flag::duplicate_member);
  frame.named |= bit(frame.member->member);
  return true;
}

/// True if the current member's new value replaces what there was: a later value does, but not one
/// under another name if the member's own name has been seen.
bool ReportBuilder::claim(Frame& frame) {
  const std::uint32_t member = bit(frame.member->member);
  const bool own_name = !frame.member->other_case && !frame.member->alias;
  if (!own_name && (frame.exact & member) != 0) return false;
  (own_name ? frame.exact : frame.other) |= member;
  return true;
}

bool ReportBuilder::scalar(const JsonScalar& scalar) {
  if (frames_.empty()) return true;
  Frame& frame = frames_.back();
  switch (frame.place) {
    case Place::ignored:
      return true;
    case Place::results:
    case Place::details:
      outcome_.flags.add(Flag::details_dropped);
      return true;
    case Place::texts:
      take_texts(frame, scalar);
      return true;
    case Place::object:
      if (frame.member) member_value(frame, scalar);
      return true;
  }
  return true;
}

void ReportBuilder::member_value(Frame& frame, const JsonScalar& scalar) {
  Flags& flags = outcome_.flags;
  const bool blank = scalar.kind == Kind::text && trim_blanks(scalar.value).empty();
  switch (type_of(frame.member->member)) {
    case MemberType::object:
    case MemberType::results:
      return;  // its absence is what counts
    case MemberType::details:
      if (!blank) flags.add(Flag::failure_details_type);
      return;
    case MemberType::count:
      return take_count(frame, scalar);
    case MemberType::time:
      return take_time(frame, scalar);
    case MemberType::text:
      if (!blank) take_text(frame, scalar);
      return;
    case MemberType::texts:
      if (blank) return;
      flags.add(frame.member->member == Member::mx_host ? Flag::mx_host_type
                                                        : Flag::policy_string_type);
      if (scalar.kind == Kind::null || !claim(frame)) return;
      add_texts(frame, scalar);
      return;
  }
}

void ReportBuilder::take_count(Frame& frame, const JsonScalar& scalar) {
  const auto count = read_count(scalar, outcome_.flags);
  if (scalar.kind == Kind::null || trim_blanks(scalar.value).empty() || !claim(frame)) return;
  if (count) any_count_ = true;
  const bool lifted = frame.object == ReportObject::policy_result;
  if (lifted && frame.has_value(Member::summary)) return;
  count_of(frame.member->member) = count.value_or(0);
}

std::uint64_t& ReportBuilder::count_of(Member member) {
  if (member == Member::failed_session_count) return details().failed_session_count;
  return member == Member::total_failure_session_count ? result().total_failure_session_count
                                                       : result().total_successful_session_count;
}

void ReportBuilder::take_time(Frame& frame, const JsonScalar& scalar) {
  const auto time = read_time(scalar, outcome_.flags);
  if (!time) {
    outcome_.flags.add(Flag::date_format);
  } else if (claim(frame)) {
    (frame.member->member == Member::start_datetime ? start_ : end_) = time;
  }
}

/// False if there is no text in it.
bool ReportBuilder::take_text(Frame& frame, const JsonScalar& scalar) {
  std::string text = read_text(scalar, limits_.max_string, outcome_.flags);
  if (text.empty()) return false;
  if (claim(frame)) text_of(frame) = normalised(frame.member->member, std::move(text));
  return true;
}

std::string ReportBuilder::normalised(Member member, std::string text) {
  if (member == Member::policy_type) return to_lower(trim_blanks(text));
  if (member == Member::result_type) return std::string(trim_blanks(text));
  if (member == Member::policy_domain) return read_policy_domain(text, outcome_.flags);
  if (member == Member::receiving_mx_hostname) return read_host(std::move(text));
  const bool ip = member == Member::sending_mta_ip || member == Member::receiving_ip;
  return ip ? read_ip(std::move(text), outcome_.flags) : text;
}

std::string& ReportBuilder::text_of(const Frame& frame) {
  const Member member = frame.member->member;
  switch (frame.object) {
    case ReportObject::policy_result:
    case ReportObject::policy: {
      Policy& policy = policy_of(frame);
      return member == Member::policy_type ? policy.policy_type : policy.policy_domain;
    }
    case ReportObject::failure_details:
      if (member == Member::result_type) return details().result_type;
      if (member == Member::sending_mta_ip) return details().sending_mta_ip;
      if (member == Member::receiving_mx_hostname) return details().receiving_mx_hostname;
      if (member == Member::receiving_mx_helo) return details().receiving_mx_helo;
      if (member == Member::receiving_ip) return details().receiving_ip;
      if (member == Member::failure_reason_code) return details().failure_reason_code;
      return details().additional_information;
    case ReportObject::report:
    case ReportObject::date_range:
    case ReportObject::summary:
      break;
  }
  if (member == Member::contact_info) return outcome_.report.contact_info;
  if (member == Member::report_id) return outcome_.report.report_id;
  return outcome_.report.organization_name;
}

/// An element of an array of strings: all of them for lists, the first for a single text.
void ReportBuilder::take_texts(Frame& frame, const JsonScalar& scalar) {
  Frame& owner = frames_[frames_.size() - 2];
  if (type_of(owner.member->member) == MemberType::texts) {
    if (scalar.kind != Kind::text) outcome_.flags.add(Flag::text_type);
    add_texts(owner, scalar);
  } else if (!frame.taken) {
    frame.taken = take_text(owner, scalar);
  }
}

void ReportBuilder::add_texts(const Frame& frame, const JsonScalar& scalar) {
  if (scalar.kind != Kind::text && scalar.kind != Kind::number) return;
  const bool mx_host = frame.member->member == Member::mx_host;
  Policy& policy = policy_of(frame);
  auto& texts = mx_host ? policy.mx_host : policy.policy_string;
  for (std::string& text : mx_host ? read_mx_patterns(scalar.value, outcome_.flags)
                                   : read_policy_lines(scalar.value, outcome_.flags)) {
    if (texts.size() >= limits_.max_strings || text.size() > limits_.max_string) {
      outcome_.flags.add(Flag::text_cut);
      text.resize(cut_utf8(text, limits_.max_string).size());
    }
    if (texts.size() >= limits_.max_strings) return;
    texts.push_back(std::move(text));
  }
}

bool ReportBuilder::start_object(std::size_t) {
  if (frames_.empty()) return open({Place::object, ReportObject::report});
  Frame& frame = frames_.back();
  switch (frame.place) {
    case Place::ignored:
      return open({Place::ignored});
    case Place::results:
      return open_policy_result();
    case Place::details:
      return open_failure_details();
    case Place::texts:
      outcome_.flags.add(Flag::text_type);
      return open({Place::ignored});
    case Place::object:
      return frame.member ? open_object(frame) : open({Place::ignored});
  }
  return open({Place::ignored});
}

/// The value of a member is an object.
bool ReportBuilder::open_object(Frame& frame) {
  Flags& flags = outcome_.flags;
  const Member member = frame.member->member;
  switch (type_of(member)) {
    case MemberType::results:
      flags.add(Flag::policies_not_array);
      if (!claim(frame)) break;
      outcome_.report.policies.clear();
      details_ = 0;
      return open_policy_result();
    case MemberType::details:
      flags.add(Flag::failure_details_type);
      if (!claim(frame)) break;
      details_ -= result().failure_details.size();
      result().failure_details.clear();
      return open_failure_details();
    case MemberType::object:
      if (!claim(frame)) break;
      if (member == Member::policy) {
        result().policy = {};
        return open({Place::object, ReportObject::policy});
      }
      if (member == Member::summary) {
        result().total_successful_session_count = 0;
        result().total_failure_session_count = 0;
        return open({Place::object, ReportObject::summary});
      }
      start_.reset();
      end_.reset();
      return open({Place::object, ReportObject::date_range});
    case MemberType::count:
      flags.add(Flag::count_invalid);
      break;
    case MemberType::time:
      flags.add(Flag::date_format);
      break;
    case MemberType::text:
    case MemberType::texts:
      flags.add(Flag::text_type);
      break;
  }
  return open({Place::ignored});
}

bool ReportBuilder::start_array(std::size_t) {
  if (frames_.empty()) return open({Place::ignored});
  Frame& frame = frames_.back();
  if (frame.place == Place::results || frame.place == Place::details) {
    outcome_.flags.add(Flag::details_dropped);
  }
  if (frame.place == Place::texts) outcome_.flags.add(Flag::text_type);
  if (frame.place != Place::object || !frame.member) return open({Place::ignored});
  return open_array(frame);
}

/// The value of a member is an array.
bool ReportBuilder::open_array(Frame& frame) {
  switch (type_of(frame.member->member)) {
    case MemberType::results:
      if (!claim(frame)) break;
      outcome_.report.policies.clear();
      details_ = 0;
      return open({Place::results});
    case MemberType::details:
      if (!claim(frame)) break;
      details_ -= result().failure_details.size();
      result().failure_details.clear();
      return open({Place::details});
    case MemberType::texts:
      if (!claim(frame)) break;
      (frame.member->member == Member::mx_host ? policy_of(frame).mx_host
                                               : policy_of(frame).policy_string)
          .clear();
      return open({Place::texts});
    case MemberType::text:
      outcome_.flags.add(Flag::text_type);
      return open({Place::texts});
    case MemberType::count:
      outcome_.flags.add(Flag::count_invalid);
      break;
    case MemberType::time:
      outcome_.flags.add(Flag::date_format);
      break;
    case MemberType::object:
      break;
  }
  return open({Place::ignored});
}

bool ReportBuilder::open_policy_result() {
  if (outcome_.report.policies.size() >= limits_.max_policies) {
    return stop(Refusal::too_many_policies, fmt::format("more than {}", limits_.max_policies));
  }
  outcome_.report.policies.emplace_back();
  lifted_ = {};
  return open({Place::object, ReportObject::policy_result});
}

bool ReportBuilder::open_failure_details() {
  if (details_ >= limits_.max_failure_details) {
    outcome_.flags.add(Flag::details_dropped);
    return open({Place::ignored});
  }
  ++details_;
  result().failure_details.emplace_back();
  return open({Place::object, ReportObject::failure_details});
}

bool ReportBuilder::end_object() {
  const Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.place != Place::object) return true;
  switch (frame.object) {
    case ReportObject::policy_result:
      close_policy_result(frame);
      return true;
    case ReportObject::failure_details:
      close_failure_details(frame);
      return true;
    case ReportObject::summary:
      if (!frame.has_value(Member::total_successful_session_count) ||
          !frame.has_value(Member::total_failure_session_count)) {
        outcome_.flags.add(Flag::missing_count);
      }
      return true;
    case ReportObject::report:
    case ReportObject::date_range:
    case ReportObject::policy:
      return true;
  }
  return true;
}

bool ReportBuilder::end_array() {
  frames_.pop_back();
  return true;
}

void ReportBuilder::close_policy_result(const Frame& frame) {
  Flags& flags = outcome_.flags;
  if ((frame.exact | frame.other) == 0) {  // says nothing at all
    details_ -= result().failure_details.size();
    outcome_.report.policies.pop_back();
    flags.add(Flag::details_dropped);
    return;
  }
  Policy& policy = result().policy;
  if (lifted_ != Policy{}) flags.add(Flag::policy_not_nested);
  if (policy.policy_type.empty()) policy.policy_type = std::move(lifted_.policy_type);
  if (policy.policy_domain.empty()) policy.policy_domain = std::move(lifted_.policy_domain);
  if (policy.policy_string.empty()) policy.policy_string = std::move(lifted_.policy_string);
  if (policy.mx_host.empty()) policy.mx_host = std::move(lifted_.mx_host);

  if (policy.policy_type.empty()) {
    flags.add(Flag::missing_policy_type);
  } else if (!is_registered_policy_type(policy.policy_type)) {
    flags.add(Flag::unknown_policy_type);
  }
  if (policy.policy_domain.empty()) flags.add(Flag::missing_policy_domain);
  if (!frame.has_value(Member::summary)) flags.add(Flag::missing_summary);
}

void ReportBuilder::close_failure_details(const Frame& frame) {
  Flags& flags = outcome_.flags;
  if ((frame.exact | frame.other) == 0) {  // says nothing at all
    result().failure_details.pop_back();
    --details_;
    flags.add(Flag::details_dropped);
    return;
  }
  const std::string& type = details().result_type;
  if (type.empty()) {
    flags.add(Flag::missing_result_type);
  } else if (!is_registered_result_type(type)) {
    flags.add(Flag::unknown_result_type);
  }
  if (!frame.has_value(Member::failed_session_count)) flags.add(Flag::missing_count);
}

/// A day that lacks one of its ends is still known by the other. False if both are missing.
bool ReportBuilder::complete_date_range() {
  using std::chrono::days;
  using std::chrono::seconds;
  if (!start_ && !end_) return false;
  if (!start_) start_ = std::chrono::floor<days>(*end_ - seconds{1});
  if (!end_) end_ = std::chrono::floor<days>(*start_) + days{1} - seconds{1};
  if (*end_ < *start_) outcome_.flags.add(Flag::date_range_reversed);
  outcome_.report.date_range = {*start_, *end_};
  return true;
}

ReadOutcome ReportBuilder::finish() {
  const Report& report = outcome_.report;
  Flags& flags = outcome_.flags;
  if (!start_ != !end_) flags.add(Flag::date_format);
  if (report.organization_name.empty()) flags.add(Flag::missing_organization_name);
  if (report.contact_info.empty()) flags.add(Flag::missing_contact_info);
  if (report.report_id.empty()) flags.add(Flag::missing_report_id);
  if (outcome_.refusal != Refusal::none) {
    // The parser has said why.
  } else if (!any_member_) {
    stop(Refusal::not_a_report, "JSON, but no object with a member of a report");
  } else if (!complete_date_range()) {
    stop(Refusal::no_date_range, "no start-datetime and no end-datetime that is a date");
  } else if (report.policies.empty()) {
    stop(Refusal::no_policies, "no policy in \"policies\"");
  } else if (!any_count_) {
    stop(Refusal::no_counts, "no count of sessions in any policy");
  }
  return std::move(outcome_);
}

}  // namespace

ReadOutcome build_report(std::string_view json, const ReportLimits& limits) {
  ReportBuilder builder(limits);
  nlohmann::json::sax_parse(json.begin(), json.end(), &builder);
  return builder.finish();
}

}  // namespace tlsrpt
