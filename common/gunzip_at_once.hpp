// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The short way for the gzip that nearly everybody sends.

#include <optional>
#include <string>
#include <string_view>

#include "common/gzip.hpp"

namespace tlsrpt {

/// What one member without optional header fields but a name, and with nothing behind it, unpacks
/// to; CRC-32 and length are checked. Nothing if it is anything else, is damaged or breaks a limit:
/// then gunzip() finds out step by step. Takes a third of the time, but has to know beforehand how
/// large the output may be, which it never believes beyond the limits.
std::optional<std::string> gunzip_at_once(std::string_view bytes, const GunzipLimits& limits);

}  // namespace tlsrpt
