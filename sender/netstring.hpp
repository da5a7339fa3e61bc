// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Netstrings as socketmap uses them: "LENGTH:BYTES,".

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

std::string write_netstring(std::string_view text);

/// Cuts what a connection brings into netstrings. It keeps what has not been taken yet.
class NetstringReader {
 public:
  explicit NetstringReader(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole one; nothing if it is not there yet. Error malformed or limit_exceeded: nothing
  /// that follows can be understood. Leading zeros are an error (a length has one spelling).
  Result<std::optional<std::string>> take();
  /// How many bytes wait.
  [[nodiscard]] std::size_t waiting() const { return buffer_.size() - begin_; }

 private:
  std::size_t max_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;
};

}  // namespace tlsrpt::sender
