// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A listening stream socket of our own: HTTPSocket, PolicySocket.

#include "common/stream_socket.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt {

/// Binds and listens. A stale local socket is replaced; umask: for a new one.
Result<UniqueFd> listen_on(const StreamSocket& socket, unsigned umask);

}  // namespace tlsrpt
