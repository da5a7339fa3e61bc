// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One line of Sendmail, 8.15 to 8.18, by its shape alone.

#include <cstdint>
#include <string_view>
#include <vector>

namespace tlsrpt::sender {

struct SendmailLine {
  enum class Event : std::uint8_t {
    other,
    established,         ///< "STARTTLS=client, relay=H., version=…, verify=V, …"
    certificate,         ///< "STARTTLS=client, cert-subject=…, verifymsg=TEXT" (LogLevel 12)
    handshake_failed,    ///< "STARTTLS=client, error: connect failed=…, reason=TEXT, …"; no host
    no_starttls,         ///< "…, warning=DANE configured in DNS but STARTTLS not offered|failed"
    session_rejected,    ///< "ruleset=tls_server, arg1=VERIFY, relay=H, reject=REPLY"
    recipient_rejected,  ///< "QID: ruleset=tls_rcpt, arg1=ADDR, relay=H., reject=REPLY"
    delivery,            ///< "QID: to=ADDR[,ADDR…], …, relay=H. [IP], …, stat=TEXT"
  };
  Event event = Event::other;
  std::string_view queue_id;
  std::string_view host;     ///< without the dot at its end
  std::string_view address;  ///< of delivery; may be empty
  std::string_view verify;   ///< of established and session_rejected: "OK", "DANE_FAIL"
  std::string_view mailer;   ///< of delivery
  std::string_view text;     ///< verifymsg, reason, warning, reject or stat
  std::string_view reply;    ///< of delivery; may be empty
  std::vector<std::string_view> recipients;
};

SendmailLine read_sendmail_line(std::string_view text);

/// Is that the same name? Sendmail cuts long ones in the middle: "mx1.dane-unusable-...ls.test".
bool is_same_host(std::string_view whole, std::string_view maybe_cut);

}  // namespace tlsrpt::sender
