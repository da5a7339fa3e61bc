// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What MTAs and TLS libraries write about certificates and handshakes, as stable codes; and the
// small things that all logs have.

#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

/// The X509_V_ERR_ code that a text begins with: Postfix's own words, "num=62:hostname mismatch",
/// or those of OpenSSL in any version. X509_V_ERR_UNSPECIFIED for words that are not known; 0: it
/// says nothing about the certificate.
int certificate_error(std::string_view text);

/// The token of reason_code.hpp for a failed handshake. Names of files and numbers of lines, which
/// such texts hold, never matter.
std::string handshake_reason(std::string_view text);

/// "454" of "454 4.7.0 TLS not available"; 0: no reply code stands there.
int reply_code(std::string_view text);

/// "H[A]:P", as Postfix names a connection. 'port' is empty where none stands there.
struct LogPeer {
  std::string_view host;
  std::string_view address;
  std::string_view port;
};
/// 'after': what follows it. Nothing if the text does not begin so.
std::optional<LogPeer> take_peer(std::string_view text, std::string_view* after = nullptr);

/// Moves past 'start'; false if the text does not begin with it.
bool take(std::string_view& text, std::string_view start);
/// What stands before 'end', and moves past both; nothing if 'end' does not occur.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view end);

/// Where the addresses end that begin here: at the first 'end' outside of quoted local parts, in
/// which strangers may write what they like.
std::size_t address_end(std::string_view text, std::string_view end);

/// The recipient's domain, normalised; empty: an address literal, or none.
std::string recipient_domain(std::string_view address);

}  // namespace tlsrpt::sender
