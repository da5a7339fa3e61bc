// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// gzip (RFC 1952) in memory, with hard bounds on what comes out.

#include <string>
#include <string_view>

#include "common/report_verdict.hpp"

namespace tlsrpt {

/// One member without name and time (R134), so equal input gives equal bytes. level: 1..9.
std::string gzip(std::string_view bytes, int level = 6);

struct GunzipLimits {
  std::size_t max_bytes = 16u << 20;  ///< of output, over all members
  std::size_t max_ratio = 1000;  ///< output/input; checked only above ratio_floor bytes of output
  std::size_t ratio_floor = 1u << 20;
};

struct Gunzipped {
  Refusal refusal = Refusal::none;  ///< gzip_damaged, gzip_ratio, too_large
  std::string detail;
  std::string bytes;
  std::string beginning;       ///< of what was refused: a few of the bytes that were made
  std::size_t unpacked = 0;    ///< bytes that were made, also if they were refused then
  bool trailing_data = false;  ///< bytes behind the last member were ignored (R232)
};

bool looks_like_gzip(std::string_view bytes);  ///< 1f 8b

/// All members (R232); checks CRC-32, ISIZE and reserved flag bits (R233, R234).
/// Inflates in small steps and stops at the first byte over a limit.
Gunzipped gunzip(std::string_view bytes, const GunzipLimits& limits = {});

}  // namespace tlsrpt
