// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Opens a connection to a mail server: every address of its name is tried, or its local socket.

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "sender/patience.hpp"
#include "sender/relay.hpp"

namespace tlsrpt::sender {

/// A connected, non-blocking socket. The name is looked up by getaddrinfo(3), which keeps its own
/// time. Errors say why the last address failed, with errno's text.
Result<UniqueFd> connect_to(const Relay& relay, const Patience& patience);

/// What is sent to the other end does not leave this machine.
bool peer_is_local(int fd);

}  // namespace tlsrpt::sender
