// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Posting through libcurl.

#include <memory>
#include <string>

#include "common/dns.hpp"
#include "sender/http_poster.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

/// Needs a CurlLibrary; 'dns' and 'stop' must outlive it. authorities: a file with the certificates
/// of those that are trusted, in place of the system's; empty: the system's.
///
/// Names are asked of 'dns' alone. An address that is neither public nor in settings.networks is
/// never connected to (R169); no proxy is used and no redirect followed (R168), since both would
/// connect to what has not been judged. TLS is 1.2 or later, its certificate validated first; a
/// report is posted all the same if that fails and settings.tolerate_certificate_errors (R165,
/// R166), and the result's detail then ends in "(certificate not verified: REASON)".
///
/// settings.timeout is for all of it, but a lookup that has begun ends by its own timeout. The same
/// holds after a stop, which else is noticed within about a second.
std::unique_ptr<HttpPoster> make_curl_http_poster(const PostSettings& settings, Dns& dns,
                                                  const StopSignal& stop,
                                                  std::string authorities = {});

}  // namespace tlsrpt::sender
