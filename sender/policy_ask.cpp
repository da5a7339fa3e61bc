// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_ask.hpp"

#include <array>

#include "sender/connecting.hpp"
#include "sender/netstring.hpp"
#include "sender/socket_stream.hpp"

namespace tlsrpt::sender {

namespace {

Relay relay_of(const StreamSocket& socket) {
  Relay relay;
  if (socket.kind == StreamSocket::Kind::local) {
    relay.path = socket.path;
  } else {
    relay.host = socket.host.empty() ? "localhost" : socket.host;
    relay.port = static_cast<int>(socket.port);
  }
  return relay;
}

}  // namespace

Result<SocketmapReply> ask_policy(const StreamSocket& socket, std::string_view map,
                                  std::string_view key, std::chrono::milliseconds patience) {
  const Patience until{std::chrono::steady_clock::now() + patience};
  auto fd = connect_to(relay_of(socket), until);
  if (!fd) return tl::unexpected(fd.error());
  SocketStream stream(std::move(*fd), until);
  if (auto sent = stream.write(write_netstring(fmt::format("{} {}", map, key))); !sent) {
    return tl::unexpected(sent.error());
  }
  NetstringReader reader(kMaxSocketmapReply);
  std::array<char, 4096> buffer;
  for (;;) {
    auto taken = reader.take();
    if (!taken) return tl::unexpected(taken.error());
    if (*taken) {
      auto reply = parse_socketmap_reply(**taken);
      if (!reply) return fail(ErrorCode::malformed, "the answer is none: {}", **taken);
      return std::move(*reply);
    }
    const auto count = stream.read(buffer);
    if (!count) return tl::unexpected(count.error());
    reader.add({buffer.data(), *count});
  }
}

}  // namespace tlsrpt::sender
