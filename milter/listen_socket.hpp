// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A listening stream socket of our own, for HTTPSocket.

#include "common/unique_fd.hpp"
#include "milter/milter_socket.hpp"

namespace tlsrpt::milter {

/// Binds and listens. A stale local socket is replaced; umask: for a new one.
Result<UniqueFd> listen_on(const MilterSocket& socket, unsigned umask);

}  // namespace tlsrpt::milter
