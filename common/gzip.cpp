// SPDX-License-Identifier: BSD-2-Clause
#include "common/gzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "common/gunzip_at_once.hpp"
#include "common/inflate.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kBeginning = 4096;
constexpr int kUnknownSystem = 255;  // RFC 1952 section 2.3: says nothing about this machine

/// zlib clears its tables before it begins, which costs more than a small report itself: so they
/// are as large as the input needs.
class Deflater {
 public:
  Deflater(int level, std::size_t size) {
    constexpr int kGzipWrapper = 16;
    constexpr std::size_t kLookAhead = 262;  // of the window that no match reaches
    constexpr std::size_t kSmall = 8192;
    constexpr int kSmallMemory = 6;
    constexpr int kUsualMemory = 8;
    int window = 10;
    while (window < MAX_WBITS && (std::size_t{1} << window) < size + kLookAhead) ++window;
    const int memory = size <= kSmall ? kSmallMemory : kUsualMemory;
    if (deflateInit2(&stream_, level, Z_DEFLATED, window + kGzipWrapper, memory,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
    header_.os = kUnknownSystem;
    deflateSetHeader(&stream_, &header_);
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string run(std::string_view bytes) {
    // zlib counts in 32 bits, so that longer texts have to be handed over in slices.
    constexpr std::size_t kSlice = 1u << 30;
    std::string out;
    std::array<Bytef, 16384> step;
    int result = Z_OK;
    while (result != Z_STREAM_END) {
      if (stream_.avail_in == 0) {
        const std::size_t slice = std::min(bytes.size(), kSlice);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(slice);
        bytes.remove_prefix(slice);
      }
      stream_.next_out = step.data();
      stream_.avail_out = static_cast<uInt>(step.size());
      result = deflate(&stream_, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
      out.append(reinterpret_cast<const char*>(step.data()), step.size() - stream_.avail_out);
    }
    return out;
  }

 private:
  z_stream stream_{};
  gz_header header_{};
};

}  // namespace

std::string gzip(std::string_view bytes, int level) {
  return Deflater(std::clamp(level, 1, 9), bytes.size()).run(bytes);
}

bool looks_like_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

Gunzipped gunzip(std::string_view bytes, const GunzipLimits& limits) {
  Gunzipped result;
  if (auto unpacked = gunzip_at_once(bytes, limits)) {
    result.bytes = std::move(*unpacked);
    result.unpacked = result.bytes.size();
    return result;
  }
  Inflater inflater(Inflater::Format::gzip, limits);
  const auto refuse = [&result](Refusal refusal, std::string detail) {
    result.refusal = refusal;
    result.detail = std::move(detail);
    result.unpacked = result.bytes.size();
    result.beginning = result.bytes.substr(0, kBeginning);
    result.bytes.clear();
    return result;
  };
  if (!looks_like_gzip(bytes)) return refuse(Refusal::gzip_damaged, "does not begin with 1f 8b");
  // zlib checks CRC-32, ISIZE and the reserved flag bits of each member.
  while (looks_like_gzip(bytes)) {
    switch (inflater.next(bytes, result.bytes)) {
      case InflateEnd::complete:
        break;
      case InflateEnd::cut:
        return refuse(Refusal::gzip_damaged, "the stream ends in the middle of a member");
      case InflateEnd::damaged:
        return refuse(Refusal::gzip_damaged, std::string(inflater.reason()));
      case InflateEnd::too_large:
        return refuse(Refusal::too_large,
                      fmt::format("unpacks to more than {} bytes", limits.max_bytes));
      case InflateEnd::ratio:
        return refuse(Refusal::gzip_ratio,
                      fmt::format("unpacks to more than {} times its size", limits.max_ratio));
    }
  }
  result.unpacked = result.bytes.size();
  result.trailing_data = !bytes.empty();
  return result;
}

}  // namespace tlsrpt
