// SPDX-License-Identifier: BSD-2-Clause

// A mail, or a file of any kind, from a stranger: MIME, gzip, zip, mbox and JSON in one.

#include "common/message.hpp"
#include "common/outcome_codec.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;

MessageLimits small_limits() {
  MessageLimits limits;
  limits.max_message_bytes = 512u << 10;
  limits.max_header_bytes = 8u << 10;
  limits.max_parts = 12;
  limits.max_depth = 4;
  limits.gunzip = {.max_bytes = 256u << 10, .max_ratio = 100, .ratio_floor = 16u << 10};
  limits.report = fuzz::small_report_limits();
  return limits;
}

void check(const std::vector<ReadOutcome>& outcomes, const MessageLimits& limits) {
  fuzz::require(!outcomes.empty(), "there is an outcome");
  for (const ReadOutcome& outcome : outcomes) {
    fuzz::require(outcome.json.size() <= limits.report.max_bytes, "JSON stays within its limit");
    if (outcome.accepted()) fuzz::require_round_trip(outcome.report, limits.report);
  }
}

/// What the confined reader sends is what the process outside gets.
void check_codec(const OpenedMessage& opened) {
  const std::string encoded = encode_opened(opened);
  const auto decoded = decode_opened(encoded);
  fuzz::require(decoded.has_value(), "what was encoded can be decoded");
  fuzz::require(encode_opened(*decoded) == encoded, "decoding loses nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MessageLimits limits = small_limits();
  const OpenedMessage opened = open_message(fuzz::as_text(data, size), limits);
  check(opened.outcomes, limits);
  check_codec(opened);
  check(open_file_bytes(fuzz::as_text(data, size), limits), limits);
  return 0;
}
