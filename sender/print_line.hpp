// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where the commands of opentlsrpt-reporter print, so that a test can read it.

#include <functional>
#include <string>

namespace tlsrpt::sender {

/// Takes one line without its end; strangers' texts in it are escaped.
using PrintLine = std::function<void(const std::string& line)>;

}  // namespace tlsrpt::sender
