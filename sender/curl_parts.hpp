// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What every user of libcurl here needs: its handles, and a look at each address right before it is
// connected to.

#include <curl/curl.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "sender/post_guard.hpp"

namespace tlsrpt::sender {

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlFree>;
using CurlList = std::unique_ptr<curl_slist, CurlFree>;

/// Null if there is no memory, or no text.
CurlList make_curl_list(std::initializer_list<const char*> texts);

/// For CURLOPT_OPENSOCKETFUNCTION: whatever a name meant before, this is what is connected to
/// (R169). CURL_SOCKET_BAD for an address that the guard does not allow, which 'refused' names
/// then.
curl_socket_t open_guarded_socket(const PostGuard& guard, const curl_sockaddr& address,
                                  std::string& refused);

}  // namespace tlsrpt::sender
