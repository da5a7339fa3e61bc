// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What was found out about a domain, for people.

#include <cstddef>
#include <string>
#include <vector>

#include "common/utc_time.hpp"
#include "sender/domain_check.hpp"

namespace tlsrpt::sender {

/// Lines without line ends, escaped for a terminal. width: of the table; kNoWidth for a file.
std::vector<std::string> describe(const DomainCheck& check, std::size_t width);

/// One line: "example.com: good".
std::string describe_shortly(const DomainCheck& check);

/// The DNS records and the policy file that the domain should have, as far as that can be told from
/// what was seen; lines as above. A policy that is not all fulfilled is in mode testing.
std::vector<std::string> describe_publication(const DomainCheck& check, Seconds now);

/// One line of JSON, documented in opentlsrpt-check(1).
std::string check_as_json(const DomainCheck& check);

}  // namespace tlsrpt::sender
