// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The words behind "opentlsrpt-reporter genkey".

#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/dkim_keygen.hpp"
#include "common/error.hpp"

namespace tlsrpt::sender {

struct GenkeyRequest {
  KeyKind kind;
  std::string selector;  ///< normalised
  std::string domain;    ///< normalised; empty: that of ContactInfo (contact_domain)
  std::string path;      ///< of the new file
};

/// "[--type rsa|ed25519] [--bits N] [--domain D] [--output FILE] SELECTOR", in any order, also as
/// "--type=rsa". The error is the text for the user.
Result<GenkeyRequest> parse_genkey(const std::vector<std::string>& words);

/// The domain that reports are signed for, as far as the configuration has one.
Result<std::string> contact_domain(const Config& config);

}  // namespace tlsrpt::sender
