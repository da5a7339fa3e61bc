// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_parts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tlsrpt::sender {

namespace {

constexpr IpBytes kMappedIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

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

}  // namespace

CurlList make_curl_list(std::initializer_list<const char*> texts) {
  CurlList list;
  for (const char* text : texts) {
    curl_slist* longer = curl_slist_append(list.get(), text);
    if (longer == nullptr) return nullptr;
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

curl_socket_t open_guarded_socket(const PostGuard& guard, const curl_sockaddr& address,
                                  std::string& refused) {
  const auto bytes = address_of(address);
  if (!bytes || !guard.allows(*bytes)) {
    refused = bytes ? text_of(*bytes) : "an address of another kind";
    return CURL_SOCKET_BAD;
  }
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
}

}  // namespace tlsrpt::sender
