// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Who does a From field name (RFC 5322 section 3.4)?

#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt {

/// The addr-spec, if the unfolded field names exactly one mailbox without group or route. Whatever
/// could be read in two ways gives nothing, because a signature's alignment is judged by it.
std::optional<std::string> only_mailbox(std::string_view field);

}  // namespace tlsrpt
