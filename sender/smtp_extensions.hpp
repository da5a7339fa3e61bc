// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a server offers in its answer to EHLO or LHLO, as far as this program makes use of it.
// REQUIRETLS is not among it: a report must get through whatever is wrong with TLS (R140).

#include <cstddef>

#include "sender/smtp_reply.hpp"

namespace tlsrpt::sender {

struct SmtpExtensions {
  bool starttls = false;    ///< RFC 3207
  bool pipelining = false;  ///< RFC 2920
  bool chunking = false;    ///< RFC 3030
  bool size = false;        ///< RFC 1870
  bool auth_plain = false;  ///< RFC 4954, RFC 4616
  bool auth_login = false;
  bool operator==(const SmtpExtensions&) const = default;
};

/// Unknown words are passed over.
SmtpExtensions parse_extensions(const SmtpReply& hello);

}  // namespace tlsrpt::sender
