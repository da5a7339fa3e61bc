// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Undoing deflate with hard bounds: the one place where bytes of strangers are made larger.

#include <zlib.h>

#include <string>
#include <string_view>

namespace tlsrpt {

enum class InflateEnd {
  complete,   ///< the stream ended where it says, and its checksum is right
  cut,        ///< the input ended first
  damaged,    ///< not a deflate stream, or wrong checksum or length
  too_large,  ///< more output than max_bytes
  ratio,      ///< more output than max_ratio for each byte of input
};

struct InflateBounds {
  std::size_t max_bytes;    ///< of output, over all streams
  std::size_t max_ratio;    ///< output/input
  std::size_t ratio_floor;  ///< below this much output the ratio is not looked at
};

/// Inflates streams that follow each other. All of them count against the same bounds.
class Inflater {
 public:
  enum class Format {
    gzip,  ///< with header and trailer, both checked
    raw,   ///< deflate only, as in zip
  };
  Inflater(Format format, const InflateBounds& bounds);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Takes one stream off the front of 'input' and appends its content to 'out'. Works in small
  /// steps; out never grows by more than one step beyond what the bounds allow, and is cut to it.
  InflateEnd next(std::string_view& input, std::string& out);

  /// zlib's words for what was damaged; valid after next().
  [[nodiscard]] std::string_view reason() const { return reason_; }

 private:
  InflateBounds bounds_;
  z_stream stream_{};
  bool ready_ = false;
  std::size_t total_in_ = 0;
  std::size_t total_out_ = 0;
  std::string_view reason_;
};

}  // namespace tlsrpt
