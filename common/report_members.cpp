// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_members.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "common/ascii.hpp"
#include "common/swar.hpp"

namespace tlsrpt {
namespace {

enum class Origin : std::uint8_t { rfc, alias, lifted };

constexpr MemberType type_of(Member member) {
  switch (member) {
    case Member::date_range:
    case Member::policy:
    case Member::summary:
      return MemberType::object;
    case Member::policies:
      return MemberType::policy_results;
    case Member::failure_details:
      return MemberType::failure_details;
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

/// A name, and what it means as it is spelt here, in capitals, misspelt, and in another object.
struct Name {
  constexpr Name() = default;
  constexpr Name(std::string_view text, Member member, Origin origin = Origin::rfc)
      : found{member, type_of(member), false, origin == Origin::alias, origin == Origin::lifted},
        in_other_case(found),
        misspelt(found),
        elsewhere(found) {
    found.name = text;
    in_other_case.other_case = true;
    misspelt.alias = true;
    elsewhere.alias = false;
  }

  FoundMember found{};
  FoundMember in_other_case{};
  FoundMember misspelt{};
  FoundMember elsewhere{};
};

constexpr std::size_t kLongestName = 30;

/// Names in groups of the same length, which is nearly as good as knowing the name.
class NameTable {
 public:
  template <std::size_t size>
  constexpr NameTable(ReportObject object, const Name (&names)[size]) {
    for (std::size_t length = 0; length <= kLongestName; ++length) {
      for (const Name& name : names) {
        if (name.found.name.size() != length) continue;
        Name& known = names_[ends_[length]++];
        known = name;
        known.found.object = object;
        known.elsewhere.elsewhere = object;
      }
      ends_[length + 1] = ends_[length];
    }
  }

  [[nodiscard]] constexpr std::span<const Name> all() const {
    return {names_.data(), names_.data() + ends_[kLongestName]};
  }

  [[nodiscard]] std::span<const Name> of_length(std::size_t length) const {
    if (length == 0 || length > kLongestName) return {};
    return {names_.data() + ends_[length - 1], names_.data() + ends_[length]};
  }

 private:
  std::array<Name, 12> names_{};
  std::array<std::uint8_t, kLongestName + 2> ends_{};  ///< of the names of this length
};

constexpr NameTable kReport(ReportObject::report,
                            {
                                Name{"organization-name", Member::organization_name},
                                Name{"date-range", Member::date_range},
                                Name{"contact-info", Member::contact_info},
                                Name{"report-id", Member::report_id},
                                Name{"policies", Member::policies},
                            });

constexpr NameTable kDateRange(ReportObject::date_range,
                               {
                                   Name{"start-datetime", Member::start_datetime},
                                   Name{"end-datetime", Member::end_datetime},
                               });

constexpr NameTable kPolicyResult(ReportObject::policy_result,
                                  {
                                      Name{"policy", Member::policy},
                                      Name{"summary", Member::summary},
                                      Name{"failure-details", Member::failure_details},
                                      Name{"policy-type", Member::policy_type, Origin::lifted},
                                      Name{"policy-string", Member::policy_string, Origin::lifted},
                                      Name{"policy-domain", Member::policy_domain, Origin::lifted},
                                      Name{"mx-host", Member::mx_host, Origin::lifted},
                                      Name{"mx-host-pattern", Member::mx_host, Origin::lifted},
                                      Name{"total-successful-session-count",
                                           Member::total_successful_session_count, Origin::lifted},
                                      Name{"total-failure-session-count",
                                           Member::total_failure_session_count, Origin::lifted},
                                  });

constexpr NameTable kPolicy(ReportObject::policy,
                            {
                                Name{"policy-type", Member::policy_type},
                                Name{"policy-string", Member::policy_string},
                                Name{"policy-domain", Member::policy_domain},
                                Name{"mx-host", Member::mx_host},
                                Name{"mx-host-pattern", Member::mx_host, Origin::alias},
                            });

constexpr NameTable kSummary(
    ReportObject::summary,
    {
        Name{"total-successful-session-count", Member::total_successful_session_count},
        Name{"total-failure-session-count", Member::total_failure_session_count},
    });

constexpr NameTable kFailureDetails(
    ReportObject::failure_details,
    {
        Name{"result-type", Member::result_type},
        Name{"sending-mta-ip", Member::sending_mta_ip},
        Name{"receiving-mx-hostname", Member::receiving_mx_hostname},
        Name{"receiving-mx-helo", Member::receiving_mx_helo},
        Name{"receiving-ip", Member::receiving_ip},
        Name{"failed-session-count", Member::failed_session_count},
        Name{"additional-information", Member::additional_information},
        Name{"failure-reason-code", Member::failure_reason_code},
        Name{"additional-info-uri", Member::additional_information, Origin::alias},
        Name{"failure-error-code", Member::failure_reason_code, Origin::alias},
    });

constexpr std::array kObjects = {ReportObject::report,        ReportObject::date_range,
                                 ReportObject::policy_result, ReportObject::policy,
                                 ReportObject::summary,       ReportObject::failure_details};

/// In the order of ReportObject.
constexpr std::array<const NameTable*, kObjects.size()> kTables = {
    &kReport, &kDateRange, &kPolicyResult, &kPolicy, &kSummary, &kFailureDetails};

const NameTable& names_of(ReportObject object) {
  return *kTables[static_cast<std::size_t>(object)];
}

/// Letters and digits of a name, in lower case; "" if there are more than any name has.
class Folded {
 public:
  explicit Folded(std::string_view name) {
    for (const char c : name) {
      const char low = ascii_lower(c);
      if ((low < 'a' || low > 'z') && (low < '0' || low > '9')) continue;
      if (size_ == text_.size()) {
        size_ = 0;
        return;
      }
      text_[size_++] = low;
    }
  }

  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

  /// Is it the same but for what was left out here?
  [[nodiscard]] bool is(std::string_view name) const {
    std::size_t at = 0;
    for (const char c : name) {
      if (c == '-') continue;
      if (at == size_ || text_[at++] != c) return false;
    }
    return at == size_;
  }

 private:
  std::array<char, kLongestName> text_{};
  std::size_t size_ = 0;
};

enum class Known : std::uint8_t { in_its_object, anywhere };

struct OtherName {
  constexpr OtherName(ReportObject where, std::string_view text, Member member,
                      Known known = Known::in_its_object)
      : object(where),
        folded(text),
        found{member, type_of(member), false, /*alias=*/true},
        elsewhere(found),
        anywhere(known == Known::anywhere) {
    elsewhere.elsewhere = where;
  }

  ReportObject object;
  std::string_view folded;
  FoundMember found;
  FoundMember elsewhere;
  bool anywhere;  ///< can mean nothing else in any object of a report
};

/// Names that senders and drafts use for a member and that can mean nothing else there.
constexpr std::array kOtherNames = {
    OtherName{ReportObject::report, "organisationname", Member::organization_name},
    OtherName{ReportObject::report, "orgname", Member::organization_name},
    OtherName{ReportObject::date_range, "start", Member::start_datetime},
    OtherName{ReportObject::date_range, "begin", Member::start_datetime},
    OtherName{ReportObject::date_range, "from", Member::start_datetime},
    OtherName{ReportObject::date_range, "startdate", Member::start_datetime},
    OtherName{ReportObject::date_range, "begindate", Member::start_datetime},
    OtherName{ReportObject::date_range, "starttime", Member::start_datetime},
    OtherName{ReportObject::date_range, "begintime", Member::start_datetime},
    OtherName{ReportObject::date_range, "begindatetime", Member::start_datetime},
    OtherName{ReportObject::date_range, "end", Member::end_datetime},
    OtherName{ReportObject::date_range, "to", Member::end_datetime},
    OtherName{ReportObject::date_range, "enddate", Member::end_datetime},
    OtherName{ReportObject::date_range, "endtime", Member::end_datetime},
    OtherName{ReportObject::policy_result, "appliedpolicy", Member::policy, Known::anywhere},
    OtherName{ReportObject::policy_result, "failuredetail", Member::failure_details},
    OtherName{ReportObject::policy_result, "reportitems", Member::failure_details, Known::anywhere},
    OtherName{ReportObject::policy, "policystrings", Member::policy_string},
    OtherName{ReportObject::policy, "mxhosts", Member::mx_host},
    OtherName{ReportObject::policy, "mxhostpatterns", Member::mx_host},
    OtherName{ReportObject::failure_details, "receivingmxhost", Member::receiving_mx_hostname},
    OtherName{ReportObject::failure_details, "receivingmtahostname", Member::receiving_mx_hostname},
    OtherName{ReportObject::failure_details, "receivingmxip", Member::receiving_ip},
    OtherName{ReportObject::failure_details, "receivingmtaip", Member::receiving_ip},
    OtherName{ReportObject::failure_details, "sendingip", Member::sending_mta_ip},
    OtherName{ReportObject::failure_details, "additionalinfo", Member::additional_information},
    OtherName{ReportObject::failure_details, "failurereason", Member::failure_reason_code},
    OtherName{ReportObject::failure_details, "reasoncode", Member::failure_reason_code},
};

constexpr FoundMember count_alias(Member member) {
  return {member, MemberType::count, false, /*alias=*/true};
}
constexpr FoundMember kSuccesses = count_alias(Member::total_successful_session_count);
constexpr FoundMember kFailures = count_alias(Member::total_failure_session_count);
constexpr FoundMember kFailedSessions = count_alias(Member::failed_session_count);

/// Takes one of the words off the front.
bool take_word(std::string_view& text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (!text.starts_with(word)) continue;
    text.remove_prefix(word.size());
    return true;
  }
  return false;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// Drafts and senders make the names of counts of the same few words: success-aggregate,
/// failure-count, message-count, total-failed-sessions. Null if it is none of these.
const FoundMember* find_count(ReportObject object, std::string_view folded) {
  const bool total = take_word(folded, {"total"});
  const bool good = take_word(folded, {"successful", "success"});
  const bool bad = !good && take_word(folded, {"failed", "failure"});
  const bool counts = is_one_of(
      folded, {"count", "sessions", "sessioncount", "sessionscount", "messages", "messagecount"});
  if (object == ReportObject::failure_details)
    return counts && !good && (bad || !total) ? &kFailedSessions : nullptr;
  const bool sums = counts || is_one_of(folded, {"", "s", "aggregate"});
  if (object != ReportObject::summary || !sums || good == bad) return nullptr;
  return good ? &kSuccesses : &kFailures;
}

const Name* find_by_spelling(ReportObject object, const Folded& name) {
  for (const Name& known : names_of(object).all()) {
    if (name.is(known.found.name)) return &known;
  }
  return nullptr;
}

/// A name that its object does not have as it is spelt. Not inlined, so that the usual case does
/// not pay for what this needs.
[[gnu::noinline]] const FoundMember* find_odd_member(ReportObject object, std::string_view name) {
  for (const Name& known : names_of(object).of_length(name.size())) {
    if (equal_ignoring_case(known.found.name, name)) return &known.in_other_case;
  }
  const Folded folded(name);
  if (folded.text().empty()) return nullptr;
  if (const Name* known = find_by_spelling(object, folded)) return &known->misspelt;
  for (const OtherName& other : kOtherNames) {
    if (other.folded != folded.text()) continue;
    if (other.object == object) return &other.found;
    if (other.anywhere) return &other.elsewhere;
  }
  if (const FoundMember* count = find_count(object, folded.text())) return count;
  for (const ReportObject other : kObjects) {
    const Name* known = find_by_spelling(other, folded);
    if (known != nullptr && !known->found.lifted) return &known->elsewhere;
  }
  return nullptr;
}

}  // namespace

const FoundMember* find_member(ReportObject object, std::string_view name) {
  static_assert(kLongestName <= 32);  // for equal_short(); the shortest is "policy"
  for (const Name& known : names_of(object).of_length(name.size())) {
    if (equal_short(known.found.name.data(), name.data(), name.size())) return &known.found;
  }
  return find_odd_member(object, name);
}

/// The order of Member is that of the RFC.
constexpr MemberOrder::Places MemberOrder::kOfRfc = [] {
  std::array<const FoundMember*, kMemberCount> own{};
  for (const NameTable* table : kTables) {
    for (const Name& known : table->all()) {
      if (!known.found.alias && !known.found.lifted)
        own[static_cast<std::size_t>(known.found.member)] = &known.found;
    }
  }
  Places places{};
  const FoundMember* last = nullptr;
  for (const FoundMember* member : own) {
    if (last != nullptr && last->object != member->object) last = nullptr;
    places[place(member->object, last)] = member;
    last = member;
  }
  return places;
}();

MemberOrder::MemberOrder() : next_(kOfRfc) {}

}  // namespace tlsrpt
