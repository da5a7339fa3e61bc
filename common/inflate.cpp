// SPDX-License-Identifier: BSD-2-Clause
#include "common/inflate.hpp"

#include <algorithm>
#include <array>

namespace tlsrpt {
namespace {

// Small enough that a limit is noticed soon, large enough that a call costs little.
constexpr std::size_t kInputStep = 4096;
constexpr std::size_t kOutputStep = 32768;

constexpr int window_bits(Inflater::Format format) {
  constexpr int kPlusGzip = 16;
  return format == Inflater::Format::gzip ? MAX_WBITS + kPlusGzip : -MAX_WBITS;
}

}  // namespace

Inflater::Inflater(Format format, const InflateBounds& bounds) : bounds_(bounds) {
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
  std::array<Bytef, kOutputStep> step;
  while (true) {
    const std::size_t offered = std::min(input.size(), kInputStep);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(offered);
    stream_.next_out = step.data();
    stream_.avail_out = static_cast<uInt>(step.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);

    const std::size_t taken = offered - stream_.avail_in;
    const std::size_t made = step.size() - stream_.avail_out;
    input.remove_prefix(taken);
    total_in_ += taken;
    const std::size_t room = bounds_.max_bytes - total_out_;
    out.append(reinterpret_cast<const char*>(step.data()), std::min(made, room));
    total_out_ += std::min(made, room);

    if (made > room) return InflateEnd::too_large;
    if (total_out_ > bounds_.ratio_floor && total_out_ / bounds_.max_ratio > total_in_)
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
