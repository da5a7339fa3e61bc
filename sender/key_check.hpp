// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Does DNS say about a signing key what receivers need to accept reports that it signs?

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/dns.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

enum class KeyState : std::uint8_t {
  matches,
  no_record,
  several_records,  ///< RFC 6376 section 3.6.2.2: the results are undefined
  malformed,        ///< no key record, or one without a readable key
  revoked,          ///< empty p= (R201)
  wrong_type,       ///< k= of another algorithm
  wrong_hash,       ///< h= without sha256
  wrong_service,    ///< s= without tlsrpt, email and *
  testing,          ///< t=y: signatures count as none (R199)
  other_key,        ///< a good record, of another key
  dns_failure,      ///< nothing is known
};
/// "matches", "no-record", "several-records", ...
std::string_view to_word(KeyState state);

struct KeyVerdict {
  KeyState state = KeyState::dns_failure;
  /// What is wrong and what to do about it, one sentence without full stop; empty for matches. May
  /// hold text of a DNS server, not escaped.
  std::string advice;
  /// What could be better about a key whatever its state, as the advice is written.
  std::vector<std::string> warnings;
};

/// Asks DNS once. domain: normalised, that of the signatures (d=). Threads: as Dns.
KeyVerdict check_key(Dns& dns, const SigningKey& key, const std::string& domain);

/// True if receivers ignore what the key signs as long as DNS stays like this.
bool is_unusable(KeyState state);

}  // namespace tlsrpt::sender
