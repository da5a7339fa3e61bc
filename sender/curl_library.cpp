// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_library.hpp"

#include <curl/curl.h>

namespace tlsrpt::sender {

Result<CurlLibrary> CurlLibrary::start() {
  if (const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return fail(ErrorCode::internal, "cannot start libcurl: {}", curl_easy_strerror(code));
  }
  return CurlLibrary();
}

CurlLibrary::~CurlLibrary() {
  if (started_) curl_global_cleanup();
}

}  // namespace tlsrpt::sender
