// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One line of Postfix's smtp(8) or tlsproxy(8), from 3.5 on, by its shape alone.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sender/log_texts.hpp"
#include "sender/observed_session.hpp"

namespace tlsrpt::sender {

struct PostfixLine {
  enum class Event : std::uint8_t {
    other,
    unreadable,              ///< begins as one of those below, and goes on otherwise
    established,             ///< "Trusted TLS connection established to H[A]:P: …"
    reused,                  ///< "… TLS connection reused to …"
    certificate,             ///< "certificate verification failed for H[A]:P: REASON"
    handshake_failed,        ///< "SSL_connect error to H[A]:P: …"
    proxy_handshake_failed,  ///< "TLS handshake failed for service=NAME peer=[A]:P"
    library_problem,         ///< "warning: TLS library problem: …", about another line
    announced,               ///< "TLSRPT: status=…, domain=D, receiving_mx=H[A]…"
    mx_skipped,              ///< "warning: MX name 'H' does not match STS MX pattern for 'D'"
    delivery,                ///< "QID: to=<ADDR>, relay=…, status=…"
    host_failed,             ///< "QID: TEXT": the next host is tried
  };
  enum class Trust : std::uint8_t { anonymous, untrusted, trusted, verified };

  Event event = Event::other;
  Trust trust = Trust::anonymous;  ///< of established and reused
  bool success = false;            ///< of announced
  bool on_old_connection = false;  ///< of delivery: conn_use
  LogPeer peer;                    ///< no host: there was no connection
  std::string_view queue_id;
  std::string_view recipient;
  std::string_view domain;  ///< of announced and mx_skipped
  std::string_view type;    ///< of announced: "certificate_expired"
  std::string_view status;  ///< of delivery: "sent", "deferred", "bounced"
  std::string_view text;    ///< why; of delivery: what stands in parentheses
};

PostfixLine read_postfix_line(std::string_view text);

/// What a reason for a failed delivery says about STARTTLS.
struct StarttlsRefusal {
  StarttlsState state = StarttlsState::not_reached;
  std::string reason_code;
};
std::optional<StarttlsRefusal> read_starttls_refusal(std::string_view text);

/// Did the dialogue go on after EHLO, so that STARTTLS was not offered or not taken? status empty:
/// that of a host that was not the last one.
bool went_beyond_ehlo(std::string_view status, std::string_view text);

/// The peer that a reason names: "host H[A] said: …", "lost connection with H[A] while …".
std::optional<LogPeer> peer_in_reason(std::string_view text);

}  // namespace tlsrpt::sender
