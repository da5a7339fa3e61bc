// SPDX-License-Identifier: BSD-2-Clause
#include "common/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/cross_check.hpp"
#include "common/domain_name.hpp"
#include "common/mailbox.hpp"
#include "common/mbox.hpp"
#include "common/mime_walker.hpp"
#include "common/refused_report.hpp"
#include "common/report_filename.hpp"
#include "common/report_part.hpp"
#include "common/report_payload.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxMboxMessages = 100'000;

MimeLimits mime_limits(const MessageLimits& limits) {
  return {limits.max_header_bytes, limits.max_parts, limits.max_depth};
}

MailFacts read_facts(const MimeMessage& message) {
  const HeaderSection& header = message.header;
  const auto value = [&header](std::string_view name) {
    return header.value_of(name).value_or("");
  };
  MailFacts facts;
  facts.from = value("From");
  facts.subject = value("Subject");
  facts.message_id = value("Message-ID");
  facts.date = value("Date");
  facts.tls_report_domain = normal_or_same(value("TLS-Report-Domain"));
  facts.tls_report_submitter = normal_or_same(value("TLS-Report-Submitter"));
  if (header.count("From") == 1) {
    const auto mailbox = only_mailbox(facts.from);
    facts.from_domain = mailbox ? domain_of_address(*mailbox).value_or("") : "";
  }
  facts.has_preamble = message.has_preamble;
  facts.claims_report = message.mentions_tlsrpt || header.count("TLS-Report-Domain") > 0 ||
                        header.count("TLS-Report-Submitter") > 0;
  return facts;
}

bool is_report_type(std::string_view media_type) {  // RFC 8460 section 6.4
  return media_type == "application/tlsrpt+gzip" || media_type == "application/tlsrpt+json";
}

/// Line ends that no rule knows, but some programs make: CR alone, and CR CR LF. Both are known by
/// the first line. False if there is nothing to put right.
bool repair_line_ends(std::string_view text, std::string& out) {
  const std::size_t first = text.find('\n');
  if (first == std::string_view::npos && text.find('\r') != std::string_view::npos) {
    out = text;
    std::replace(out.begin(), out.end(), '\r', '\n');
    return true;
  }
  if (first == std::string_view::npos || first < 2 || text.substr(first - 2, 2) != "\r\r")
    return false;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 3) == "\r\r\n") ++i;
    out += text[i];
  }
  return true;
}

/// What came of the parts of a message.
struct Outcomes {
  std::vector<ReadOutcome> accepted;
  std::vector<ReadOutcome> strong;  ///< refusals of parts that say they are reports
  std::vector<ReadOutcome> weak;    ///< refusals of parts that could have been one

  [[nodiscard]] std::vector<ReadOutcome> in_order() && {
    std::vector<ReadOutcome> all = std::move(accepted);
    const bool any_accepted = !all.empty();
    std::move(strong.begin(), strong.end(), std::back_inserter(all));
    if (!any_accepted) std::move(weak.begin(), weak.end(), std::back_inserter(all));
    return all;
  }
};

/// Collects the outcomes of one message.
class ReportFinder {
 public:
  explicit ReportFinder(const MessageLimits& limits) : limits_(limits), payloads_(limits) {
    payloads_.set_mail_reader([this](std::string_view bytes) { return open_packed_mails(bytes); });
  }

  ReportFinder(const ReportFinder&) = delete;
  ReportFinder& operator=(const ReportFinder&) = delete;

  /// Of something that is no message, but may have some in it.
  std::vector<ReadOutcome> open_file(std::string bytes) {
    std::vector<ReadOutcome> outcomes = payloads_.read(std::move(bytes));
    add_limits(outcomes);
    return outcomes;
  }

  OpenedMessage open(std::string_view text) {
    OpenedMessage opened;
    std::string lines;  // what the views are into, if the text's own cannot be used
    const std::string_view header = without_junk_before_header(text);
    const bool large = text.size() > limits_.max_message_bytes;
    repaired_ = header.size() != text.size() || (!large && repair_line_ends(header, lines));
    text = lines.empty() ? header : lines;
    const MimeMessage message =
        walk_mime(text.substr(0, limits_.max_message_bytes), mime_limits(limits_));
    opened.facts = read_facts(message);
    if (text.size() > limits_.max_message_bytes) {
      opened.outcomes.push_back(refused(
          Refusal::too_large, fmt::format("a message of more than {} bytes (MaximumMessageSize)",
                                          limits_.max_message_bytes)));
      return opened;
    }
    facts_ = &opened.facts;
    claims_report_ = opened.facts.claims_report;
    is_report_ = message.is_report;
    duplicate_header_ = message.header.count("TLS-Report-Domain") > 1 ||
                        message.header.count("TLS-Report-Submitter") > 1;
    open_parts(message, /*forwarded=*/false, 0);
    opened.outcomes = finish();
    opened.facts.claims_report = claims_report_ || meant_as_report_;
    facts_ = nullptr;
    return opened;
  }

 private:
  void open_parts(const MimeMessage& message, bool forwarded, std::size_t depth) {
    too_deep_ = too_deep_ || message.too_deep;
    too_many_parts_ = too_many_parts_ || message.too_many_parts;
    headers_too_large_ = headers_too_large_ || message.headers_too_large;
    for (const MimePart& part : message.parts) {
      if (parts_++ > limits_.max_parts) {
        too_many_parts_ = true;
        return;
      }
      if (is_wrapped_message(part))
        open_wrapped_message(part, depth + 1);
      else
        open_part(part, forwarded || part.forwarded);
    }
  }

  /// Not allowed (RFC 2046 section 5.2.1), but some programs encode what they forward, or attach it
  /// as a file.
  void open_wrapped_message(const MimePart& part, std::size_t depth) {
    if (depth > limits_.max_depth) {
      too_deep_ = true;
      return;
    }
    const std::string text = decode_transfer(part.encoding, part.body);
    open_parts(walk_mime(text, mime_limits(limits_)), /*forwarded=*/true, depth);
  }

  /// Mails in an archive or packed, as people and mail servers keep them. What is packed in these
  /// again is not opened as mail once more.
  std::vector<ReadOutcome> open_packed_mails(std::string_view bytes) {
    bytes = without_junk_before_header(bytes);
    const bool mbox = looks_like_mbox(bytes);
    if (in_packed_mail_ || (!mbox && !begins_with_field(bytes))) return {};
    in_packed_mail_ = true;
    Outcomes around = std::exchange(found_, {});
    const Mailbox mailbox = mbox ? split_mbox(bytes, kMaxMboxMessages) : Mailbox{{bytes}};
    const std::size_t parts = parts_;
    for (const std::string_view message : mailbox.messages) {
      parts_ = 0;
      open_parts(walk_mime(message, mime_limits(limits_)), /*forwarded=*/true, 1);
    }
    parts_ = parts;
    auto outcomes = std::exchange(found_, std::move(around)).in_order();
    in_packed_mail_ = false;
    if (outcomes.empty())
      outcomes.push_back(refused(Refusal::no_report_part, "no part looks like a report"));
    return outcomes;
  }

  void open_part(const MimePart& part, bool forwarded) {
    ReportPart found = inspect_part(part, claims_report_);
    if (found.candidate == Candidate::none) return;
    for (ReadOutcome& outcome : payloads_.read(std::move(found.bytes))) {
      if (found.mismatch) outcome.flags.add(Flag::content_mismatch);
      if (!part.closed) outcome.flags.add(Flag::mime_not_closed);
      if (part.damaged || found.damaged || repaired_) outcome.flags.add(Flag::mail_damaged);
      const bool inner = forwarded || outcome.flags.has(Flag::forwarded_message);
      if (inner) outcome.flags.add(Flag::forwarded_message);
      if (!inner && (!is_report_ || !is_report_type(part.media_type)))
        outcome.flags.add(Flag::mail_shape);
      if (duplicate_header_ && !inner) outcome.flags.add(Flag::duplicate_header);
      if (outcome.accepted()) {
        const auto name = parse_report_filename(part.name);
        if (name && !agrees(*name, outcome.report)) outcome.flags.add(Flag::filename_mismatch);
        // What the outer header says is not about a message that was forwarded inside of it.
        if (!inner) cross_check(outcome, *facts_);
        if (!inner) fill_policy_domain(outcome, *facts_);
        found_.accepted.push_back(std::move(outcome));
      } else {
        const bool certain =
            found.candidate == Candidate::strong || outcome.refusal == Refusal::too_many_reports;
        const std::string_view subject =
            facts_ == nullptr ? std::string_view() : std::string_view(facts_->subject);
        meant_as_report_ = meant_as_report_ || was_meant_as_report(outcome, part.name, subject);
        (certain ? found_.strong : found_.weak).push_back(std::move(outcome));
      }
    }
  }

  std::vector<ReadOutcome> finish() {
    std::vector<ReadOutcome> outcomes = std::exchange(found_, {}).in_order();
    drop_repeated(outcomes);
    add_limits(outcomes);
    if (outcomes.empty())
      outcomes.push_back(refused(Refusal::no_report_part, "no part looks like a report"));
    return outcomes;
  }

  /// What was not looked at.
  void add_limits(std::vector<ReadOutcome>& outcomes) const {
    if (too_many_parts_)
      outcomes.push_back(
          refused(Refusal::message_too_many_parts,
                  fmt::format("more than {} parts (MaximumMIMEParts)", limits_.max_parts)));
    if (too_deep_)
      outcomes.push_back(
          refused(Refusal::message_too_deep,
                  fmt::format("parts nest deeper than {} (MaximumMIMEDepth)", limits_.max_depth)));
    if (headers_too_large_)
      outcomes.push_back(refused(Refusal::message_headers_too_large,
                                 fmt::format("a header of more than {} bytes (MaximumHeaders)",
                                             limits_.max_header_bytes)));
  }

  const MessageLimits& limits_;
  PayloadReader payloads_;
  const MailFacts* facts_ = nullptr;
  bool is_report_ = false;
  bool duplicate_header_ = false;
  bool repaired_ = false;
  bool too_deep_ = false;
  bool too_many_parts_ = false;
  bool headers_too_large_ = false;
  std::size_t parts_ = 0;
  bool claims_report_ = false;
  bool meant_as_report_ = false;  ///< something that was refused
  bool in_packed_mail_ = false;
  Outcomes found_;
};

std::vector<ReadOutcome> open_mbox(std::string_view bytes, const MessageLimits& limits) {
  const Mailbox mailbox = split_mbox(bytes, kMaxMboxMessages);
  std::vector<ReadOutcome> outcomes;
  for (const std::string_view message : mailbox.messages) {
    OpenedMessage opened = open_message(message, limits);
    std::move(opened.outcomes.begin(), opened.outcomes.end(), std::back_inserter(outcomes));
  }
  if (!mailbox.complete)
    outcomes.push_back(refused(Refusal::message_too_many_parts,
                               fmt::format("mailbox of more than {} messages", kMaxMboxMessages)));
  return outcomes;
}

bool looks_like_message(std::string_view bytes, const MessageLimits& limits) {
  const HeaderSection header =
      split_header(without_junk_before_header(bytes), limits.max_header_bytes);
  return !header.fields.empty() || header.too_large;
}

}  // namespace

std::string_view without_junk_before_header(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  constexpr std::size_t kLongestLength = 12;
  std::string_view header = text;
  if (header.starts_with(kByteOrderMark)) header.remove_prefix(kByteOrderMark.size());
  header.remove_prefix(std::min(header.find_first_not_of(" \t\r\n"), header.size()));
  const std::size_t digits = header.find_first_not_of("0123456789");  // Apple's .emlx
  if (digits > 0 && digits <= kLongestLength)
    header.remove_prefix(std::min(header.find_first_not_of(" \r\n", digits), header.size()));
  const bool at_header = begins_with_field(header) || looks_like_mbox(header);
  return at_header ? header : text;
}

OpenedMessage open_message(std::string_view message, const MessageLimits& limits) {
  return ReportFinder(limits).open(message);
}

std::vector<ReadOutcome> open_file_bytes(std::string_view bytes, const MessageLimits& limits) {
  const bool packed_or_json = payload_kind(bytes) != PayloadKind::other;
  const std::string_view from = without_junk_before_header(bytes);
  if (!packed_or_json && looks_like_mbox(from)) return open_mbox(from, limits);
  if (!packed_or_json && looks_like_message(bytes, limits))
    return open_message(bytes, limits).outcomes;
  return ReportFinder(limits).open_file(std::string(bytes));
}

}  // namespace tlsrpt
