// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Asks a policy daemon as an MTA does.

#include <chrono>
#include <string_view>

#include "common/stream_socket.hpp"
#include "sender/socketmap.hpp"

namespace tlsrpt::sender {

/// Error temporary: nobody answers, or not in time; malformed: what came is no reply.
Result<SocketmapReply> ask_policy(const StreamSocket& socket, std::string_view map,
                                  std::string_view key, std::chrono::milliseconds patience);

}  // namespace tlsrpt::sender
