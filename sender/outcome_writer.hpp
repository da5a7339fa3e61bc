// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// An outcome as the datagram that libtlsrpt would have sent, for outcomes of our own.

#include <string>

#include "sender/outcome.hpp"

namespace tlsrpt::sender {

/// Read back by read_outcome it is the same outcome, if it was normalised and is within
/// OutcomeLimits. One line of ASCII JSON that the kernel takes as one datagram: what is too long
/// for that loses texts at the ends of its lists.
std::string write_outcome(const Outcome& outcome);

}  // namespace tlsrpt::sender
