// SPDX-License-Identifier: BSD-2-Clause

// Packed bytes of a stranger: nothing larger than the limits may come out, of gzip or of zip.

#include "common/gunzip_at_once.hpp"
#include "common/gzip.hpp"
#include "common/inflate.hpp"
#include "common/zip.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;

constexpr GunzipLimits kLimits{.max_bytes = 64u << 10, .max_ratio = 50, .ratio_floor = 4u << 10};

void check_size(std::size_t out, std::size_t in) {
  fuzz::require(out <= kLimits.max_bytes, "output stays within its limit");
  fuzz::require(out <= kLimits.ratio_floor || out <= in * kLimits.max_ratio,
                "output stays within its ratio");
}

void check_gzip(std::string_view bytes) {
  const Gunzipped unpacked = gunzip(bytes, kLimits);
  fuzz::require(unpacked.unpacked <= kLimits.max_bytes, "no more is made than the limit");
  if (unpacked.refusal == Refusal::none) {
    check_size(unpacked.bytes.size(), bytes.size());
  } else {
    fuzz::require(unpacked.bytes.empty(), "a refusal hands out nothing");
  }
}

/// The short way must never give what the long one would not.
void check_at_once(std::string_view bytes) {
  const auto unpacked = gunzip_at_once(bytes, kLimits);
  if (!unpacked) return;
  check_size(unpacked->size(), bytes.size());
  std::string step_by_step;
  Inflater inflater(Inflater::Format::gzip, kLimits);
  const InflateEnd end = inflater.next(bytes, step_by_step);
  fuzz::require(end == InflateEnd::complete && bytes.empty() && step_by_step == *unpacked,
                "both ways unpack to the same");
}

void check_zip(std::string_view bytes) {
  constexpr std::size_t kMaxEntries = 4;
  const ZipDirectory directory = read_zip_directory(bytes, kMaxEntries);
  fuzz::require(directory.entries.size() <= kMaxEntries, "entries stay within their limit");
  for (const ZipEntry& entry : directory.entries) {
    const ZipMember member = read_zip_member(bytes, entry, kLimits);
    fuzz::require(member.unpacked <= kLimits.max_bytes, "no more is made than the limit");
    if (member.refusal == Refusal::none) check_size(member.bytes.size(), bytes.size());
  }
}

void check_round_trip(std::string_view bytes) {
  const std::string packed = gzip(bytes);
  const Gunzipped again = gunzip(packed);
  fuzz::require(again.refusal == Refusal::none && again.bytes == bytes && !again.trailing_data,
                "what was packed unpacks to the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  check_gzip(bytes);
  check_at_once(bytes);
  check_zip(bytes);
  check_round_trip(bytes);
  return 0;
}
