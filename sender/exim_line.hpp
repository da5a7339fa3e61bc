// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One line of Exim's main log, 4.90 to 4.98, behind the time, by its shape alone.

#include <cstdint>
#include <string_view>

namespace tlsrpt::sender {

struct EximLine {
  enum class Event : std::uint8_t {
    other,
    delivered,     ///< "ID => ADDR … H=MX [IP] … X=… CV=…"
    also,          ///< "ID -> ADDR …": a further recipient on the same connection
    deferred,      ///< "ID == ADDR …: TEXT"
    bounced,       ///< "ID ** ADDR …: TEXT"
    host_failed,   ///< "ID H=MX [IP]: TEXT": the next host is tried
    went_clear,    ///< "ID TLS session: …: delivering unencrypted to H=MX [IP] (…)"
    verify_error,  ///< "ID [IP] SSL verify error: …"
    completed,     ///< "ID Completed"
  };
  Event event = Event::other;
  std::string_view id;
  std::string_view recipient;  ///< address, as far as domains matter
  std::string_view host;       ///< may be empty
  std::string_view address;
  std::string_view port;
  bool is_smtp = false;            ///< H= names a host that was talked to
  bool on_old_connection = false;  ///< "*" behind the address
  bool smarthost = false;          ///< the router or transport of Debian's configuration for one
  bool encrypted = false;          ///< X=
  std::string_view verified;       ///< CV=
  std::string_view protocol;       ///< PS=: "e", "es", "ese" …; may be empty
  std::string_view text;
};

EximLine read_exim_line(std::string_view text);

}  // namespace tlsrpt::sender
