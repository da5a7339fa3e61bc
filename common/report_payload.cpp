// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_payload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/ascii.hpp"
#include "common/zip.hpp"

namespace tlsrpt {
namespace {

constexpr unsigned kMaxPackings = 2;
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

bool has_report_name(const ZipEntry& entry) {
  const std::string name = lower_case(entry.name);
  return name.ends_with(".json") || name.ends_with(".gz");
}

}  // namespace

ReadOutcome refused(Refusal refusal, std::string detail) {
  ReadOutcome outcome;
  outcome.refusal = refusal;
  outcome.detail = std::move(detail);
  return outcome;
}

PayloadKind payload_kind(std::string_view bytes) {
  if (looks_like_gzip(bytes)) return PayloadKind::gzip;
  if (looks_like_zip(bytes)) return PayloadKind::zip;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return PayloadKind::empty;
  return bytes[first] == '{' || bytes[first] == '[' ? PayloadKind::json : PayloadKind::other;
}

PayloadReader::PayloadReader(const GunzipLimits& unpacking, const ReportLimits& report)
    : left_(unpacking), whole_budget_(unpacking.max_bytes), report_(report) {}

std::vector<ReadOutcome> PayloadReader::read(std::string_view bytes) {
  return read_packed(bytes, 0);
}

std::vector<ReadOutcome> PayloadReader::read_packed(std::string_view bytes, unsigned depth) {
  const PayloadKind kind = payload_kind(bytes);
  const bool packed = kind == PayloadKind::gzip || kind == PayloadKind::zip;
  if (packed && depth == kMaxPackings)
    return only(refused(Refusal::not_json, fmt::format("packed more than {} times", kMaxPackings)));
  switch (kind) {
    case PayloadKind::gzip:
      return read_gzip(bytes, depth);
    case PayloadKind::zip:
      return read_zip(bytes, depth);
    case PayloadKind::empty:
    case PayloadKind::json:
    case PayloadKind::other:
      break;
  }
  return read_document(bytes);
}

std::vector<ReadOutcome> PayloadReader::read_gzip(std::string_view bytes, unsigned depth) {
  Gunzipped unpacked = gunzip(bytes, left_);
  left_.max_bytes -= unpacked.unpacked;
  if (unpacked.refusal != Refusal::none)
    return refuse_packed(unpacked.refusal, std::move(unpacked.detail));
  auto outcomes = read_packed(unpacked.bytes, depth + 1);
  if (looks_like_gzip(unpacked.bytes)) flag_all(outcomes, Flag::double_gzip);
  if (unpacked.trailing_data) flag_all(outcomes, Flag::gzip_trailing_data);
  return outcomes;
}

std::vector<ReadOutcome> PayloadReader::read_zip(std::string_view bytes, unsigned depth) {
  const ZipDirectory directory = read_zip_directory(bytes);
  if (directory.refusal != Refusal::none) return only(refused(directory.refusal, directory.detail));
  const auto& entries = directory.entries;
  const bool by_name = std::any_of(entries.begin(), entries.end(), has_report_name);
  std::vector<ReadOutcome> outcomes;
  bool seen_before = false;
  for (const ZipEntry& entry : entries) {
    if (by_name && !has_report_name(entry)) continue;
    ZipMember member = read_zip_member(bytes, entry, left_);
    left_.max_bytes -= member.unpacked;
    if (member.refusal != Refusal::none) {
      auto refusals = refuse_packed(member.refusal, std::move(member.detail));
      name_all(refusals, entry);
      append(outcomes, std::move(refusals));
    } else if (by_name || payload_kind(member.bytes) == PayloadKind::json) {
      auto more = read_packed(member.bytes, depth + 1);
      seen_before = seen_before || more.empty();
      name_all(more, entry);
      append(outcomes, std::move(more));
    }
  }
  if (outcomes.empty() && !seen_before)
    return only(refused(Refusal::not_json, "no member of the archive is JSON"));
  return outcomes;
}

std::vector<ReadOutcome> PayloadReader::read_document(std::string_view text) {
  if (!seen_.emplace(text).second) return {};
  return read_reports(text, report_);
}

std::vector<ReadOutcome> PayloadReader::refuse_packed(Refusal refusal, std::string detail) {
  if (refusal == Refusal::too_large)
    detail = fmt::format("unpacks to more than the {} bytes allowed for one message or file",
                         whole_budget_);
  return only(refused(refusal, std::move(detail)));
}

}  // namespace tlsrpt
