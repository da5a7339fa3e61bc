// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Opened messages as bytes, for the way from the confined reader to the process that asked it.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/message.hpp"

namespace tlsrpt {

std::string encode_opened(const OpenedMessage& opened);

/// The reader has seen a stranger's bytes and is not trusted: every length is checked against what
/// is there, and unknown words are refused. Memory is linear in the size of the bytes.
Result<OpenedMessage> decode_opened(std::string_view bytes);

}  // namespace tlsrpt
