// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One outcome sent the way an MTA sends it, to see whether it arrives.

#include <chrono>
#include <string>

#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

/// A name that no other test has, below .invalid (RFC 2606), where no report can go.
std::string test_domain();

/// Sends one success without a policy: a socket of its own, one datagram, no waiting. The error
/// says what an MTA would have met, and what to do.
Result<void> send_test_datagram(const std::string& socket_path, const std::string& domain);

/// Whether the domain has been counted, by then; looks several times a second.
Result<bool> wait_until_counted(OutboundStore& store, const std::string& domain,
                                std::chrono::steady_clock::time_point end);

}  // namespace tlsrpt::sender
