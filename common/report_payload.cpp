// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_payload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "common/ascii.hpp"
#include "common/header_field.hpp"
#include "common/mbox.hpp"
#include "common/payload_text.hpp"
#include "common/transfer_encoding.hpp"
#include "common/zip.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxNameShown = 256;

std::vector<ReadOutcome> only(ReadOutcome outcome) {
  std::vector<ReadOutcome> outcomes;
  outcomes.push_back(std::move(outcome));
  return outcomes;
}

void append(std::vector<ReadOutcome>& outcomes, std::vector<ReadOutcome> more) {
  std::move(more.begin(), more.end(), std::back_inserter(outcomes));
}

void flag_all(std::vector<ReadOutcome>& outcomes, Flag flag) {
  for (ReadOutcome& outcome : outcomes) outcome.flags.add(flag);
}

/// An archive in an archive: "inner.zip!report.json".
void name_all(std::vector<ReadOutcome>& outcomes, const ZipEntry& entry) {
  for (ReadOutcome& outcome : outcomes) {
    const std::string inner = outcome.member.empty() ? "" : "!" + outcome.member;
    outcome.member = entry.name.substr(0, kMaxNameShown) + inner;
  }
}

bool any_accepted(const std::vector<ReadOutcome>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [](const ReadOutcome& outcome) { return outcome.accepted(); });
}

bool has_report_name(const ZipEntry& entry) {
  const auto ends_with = [&entry](std::string_view end) {
    return ends_with_ignoring_case(entry.name, end);
  };
  return ends_with(".json") || ends_with(".gz") || ends_with(".zip") || ends_with(".eml");
}

/// Says that a member is not what anybody took it for, which is worth a word only if no other is a
/// report. What begins as JSON and is none may be a report cut short: that is told.
bool is_no_report(const ReadOutcome& outcome, PayloadKind kind) {
  return outcome.refusal == Refusal::empty || outcome.refusal == Refusal::not_a_report ||
         outcome.refusal == Refusal::no_report_part ||
         (outcome.refusal == Refusal::not_json && kind != PayloadKind::json);
}

}  // namespace

ReadOutcome refused(Refusal refusal, std::string detail) {
  ReadOutcome outcome;
  outcome.refusal = refusal;
  outcome.detail = std::move(detail);
  return outcome;
}

void drop_repeated(std::vector<ReadOutcome>& outcomes) {
  if (outcomes.size() < 2) return;                      // and nothing has to be hashed
  std::unordered_map<std::string_view, unsigned> seen;  // and in which document
  std::vector<ReadOutcome> kept;
  kept.reserve(outcomes.size());  // what is seen must not move
  for (ReadOutcome& outcome : outcomes) {
    const auto before = seen.find(outcome.json);
    const bool elsewhere = before != seen.end() && before->second != outcome.document;
    if (!outcome.json.empty() && elsewhere) continue;
    kept.push_back(std::move(outcome));
    seen.try_emplace(kept.back().json, kept.back().document);
  }
  outcomes = std::move(kept);
}

PayloadKind payload_kind(std::string_view bytes) {
  if (looks_like_gzip(bytes)) return PayloadKind::gzip;
  if (looks_like_zip(bytes)) return PayloadKind::zip;
  if (looks_like_utf16_json(bytes)) return PayloadKind::json;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return PayloadKind::empty;
  return bytes[first] == '{' || bytes[first] == '[' ? PayloadKind::json : PayloadKind::other;
}

PayloadReader::PayloadReader(const PayloadLimits& limits)
    : limits_(limits), left_(limits.gunzip), report_(limits.report) {}

std::vector<ReadOutcome> PayloadReader::read(std::string bytes) {
  auto outcomes = read_packed(std::move(bytes), 0);
  drop_repeated(outcomes);
  return outcomes;
}

std::vector<ReadOutcome> PayloadReader::read_packed(std::string bytes, std::size_t depth) {
  const PayloadKind kind = payload_kind(bytes);
  switch (kind) {
    case PayloadKind::gzip:
    case PayloadKind::zip:
      return read_container(kind, bytes, depth);
    case PayloadKind::json:
      if (looks_like_utf16_json(bytes)) return read_utf16(bytes);
      break;
    case PayloadKind::other:
      if (depth < limits_.max_packings && looks_like_base64_payload(bytes)) {
        auto outcomes = read_packed(decode_transfer(TransferEncoding::base64, bytes), depth + 1);
        flag_all(outcomes, Flag::content_mismatch);
        return outcomes;
      }
      if (depth > 0 && mail_reader_) {
        auto outcomes = mail_reader_(bytes);
        if (!outcomes.empty()) return outcomes;
      }
      break;
    case PayloadKind::empty:
      break;
  }
  return read_document(std::move(bytes));
}

/// Its own bytes are kept where there is one report, so that what is kept is what came.
std::vector<ReadOutcome> PayloadReader::read_utf16(std::string_view bytes) {
  if (bytes.size() > report_.max_bytes) return read_document(std::string(bytes));
  auto outcomes = read_document(utf8_from_utf16(bytes));
  flag_all(outcomes, Flag::utf16);
  if (outcomes.size() == 1 && outcomes.front().accepted()) outcomes.front().json = bytes;
  return outcomes;
}

std::vector<ReadOutcome> PayloadReader::read_container(PayloadKind kind, std::string_view bytes,
                                                       std::size_t depth) {
  if (depth == limits_.max_packings)
    return only(refused(Refusal::too_many_packings, fmt::format("packed more than {} times "
                                                                "(MaximumPackings)",
                                                                limits_.max_packings)));
  if (bytes.size() > limits_.max_compressed_bytes)
    return only(refused(Refusal::too_large,
                        fmt::format("{} packed bytes, more than {} (MaximumCompressedSize)",
                                    bytes.size(), limits_.max_compressed_bytes)));
  return kind == PayloadKind::gzip ? read_gzip(bytes, depth) : read_zip(bytes, depth);
}

std::vector<ReadOutcome> PayloadReader::read_gzip(std::string_view bytes, std::size_t depth) {
  Gunzipped unpacked = gunzip(bytes, left_);
  left_.max_bytes -= unpacked.unpacked;
  if (unpacked.refusal != Refusal::none) {
    auto refusals = refuse_packed(unpacked.refusal, std::move(unpacked.detail));
    refusals.front().beginning = std::move(unpacked.beginning);
    return refusals;
  }
  const bool again = looks_like_gzip(unpacked.bytes);
  auto outcomes = read_packed(std::move(unpacked.bytes), depth + 1);
  if (again) flag_all(outcomes, Flag::double_gzip);
  if (unpacked.trailing_data) flag_all(outcomes, Flag::gzip_trailing_data);
  return outcomes;
}

/// Names are hints: members that have none of a report's are looked at if no other is a report.
std::vector<ReadOutcome> PayloadReader::read_zip(std::string_view bytes, std::size_t depth) {
  ZipDirectory directory = read_zip_directory(bytes, limits_.max_zip_members);
  if (directory.refusal != Refusal::none) return only(refused(directory.refusal, directory.detail));
  auto& entries = directory.entries;
  const auto others = std::stable_partition(entries.begin(), entries.end(), has_report_name);
  MemberOutcomes named = read_members(bytes, {entries.begin(), others}, depth, /*named=*/true);
  if (!any_accepted(named.outcomes)) {
    MemberOutcomes more = read_members(bytes, {others, entries.end()}, depth, /*named=*/false);
    if (any_accepted(more.outcomes) || others == entries.begin()) {
      append(named.outcomes, std::move(more.outcomes));
      append(named.no_reports, std::move(more.no_reports));
    }
  }
  if (!any_accepted(named.outcomes)) append(named.outcomes, std::move(named.no_reports));
  if (named.outcomes.empty())
    return only(refused(Refusal::not_json, "no member of the archive is JSON"));
  return std::move(named.outcomes);
}

PayloadReader::MemberOutcomes PayloadReader::read_members(std::string_view bytes,
                                                          std::span<const ZipEntry> entries,
                                                          std::size_t depth, bool named) {
  MemberOutcomes found;
  for (const ZipEntry& entry : entries) {
    ZipMember member = read_zip_member(bytes, entry, left_);
    left_.max_bytes -= member.unpacked;
    if (member.refusal != Refusal::none) {
      auto refusals = refuse_packed(member.refusal, std::move(member.detail));
      name_all(refusals, entry);
      append(found.outcomes, std::move(refusals));
      continue;
    }
    const PayloadKind kind = payload_kind(member.bytes);
    if (!named && !is_payload(kind) && !begins_with_field(member.bytes) &&
        !looks_like_mbox(member.bytes))
      continue;
    auto more = read_packed(std::move(member.bytes), depth + 1);
    name_all(more, entry);
    for (ReadOutcome& outcome : more) {
      auto& kept = is_no_report(outcome, kind) ? found.no_reports : found.outcomes;
      kept.push_back(std::move(outcome));
    }
  }
  return found;
}

std::vector<ReadOutcome> PayloadReader::read_document(std::string text) {
  if (said_too_many_reports_) return {};
  if (report_.max_reports == 0) return only(too_many_reports());
  auto outcomes = read_last_reports(std::move(text), report_);
  if (outcomes.back().refusal == Refusal::too_many_reports) outcomes.back() = too_many_reports();
  ++documents_;
  for (ReadOutcome& outcome : outcomes) outcome.document = documents_;
  report_.max_reports -= std::min(report_.max_reports, outcomes.size());
  return outcomes;
}

/// In words of the whole budget, of which the document that reached it may have had only a rest.
ReadOutcome PayloadReader::too_many_reports() {
  said_too_many_reports_ = true;
  return refused(Refusal::too_many_reports,
                 fmt::format("more than {} reports in one message or file (MaximumReports)",
                             limits_.report.max_reports));
}

std::vector<ReadOutcome> PayloadReader::refuse_packed(Refusal refusal, std::string detail) {
  if (refusal == Refusal::too_large)
    detail = fmt::format(
        "unpacks to more than the {} bytes allowed for one message or file "
        "(MaximumReportSize)",
        limits_.gunzip.max_bytes);
  if (refusal == Refusal::gzip_ratio) detail += " (MaximumCompressionRatio)";
  return only(refused(refusal, std::move(detail)));
}

}  // namespace tlsrpt
