// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// An https: destination taken apart for a client. Nobody else reads the URI: what has been judged
// as its host is what is connected to, whatever other parsers would make of the text.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

struct PostTarget {
  std::string host;  ///< normalised name, or an address; IPv6 without brackets
  std::uint16_t port = 443;
  std::string path;  ///< with the query, octet for octet (R155); without the fragment

  /// "HOST:PORT", IPv6 in brackets.
  [[nodiscard]] std::string authority() const;
};

/// Fails as parse_rua does, and with unsupported for a mailto.
Result<PostTarget> read_post_target(std::string_view uri);

}  // namespace tlsrpt::sender
