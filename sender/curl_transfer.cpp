// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_transfer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace tlsrpt::sender {

namespace {

using std::chrono::steady_clock;

/// A server that has decided and goes on for longer is not waited for; its connection is dropped.
constexpr std::chrono::seconds kMaxBodyTime{5};
/// A report that has left us when the program is to end: an answer that comes at once saves sending
/// it twice.
constexpr std::chrono::seconds kLastWordTime{2};

constexpr IpBytes kMappedIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

CurlTransfer& transfer_of(void* user) { return *static_cast<CurlTransfer*>(user); }

/// The address goes on behind the type that libcurl declares for it.
std::optional<IpBytes> address_of(const curl_sockaddr& given) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(&given) + offsetof(curl_sockaddr, addr);
  IpBytes address = kMappedIpv4;
  if (given.family == AF_INET && given.addrlen >= sizeof(sockaddr_in)) {
    std::copy_n(begin + offsetof(sockaddr_in, sin_addr), 4, address.begin() + 12);
    return address;
  }
  if (given.family == AF_INET6 && given.addrlen >= sizeof(sockaddr_in6)) {
    std::copy_n(begin + offsetof(sockaddr_in6, sin6_addr), 16, address.begin());
    return address;
  }
  return std::nullopt;
}

std::string text_of(const IpBytes& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool ipv4 = is_ipv4(address);
  const void* bytes = address.data() + (ipv4 ? 12 : 0);
  ::inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

/// The last look at an address: whatever a name meant before, this is what is connected to (R169).
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* given) {
  CurlTransfer& transfer = transfer_of(user);
  const auto address = address_of(*given);
  if (!address || !transfer.guard.allows(*address)) {
    transfer.refused_address = address ? text_of(*address) : "an address of another kind";
    return CURL_SOCKET_BAD;
  }
  return ::socket(given->family, given->socktype | SOCK_CLOEXEC, given->protocol);
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
