// SPDX-License-Identifier: BSD-2-Clause
#include "common/listen_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace tlsrpt {

namespace {

constexpr int kBacklog = 128;

Result<UniqueFd> bind_and_listen(int family, const sockaddr* address, socklen_t size,
                                 bool both_families, const std::string& name) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno(errno, "cannot make a socket for " + name);
  const int yes = 1;
  const int only_ipv6 = both_families ? 0 : 1;
  if (family != AF_UNIX) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof only_ipv6);
  }
  if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail_errno(errno, "cannot listen on " + name);
  }
  return fd;
}

Result<UniqueFd> listen_local(const StreamSocket& socket, unsigned umask) {
  if (auto removed = remove_stale_socket(socket); !removed) return tl::unexpected(removed.error());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.path.data(), socket.path.size());
  const mode_t old = ::umask(static_cast<mode_t>(umask));
  auto fd = bind_and_listen(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address,
                            /*both_families=*/false, socket.for_postfix());
  ::umask(old);
  return fd;
}

}  // namespace

Result<UniqueFd> listen_on(const StreamSocket& socket, unsigned umask) {
  if (socket.kind == StreamSocket::Kind::local) return listen_local(socket, umask);
  addrinfo hints{};
  hints.ai_family = socket.kind == StreamSocket::Kind::inet6 ? AF_INET6 : AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(socket.port);
  const char* host = socket.host.empty() ? nullptr : socket.host.c_str();
  if (const int reason = ::getaddrinfo(host, port.c_str(), &hints, &found); reason != 0) {
    return fail(ErrorCode::not_found, "cannot listen on {}: {}", socket.for_postfix(),
                ::gai_strerror(reason));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  // inet6 without a host is every address of both families.
  return bind_and_listen(hints.ai_family, list->ai_addr, list->ai_addrlen,
                         /*both_families=*/socket.host.empty(), socket.for_postfix());
}

}  // namespace tlsrpt
