// SPDX-License-Identifier: BSD-2-Clause
#include "common/error.hpp"

#include <cerrno>
#include <system_error>

namespace tlsrpt {

std::string_view to_word(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid-argument";
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::limit_exceeded:
      return "limit-exceeded";
    case ErrorCode::not_found:
      return "not-found";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::temporary:
      return "temporary";
    case ErrorCode::permission:
      return "permission";
    case ErrorCode::io:
      return "io";
    case ErrorCode::database:
      return "database";
    case ErrorCode::crypto:
      return "crypto";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

Error Error::context(std::string_view what) const {
  return {code, fmt::format("{}: {}", what, detail)};
}

tl::unexpected<Error> fail_errno(int errno_value, std::string_view what) {
  ErrorCode code = ErrorCode::io;
  if (errno_value == EACCES || errno_value == EPERM) code = ErrorCode::permission;
  if (errno_value == ENOENT) code = ErrorCode::not_found;
  return fail(code, "{}: {}", what, std::generic_category().message(errno_value));
}

}  // namespace tlsrpt
