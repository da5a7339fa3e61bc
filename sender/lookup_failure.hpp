// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Why DNS gave no answer, as a reason code.

#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

/// The number of the extended DNS error (RFC 8914) in the 'detail' of a DnsAnswer.
std::optional<unsigned> extended_error(std::string_view detail);

/// One of the extended errors that say that DNSSEC is why (RFC 8914 section 4: 5 to 12).
bool is_dnssec_failure(std::string_view detail);

/// "ede-6", "timeout", "servfail"; "dns-failure" for anything else (R299, R328).
std::string lookup_reason(std::string_view detail);

}  // namespace tlsrpt::sender
