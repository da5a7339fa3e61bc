// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The stable tokens of failure-reason-code (RFC 8460 section 4.3.3, R328): short, the same for the
// same cause, and without anything local or foreign in them. opentlsrpt(7) lists them.

#include <string>
#include <string_view>

namespace tlsrpt::sender::reason {

inline constexpr std::string_view kMxNotInPolicy = "mx-not-in-sts-policy";
inline constexpr std::string_view kNoTlsaMatch = "tlsa-no-match";
inline constexpr std::string_view kAllTlsaUnusable = "all-tlsa-unusable";
inline constexpr std::string_view kHandshakeFailure = "tls-handshake-failure";
inline constexpr std::string_view kHandshakeTimeout = "tls-handshake-timeout";
inline constexpr std::string_view kConnectionClosed = "tls-connection-closed";
inline constexpr std::string_view kProtocolVersion = "tls-protocol-version";

/// "smtp-starttls-reply-code-454".
std::string starttls_reply(int code);
/// "X509_V_ERR_CERT_HAS_EXPIRED"; "X509_V_ERR_" and a number for one without a name; empty for
/// X509_V_ERR_UNSPECIFIED.
std::string x509(int error);
/// "tls-remote-alert-40-handshake-failure".
std::string remote_alert(int alert);

}  // namespace tlsrpt::sender::reason
