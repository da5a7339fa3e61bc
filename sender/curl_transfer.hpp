// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What libcurl's callbacks see of one transfer, and what they do about it: judge each address right
// before it is connected to, keep the answer within its bounds, and end when the program does.

#include <curl/curl.h>

#include <chrono>
#include <optional>
#include <string>

#include "sender/http_answer.hpp"
#include "sender/post_guard.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

struct CurlTransfer {
  const PostGuard& guard;
  const StopSignal& stop;
  bool host_is_address = false;
  HttpAnswer answer;
  std::optional<std::chrono::steady_clock::time_point> body_deadline;
  std::optional<std::chrono::steady_clock::time_point> stop_deadline;  ///< since it was stopped
  std::string refused_address;                                         ///< if the guard refused one
};

/// Of 'transfer', which must live as long as the handle is used with it. False if libcurl lacks
/// one.
bool set_callbacks(CURL* handle, CurlTransfer& transfer);

}  // namespace tlsrpt::sender
