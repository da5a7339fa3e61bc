// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// libcurl's global state.

#include <utility>

#include "common/error.hpp"

namespace tlsrpt::sender {

/// One object in main, made before any thread starts.
class CurlLibrary {
 public:
  static Result<CurlLibrary> start();
  CurlLibrary(CurlLibrary&& other) noexcept : started_(std::exchange(other.started_, false)) {}
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
  CurlLibrary& operator=(CurlLibrary&&) = delete;
  ~CurlLibrary();

 private:
  CurlLibrary() = default;
  bool started_ = true;
};

}  // namespace tlsrpt::sender
