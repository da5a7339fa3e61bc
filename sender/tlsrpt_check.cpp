// SPDX-License-Identifier: BSD-2-Clause

// The TLSRPT record of a domain, with every defect explained.

#include <algorithm>

#include "common/ascii.hpp"
#include "common/tlsrpt_record.hpp"
#include "sender/domain_check.hpp"

namespace tlsrpt::sender {

namespace {

/// Meant as a record, whether or not it is one.
bool looks_meant(const std::string& text) {
  std::string lower = text.substr(0, 200);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower.find("tlsrpt") != std::string::npos || lower.find("rua=") != std::string::npos;
}

void explain_stray(TlsrptCheck& check) {
  for (const std::string& text : check.texts) {
    check.problems.push_back(
        fmt::format("\"{}\" is no TLSRPT record, so senders pass over it: it must begin with "
                    "v=TLSRPTv1; in exactly these letters, semicolon included",
                    text));
  }
}

void read_one(const std::string& text, TlsrptCheck& check) {
  auto record = parse_tlsrpt_record(text);
  if (!record) {
    check.problems.push_back("the TLSRPT record cannot be used: " + record.error().detail);
    return;
  }
  check.rua = std::move(record->rua);
  check.warnings = std::move(record->warnings);
  if (check.rua.empty()) {
    check.problems.emplace_back(
        "the TLSRPT record has no usable rua, so no report is sent: it needs rua=mailto:ADDRESS "
        "or rua=https://...");
    return;
  }
  if (const auto strict = parse_tlsrpt_record(text, RecordMode::strict); !strict) {
    check.problems.push_back(
        "senders that follow the grammar to the letter refuse the TLSRPT "
        "record: " +
        strict.error().detail);
  }
}

}  // namespace

TlsrptCheck check_tlsrpt_record(const DnsAnswer<std::string>& answer) {
  using Verdict = TlsrptCheck::Verdict;
  TlsrptCheck check;
  if (answer.status == DnsStatus::failed) return check;
  std::vector<std::string> records;
  for (const std::string& text : answer.records) {
    if (is_tlsrpt_record(text)) records.push_back(text);
    if (is_tlsrpt_record(text) || looks_meant(text)) check.texts.push_back(text);
  }
  if (records.size() == 1) {
    check.texts = records;
    read_one(records.front(), check);
  } else if (records.size() > 1) {
    check.problems.push_back(
        fmt::format("there are {} TLSRPT records, so senders use none of them: leave one, with "
                    "all addresses in its rua",
                    records.size()));
  } else {
    explain_stray(check);
  }
  check.verdict = !check.problems.empty() ? Verdict::defective
                  : records.empty()       ? Verdict::none
                                          : Verdict::good;
  return check;
}

}  // namespace tlsrpt::sender
