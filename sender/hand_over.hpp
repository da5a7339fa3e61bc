// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What came of handing one report over, by mail or by POST.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tlsrpt::sender {

enum class HandOver : std::uint8_t {
  accepted,   ///< the other side is responsible now: 250 to the data, or a 2xx
  temporary,  ///< 4xx, or the network failed: try again
  permanent,  ///< refused for good
  aborted,    ///< this program is about to end: nothing is known
};

struct HandOverResult {
  HandOver verdict = HandOver::temporary;
  std::string detail;  ///< the last reply, or what failed; not escaped

  /// Of permanent: it is this destination that is refused, as by 5xx to RCPT or 404, and not the
  /// report or its sender. Such answers count as bounces.
  bool destination_refused = false;
  /// Of temporary: the server that reports are submitted to cannot be used, so that the next report
  /// would fare no better.
  bool server_trouble = false;
  /// Of temporary: what the server asked for (R163).
  std::optional<std::chrono::seconds> retry_after{};
};

}  // namespace tlsrpt::sender
