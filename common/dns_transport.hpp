// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One DNS question over the wire: which servers to ask, and how bytes get there and back in time.
// What the bytes mean is dns_ldns.cpp's matter.

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt {

struct Nameserver {
  sockaddr_storage address{};
  socklen_t size = 0;
};

using Deadline = std::chrono::steady_clock::time_point;

/// "192.0.2.1", "192.0.2.1:5353", "192.0.2.1@5353", "2001:db8::1", "[2001:db8::1]:53",
/// "2001:db8::1@53"; port 53 if there is none. Error invalid_argument for anything else.
Result<Nameserver> parse_nameserver(std::string_view text);

/// The first three nameservers of a resolv.conf's text, as in the C library; others are skipped.
std::vector<Nameserver> nameservers_of_resolv_conf(std::string_view text);

/// Sends one DNS query over UDP from a new socket, and again over TCP if the answer is truncated.
/// Gives back the first message with the query's id and question that comes from the server before
/// the deadline. Error temporary: "timeout", "connection refused", ...
Result<std::string> exchange(const Nameserver& server, std::string_view query, Deadline deadline);

}  // namespace tlsrpt
