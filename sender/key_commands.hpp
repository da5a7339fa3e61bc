// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The commands about signing keys: genkey makes one, testkey compares those in use with DNS.

#include <string>
#include <vector>

#include "common/dns.hpp"
#include "common/sysexits.hpp"
#include "sender/genkey_request.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// What a command leaves behind. Both texts are escaped, and empty or end with a line end.
struct CommandResult {
  Exit exit = Exit::ok;
  std::string output;    ///< for standard output
  std::string messages;  ///< for standard error
};

/// Writes a new private key to request.path, which must not exist. Output: the DNS record as a line
/// of a zone file. Messages: what to do with both. request.domain: not empty. Exit: ok; 73 if the
/// file exists or cannot be written, 77 if that is not permitted; else as exit_for.
CommandResult genkey(const GenkeyRequest& request);

/// Output: "SELECTOR DOMAIN ALGORITHM STATE what to do" for each key; STATE is a word of KeyState.
/// Messages: the records that should stand in DNS, for keys that are unusable. Exit: ok if all
/// match, 69 if any is unusable, else 75 if DNS failed for any.
CommandResult testkey(Dns& dns, const std::vector<SigningKey>& keys, const std::string& domain);

}  // namespace tlsrpt::sender
