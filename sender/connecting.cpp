// SPDX-License-Identifier: BSD-2-Clause
#include "sender/connecting.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxAddresses = 8;
constexpr std::chrono::seconds kMaxConnectTime{30};

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address local_address(const std::string& path) {
  Address address;
  auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
  local.sun_family = AF_UNIX;
  // parse_relay refuses a longer path.
  std::memcpy(local.sun_path, path.data(), std::min(path.size(), sizeof local.sun_path - 1));
  address.size = sizeof local;
  return address;
}

Result<std::vector<Address>> look_up(const Relay& relay) {
  if (!relay.path.empty()) return std::vector{local_address(relay.path)};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(relay.host.c_str(), std::to_string(relay.port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (error == EAI_SYSTEM) return fail_errno(errno, "cannot look up its address");
  if (error != 0) {
    return fail(ErrorCode::temporary, "cannot look up its address: {}", ::gai_strerror(error));
  }
  std::vector<Address> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (addresses.size() == kMaxAddresses) break;
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
  }
  return addresses;
}

Result<UniqueFd> connect_address(const Address& address, const Patience& patience) {
  const int family = address.storage.ss_family;
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno(errno, "cannot make a socket");
  const int on = 1;
  // Each write is a whole command, or the end of the message.
  if (family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd.get(), raw, address.size) == 0) return fd;
  if (errno != EINPROGRESS && errno != EINTR) return fail_errno(errno, "cannot connect");
  if (auto done = wait_for(fd.get(), POLLOUT, patience); !done) {
    return tl::unexpected(done.error().context("cannot connect"));
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail_errno(error, "cannot connect");
  return fd;
}

}  // namespace

Result<UniqueFd> connect_to(const Relay& relay, const Patience& patience) {
  const auto addresses = look_up(relay);
  if (!addresses) return tl::unexpected(addresses.error());
  Result<UniqueFd> fd = fail(ErrorCode::temporary, "it has no address");
  auto left = static_cast<int>(addresses->size());
  for (const Address& address : *addresses) {
    // One address that does not answer must leave time for the others.
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(
        (patience.deadline - std::chrono::steady_clock::now()) / left--);
    fd = connect_address(
        address, patience.at_most(std::min<std::chrono::milliseconds>(time, kMaxConnectTime)));
    if (fd || stopped(patience)) break;
  }
  return fd;
}

bool peer_is_local(int fd) {
  Address peer;
  peer.size = sizeof peer.storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size) != 0) return false;
  if (peer.storage.ss_family == AF_UNIX) return true;
  if (peer.storage.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(peer.storage);
    return ntohl(ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(peer.storage);
  return peer.storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr);
}

}  // namespace tlsrpt::sender
