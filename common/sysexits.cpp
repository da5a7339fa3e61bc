// SPDX-License-Identifier: BSD-2-Clause
#include "common/sysexits.hpp"

namespace tlsrpt {

Exit exit_for(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found:
      return Exit::no_input;
    case ErrorCode::permission:
      return Exit::permission;
    case ErrorCode::temporary:
      return Exit::temporary;
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return Exit::config;
    case ErrorCode::io:
    case ErrorCode::database:
      return Exit::io;
    case ErrorCode::malformed:
    case ErrorCode::limit_exceeded:
      return Exit::data;
    case ErrorCode::crypto:
    case ErrorCode::internal:
      return Exit::software;
  }
  return Exit::software;
}

}  // namespace tlsrpt
