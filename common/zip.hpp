// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Zip archives in memory: reports that a gateway or a person has packed again.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/gzip.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

/// A member as the central directory lists it. Nothing of it is to be trusted.
struct ZipEntry {
  std::string name;  ///< a hint, never a path
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint32_t packed_size = 0;
  std::uint32_t size = 0;
  std::uint32_t local_header = 0;  ///< offset in the archive
};

struct ZipDirectory {
  Refusal refusal = Refusal::none;  ///< zip_damaged, zip_unsupported, zip_too_many_members
  std::string detail;
  std::vector<ZipEntry> entries;  ///< without folders
};

struct ZipMember {
  Refusal refusal = Refusal::none;  ///< zip_damaged, zip_unsupported, gzip_ratio, too_large
  std::string detail;
  std::string bytes;
  std::size_t unpacked = 0;  ///< bytes that were made, also if they were refused then
};

bool looks_like_zip(std::string_view bytes);  ///< "PK" 03 04, or 05 06 of an empty archive

/// Refuses archives of several volumes, with 64-bit sizes, or with more than max_entries members.
ZipDirectory read_zip_directory(std::string_view archive, std::size_t max_entries = 100);

/// Stored and deflated members; refuses encrypted ones. Compares CRC-32 and size with the directory
/// afterwards, but no buffer is made by a size that the archive states.
ZipMember read_zip_member(std::string_view archive, const ZipEntry& entry,
                          const GunzipLimits& limits);

}  // namespace tlsrpt
