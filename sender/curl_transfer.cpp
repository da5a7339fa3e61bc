// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_transfer.hpp"

#include <cstddef>
#include <string_view>

#include "sender/curl_parts.hpp"

namespace tlsrpt::sender {

namespace {

using std::chrono::steady_clock;

/// A server that has decided and goes on for longer is not waited for; its connection is dropped.
constexpr std::chrono::seconds kMaxBodyTime{5};
/// A report that has left us when the program is to end: an answer that comes at once saves sending
/// it twice.
constexpr std::chrono::seconds kLastWordTime{2};

CurlTransfer& transfer_of(void* user) { return *static_cast<CurlTransfer*>(user); }

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* given) {
  CurlTransfer& transfer = transfer_of(user);
  return open_guarded_socket(transfer.guard, *given, transfer.refused_address);
}

/// libcurl is about to look something up: an address is only read, but no name may get here, since
/// those were asked of our own resolver and handed over with CURLOPT_RESOLVE.
int start_resolver(void*, void*, void* user) { return transfer_of(user).host_is_address ? 0 : 1; }

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  CurlTransfer& transfer = transfer_of(user);
  const std::size_t length = size * count;
  if (!transfer.answer.take_header({data, length})) return 0;
  if (transfer.answer.complete() && !transfer.body_deadline)
    transfer.body_deadline = steady_clock::now() + kMaxBodyTime;
  return length;
}

std::size_t take_body(char*, std::size_t size, std::size_t count, void* user) {
  return transfer_of(user).answer.take_body(size * count) ? size * count : 0;
}

/// Called about once a second and at every step; anything but 0 aborts the transfer.
int check_end(void* user, curl_off_t, curl_off_t, curl_off_t to_send, curl_off_t sent) {
  CurlTransfer& transfer = transfer_of(user);
  const auto now = steady_clock::now();
  if (transfer.body_deadline && now >= *transfer.body_deadline) return 1;
  if (!transfer.stop.requested()) return 0;
  const bool whole = to_send > 0 && sent >= to_send;
  if (!transfer.stop_deadline) transfer.stop_deadline = whole ? now + kLastWordTime : now;
  return now >= *transfer.stop_deadline ? 1 : 0;
}

}  // namespace

bool set_callbacks(CURL* handle, CurlTransfer& transfer) {
  bool all_set = true;
  const auto set = [&](CURLoption option, auto value) {
    all_set = curl_easy_setopt(handle, option, value) == CURLE_OK && all_set;
  };
  set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(CURLOPT_OPENSOCKETDATA, &transfer);
  set(CURLOPT_RESOLVER_START_FUNCTION, &start_resolver);
  set(CURLOPT_RESOLVER_START_DATA, &transfer);
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &check_end);
  set(CURLOPT_XFERINFODATA, &transfer);
  return all_set;
}

}  // namespace tlsrpt::sender
