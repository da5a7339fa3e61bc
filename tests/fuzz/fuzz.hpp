// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the fuzz targets share: bytes as text, a check that stops the program, and the invariants
// that several targets ask for.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "common/report_reader.hpp"
#include "common/report_writer.hpp"

/// The entry point of every target: libFuzzer calls it, and so does replay_main.cpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tlsrpt::fuzz {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// An abort and not an assertion: fuzzers and the replay see it in every kind of build.
inline void require(bool holds, std::string_view invariant) {
  if (holds) return;
  std::fprintf(stderr, "broken invariant: %.*s\n", static_cast<int>(invariant.size()),
               invariant.data());
  std::abort();
}

/// Small, so that a short input reaches each of them; but a domain name is never cut.
inline ReportLimits small_report_limits() {
  return {.max_bytes = 256u << 10,
          .max_depth = 12,
          .max_reports = 8,
          .max_policies = 8,
          .max_failure_details = 16,
          .max_strings = 8,
          .max_string = 300};
}

/// What the reader accepts is normal: written down and read again, it is the same report.
inline void require_round_trip(const Report& report, ReportLimits limits) {
  // Escapes and member names that the sender left out make the strict text longer.
  limits.max_bytes *= 8;
  const auto again = read_reports(write_report(report), limits);
  require(again.size() == 1, "a written report is one report");
  require(again[0].accepted(), "a written report is accepted");
  require(again[0].report == report, "a written report reads back equal");
}

}  // namespace tlsrpt::fuzz
