// SPDX-License-Identifier: BSD-2-Clause
#include "common/gunzip_at_once.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace tlsrpt {
namespace {

constexpr std::size_t kHeaderBytes = 10;  // RFC 1952 section 2.3
constexpr std::size_t kTrailerBytes = 8;
constexpr std::size_t kFlagsAt = 3;
constexpr unsigned kHasName = 1u << 3;
// More than a report packs to. The size is a stranger's word, and costs clearing so much memory:
// who says more is unpacked step by step.
constexpr std::size_t kLargestRatio = 200;

using Decompressor =
    std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

unsigned octet(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

/// What the last four octets say about the output's size, if there is one member.
std::size_t said_size(std::string_view bytes) {
  std::uint32_t size = 0;
  for (std::size_t i = 1; i <= 4; ++i) size = size << 8 | octet(bytes, bytes.size() - i);
  return size;
}

bool is_within(std::size_t size, std::size_t packed, const GunzipLimits& limits) {
  if (size > limits.max_bytes) return false;
  return size <= limits.ratio_floor || size / std::max<std::size_t>(limits.max_ratio, 1) <= packed;
}

}  // namespace

std::optional<std::string> gunzip_at_once(std::string_view bytes, const GunzipLimits& limits) {
  if (bytes.size() < kHeaderBytes + kTrailerBytes) return std::nullopt;
  // libdeflate passes over the header's own checksum.
  if ((octet(bytes, kFlagsAt) & ~kHasName) != 0) return std::nullopt;
  const std::size_t size = said_size(bytes);
  if (size == 0 || size / kLargestRatio > bytes.size() || !is_within(size, bytes.size(), limits))
    return std::nullopt;
  const Decompressor decompressor(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!decompressor) return std::nullopt;
  std::string out(size, '\0');
  std::size_t taken = 0;
  std::size_t made = 0;
  const libdeflate_result result = libdeflate_gzip_decompress_ex(
      decompressor.get(), bytes.data(), bytes.size(), out.data(), out.size(), &taken, &made);
  const bool whole = result == LIBDEFLATE_SUCCESS && taken == bytes.size() && made == size;
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace tlsrpt
