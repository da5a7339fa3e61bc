// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns_transport.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "common/unique_fd.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxNameservers = 3;
constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxMessage = 65535;
// More messages than this that answer another question are an attack, and not worth reading.
constexpr int kMaxStrays = 64;

tl::unexpected<Error> failed(int errno_value) {
  std::string text = std::generic_category().message(errno_value);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return tl::unexpected<Error>(Error{ErrorCode::temporary, std::move(text)});
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

/// Host and port, as written.
std::pair<std::string, std::string> split_port(std::string_view text) {
  if (const std::size_t at = text.find('@'); at != std::string_view::npos)
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return {};
    const std::string_view rest = text.substr(close + 1);
    std::string host(text.substr(1, close - 1));
    if (rest.empty()) return {std::move(host), "53"};
    if (!rest.starts_with(':') || host.find(':') == std::string::npos) return {};
    return {std::move(host), std::string(rest.substr(1))};
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos)
    return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  return {std::string(text), "53"};
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// Waits until the socket is ready; error "timeout" when the deadline has passed.
Result<void> wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(ErrorCode::temporary, "timeout");
    pollfd entry{fd, events, 0};
    const auto timeout = std::min<std::int64_t>(left.count(), 60'000);
    const int ready = poll(&entry, 1, static_cast<int>(timeout));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return failed(errno);
  }
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// True if the message is an answer with the query's id and question.
bool is_answer_to(std::string_view query, std::string_view message) {
  constexpr std::string_view kOneQuestion("\0\1", 2);
  if (query.size() < kHeader || message.size() < kHeader) return false;
  if (message.substr(0, 2) != query.substr(0, 2) || message.substr(4, 2) != kOneQuestion)
    return false;
  const auto flags = static_cast<unsigned char>(message[2]);
  if ((flags & 0x80U) == 0 || (flags & 0x78U) != 0) return false;  // QR; opcode QUERY
  // A query's name is not compressed, so that it ends at its first empty label.
  const std::size_t end = query.find('\0', kHeader);
  if (end == std::string_view::npos || end + 5 > query.size() || end + 5 > message.size())
    return false;
  return std::equal(query.begin() + kHeader, query.begin() + static_cast<std::ptrdiff_t>(end + 5),
                    message.begin() + kHeader, [](char a, char b) { return lower(a) == lower(b); });
}

bool is_truncated(std::string_view message) {
  return (static_cast<unsigned char>(message[2]) & 0x02U) != 0;
}

Result<UniqueFd> connect_to(const Nameserver& server, int type, Deadline deadline) {
  UniqueFd fd(socket(server.address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed(errno);
  // The sockets interface wants its one family of types cast to each other.
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&server.address), server.size) == 0)
    return fd;
  if (errno != EINPROGRESS) return failed(errno);
  if (auto ready = wait_for(fd.get(), POLLOUT, deadline); !ready)
    return tl::unexpected<Error>(std::move(ready.error()));
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return failed(error);
  return fd;
}

Result<std::string> exchange_udp(const Nameserver& server, std::string_view query,
                                 Deadline deadline) {
  // A connected socket takes datagrams from the asked address only; its port is the kernel's
  // choice.
  auto fd = connect_to(server, SOCK_DGRAM, deadline);
  if (!fd) return tl::unexpected<Error>(std::move(fd.error()));
  if (send(fd->get(), query.data(), query.size(), MSG_NOSIGNAL) < 0) return failed(errno);
  std::string message(kMaxMessage, '\0');
  for (int strays = 0; strays < kMaxStrays;) {
    if (auto ready = wait_for(fd->get(), POLLIN, deadline); !ready)
      return tl::unexpected<Error>(std::move(ready.error()));
    const ssize_t size = recv(fd->get(), message.data(), message.size(), 0);
    if (size < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return failed(errno);
    }
    const std::string_view received(message.data(), static_cast<std::size_t>(size));
    if (is_answer_to(query, received)) return std::string(received);
    ++strays;
  }
  return fail(ErrorCode::temporary, "too many messages that answer another question");
}

Result<void> send_all(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (auto ready = wait_for(fd, POLLOUT, deadline); !ready) return ready;
    const ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size > 0) bytes.remove_prefix(static_cast<std::size_t>(size));
    if (size < 0 && errno != EINTR && errno != EAGAIN) return failed(errno);
  }
  return {};
}

Result<std::string> receive_all(int fd, std::size_t wanted, Deadline deadline) {
  std::string bytes(wanted, '\0');
  for (std::size_t got = 0; got < wanted;) {
    if (auto ready = wait_for(fd, POLLIN, deadline); !ready)
      return tl::unexpected<Error>(std::move(ready.error()));
    const ssize_t size = recv(fd, bytes.data() + got, wanted - got, 0);
    if (size == 0) return fail(ErrorCode::temporary, "connection closed");
    if (size > 0) got += static_cast<std::size_t>(size);
    if (size < 0 && errno != EINTR && errno != EAGAIN) return failed(errno);
  }
  return bytes;
}

Result<std::string> exchange_tcp(const Nameserver& server, std::string_view query,
                                 Deadline deadline) {
  const auto fd = connect_to(server, SOCK_STREAM, deadline);
  if (!fd) return tl::unexpected<Error>(fd.error());
  std::string framed{static_cast<char>(query.size() >> 8U),
                     static_cast<char>(query.size() & 0xffU)};
  framed += query;
  if (auto sent = send_all(fd->get(), framed, deadline); !sent)
    return tl::unexpected<Error>(std::move(sent.error()));
  const auto prefix = receive_all(fd->get(), 2, deadline);
  if (!prefix) return prefix;
  const std::size_t size = static_cast<unsigned char>((*prefix)[0]) * std::size_t{256} +
                           static_cast<unsigned char>((*prefix)[1]);
  auto message = receive_all(fd->get(), size, deadline);
  if (!message) return message;
  if (!is_answer_to(query, *message) || is_truncated(*message))
    return fail(ErrorCode::temporary, "malformed answer over TCP");
  return message;
}

}  // namespace

Result<Nameserver> parse_nameserver(std::string_view text) {
  const auto [host, port] = split_port(text);
  const bool is_address = is_ipv4(host) || host.find(':') != std::string::npos;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  // getaddrinfo, because it knows the zone of a link-local address ("fe80::1%eth0").
  if (!is_address || !is_port(port) || text.find('\0') != std::string_view::npos ||
      getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
    return fail(ErrorCode::invalid_argument, "\"{}\" is no address of a nameserver", text);
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  Nameserver server;
  std::memcpy(&server.address, found->ai_addr,
              std::min<std::size_t>(found->ai_addrlen, sizeof server.address));
  server.size = found->ai_addrlen;
  return server;
}

std::vector<Nameserver> nameservers_of_resolv_conf(std::string_view text) {
  constexpr std::string_view kKeyword = "nameserver";
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<Nameserver> servers;
  while (!text.empty() && servers.size() < kMaxNameservers) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(kKeyword)) continue;
    line.remove_prefix(kKeyword.size());
    const std::size_t start = line.find_first_not_of(kBlanks);
    if (start == 0 || start == std::string_view::npos) continue;
    line = line.substr(start);
    if (auto server = parse_nameserver(line.substr(0, line.find_first_of(kBlanks))); server)
      servers.push_back(*server);
  }
  return servers;
}

Result<std::string> exchange(const Nameserver& server, std::string_view query, Deadline deadline) {
  auto message = exchange_udp(server, query, deadline);
  if (message && is_truncated(*message)) return exchange_tcp(server, query, deadline);
  return message;
}

}  // namespace tlsrpt
