// SPDX-License-Identifier: BSD-2-Clause
#include "common/inflate.hpp"

#include <algorithm>

namespace tlsrpt {
namespace {

// Small enough that a limit is noticed soon, large enough that a call costs little: zlib copies up
// to 32 KiB into its window at the end of each.
constexpr std::size_t kLargestStep = 256u << 10;
constexpr std::size_t kSmallestStep = 2048;

// What text usually packs to, and room that costs nothing before it is used.
constexpr std::size_t kUsualRatio = 16;

/// zlib counts in 32 bits.
uInt zlib_size(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, 1u << 30));
}

constexpr int window_bits(Inflater::Format format) {
  constexpr int kPlusGzip = 16;
  return format == Inflater::Format::gzip ? MAX_WBITS + kPlusGzip : -MAX_WBITS;
}

}  // namespace

Inflater::Inflater(Format format, const GunzipLimits& limits) : limits_(limits) {
  ready_ = inflateInit2(&stream_, window_bits(format)) == Z_OK;
}

Inflater::~Inflater() {
  if (ready_) inflateEnd(&stream_);
}

InflateEnd Inflater::next(std::string_view& input, std::string& out) {
  reason_ = {};
  if (!ready_ || inflateReset(&stream_) != Z_OK) {
    reason_ = "no memory";
    return InflateEnd::damaged;
  }
  const std::size_t usual = std::min(limits_.max_bytes - total_out_, kUsualRatio * input.size());
  // Streams behind the first are mostly made to cost time: hundreds of thousands without content.
  const std::size_t largest_first = total_in_ == 0 ? kLargestStep : kSmallestStep;
  std::size_t step = std::clamp(usual, kSmallestStep, largest_first);
  out.reserve(out.size() + usual + step);
  while (true) {
    const std::size_t end = out.size();
    const uInt offered = zlib_size(input.size());
    out.resize(end + step);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = offered;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + end);
    stream_.avail_out = static_cast<uInt>(step);
    // Z_FINISH: a stream that ends within this step needs no window.
    const int result = inflate(&stream_, Z_FINISH);

    const std::size_t taken = offered - stream_.avail_in;
    const std::size_t made = step - stream_.avail_out;
    const std::size_t room = limits_.max_bytes - total_out_;
    input.remove_prefix(taken);
    out.resize(end + std::min(made, room));
    total_in_ += taken;
    total_out_ += std::min(made, room);
    step = std::min(2 * step, kLargestStep);

    if (made > room) return InflateEnd::too_large;
    if (total_out_ > limits_.ratio_floor &&
        total_out_ / std::max<std::size_t>(limits_.max_ratio, 1) > total_in_)
      return InflateEnd::ratio;
    if (result == Z_STREAM_END) return InflateEnd::complete;
    if (result != Z_OK && result != Z_BUF_ERROR) {
      reason_ = stream_.msg != nullptr ? stream_.msg : "not a deflate stream";
      return InflateEnd::damaged;
    }
    // Output left in zlib's window does not need input, so only a step without any progress ends
    // it.
    if (input.empty() && made == 0) return InflateEnd::cut;
    if (taken == 0 && made == 0) return InflateEnd::damaged;
  }
}

}  // namespace tlsrpt
