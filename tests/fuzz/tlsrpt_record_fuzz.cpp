// SPDX-License-Identifier: BSD-2-Clause

// The TXT record of a stranger's domain: its destinations end up in SMTP commands and in curl.

#include <algorithm>

#include "common/domain_name.hpp"
#include "common/tlsrpt_record.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;

constexpr RecordLimits kLimits{.max_bytes = 1024, .max_rua = 4};

void check_rua(const Rua& rua) {
  const auto again = parse_rua(rua.uri);
  fuzz::require(again && *again == rua, "a destination's URI reads back equal");
  fuzz::require(same_destination(rua, *again), "a destination is the same as itself");
  fuzz::require(!rua.host.empty(), "a destination has a host");
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  fuzz::require(std::all_of(rua.host.begin(), rua.host.end(), printable) &&
                    std::all_of(rua.address.begin(), rua.address.end(), printable),
                "host and address are printable ASCII");
  fuzz::require((rua.scheme == Rua::Scheme::mailto) == is_plain_address(rua.address),
                "a mailto has an address that may stand in a header");
  const auto encoded = parse_rua(encode_rua(rua.uri));
  fuzz::require(encoded && same_destination(rua, *encoded), "encoding keeps the destination");
}

void check(std::string_view text, RecordMode mode) {
  const auto record = parse_tlsrpt_record(text, mode, kLimits);
  const auto selected = select_tlsrpt_record({std::string(text)}, mode, kLimits);
  fuzz::require(selected.has_value() == (record && is_tlsrpt_record(text, mode)),
                "a record that is alone is selected if it can be read");
  if (!record) return;
  fuzz::require(text.size() <= kLimits.max_bytes, "a record over the limit is refused");
  fuzz::require(record->rua.size() <= kLimits.max_rua, "destinations stay within their limit");
  for (const Rua& rua : record->rua) check_rua(rua);
  for (std::size_t i = 1; i < record->rua.size(); ++i) {
    fuzz::require(!same_destination(record->rua[i - 1], record->rua[i]), "no destination twice");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  check(text, RecordMode::lenient);
  check(text, RecordMode::strict);
  const bool strict = parse_tlsrpt_record(text, RecordMode::strict, kLimits).has_value();
  fuzz::require(!strict || parse_tlsrpt_record(text, RecordMode::lenient, kLimits),
                "what strict accepts, lenient accepts");
  return 0;
}
