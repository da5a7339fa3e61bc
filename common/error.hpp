// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What went wrong, as a value: the error type of everything that may fail.

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace tlsrpt {

enum class ErrorCode {
  invalid_argument,  ///< the caller's value cannot be used
  malformed,         ///< input of a stranger does not follow its grammar
  limit_exceeded,    ///< a configured bound was reached
  not_found,         ///< it does not exist
  unsupported,       ///< understood, but not something this program does
  temporary,         ///< may work when tried again
  permission,        ///< the operating system refused
  io,                ///< a file, socket or process failed
  database,          ///< the database failed
  crypto,            ///< OpenSSL failed, or a key cannot be used
  internal,          ///< a fault of this program
};

/// The stable word of a code, as it stands in log lines: "limit-exceeded".
std::string_view to_word(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string detail;  ///< what happened, to what, and what to do; not escaped

  /// "WHAT: DETAIL", so that each layer says what it was doing.
  [[nodiscard]] Error context(std::string_view what) const;
};

template <typename T>
using Result = tl::expected<T, Error>;

/// return fail(ErrorCode::io, "cannot open {}: {}", path, reason);
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

/// "cannot open /x: Permission denied" with the code that fits errno_value
/// (EACCES and EPERM: permission; ENOENT: not_found; else io).
[[nodiscard]] tl::unexpected<Error> fail_errno(int errno_value, std::string_view what);

}  // namespace tlsrpt
