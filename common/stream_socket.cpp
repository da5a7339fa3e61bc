// SPDX-License-Identifier: BSD-2-Clause
#include "common/stream_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "common/unique_fd.hpp"

namespace tlsrpt {

namespace {

Result<StreamSocket> parse_local(std::string_view path) {
  if (!path.starts_with('/')) {
    return fail(ErrorCode::invalid_argument, "the path of a local socket must begin with /");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(ErrorCode::invalid_argument, "the path of a local socket may have {} bytes",
                sizeof(sockaddr_un::sun_path) - 1);
  }
  StreamSocket socket;
  socket.path = path;
  return socket;
}

Result<StreamSocket> parse_inet(StreamSocket::Kind kind, std::string_view text) {
  StreamSocket socket;
  socket.kind = kind;
  const std::size_t at = text.find('@');
  const std::string_view digits = text.substr(0, at);
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, socket.port);
  if (error != std::errc{} || stop != end || socket.port == 0 || socket.port > 65535) {
    return fail(ErrorCode::invalid_argument,
                "write PORT@HOST, such as inet:8895@127.0.0.1 (Postfix's own file has it the other "
                "way round, inet:127.0.0.1:8895)");
  }
  if (at != std::string_view::npos) {
    std::string_view host = text.substr(at + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) return fail(ErrorCode::invalid_argument, "there is no host behind the @");
    socket.host = host;
  }
  return socket;
}

std::string inet_for_libmilter(const StreamSocket& socket) {
  std::string text = fmt::format(
      "{}:{}", socket.kind == StreamSocket::Kind::inet6 ? "inet6" : "inet", socket.port);
  if (socket.host.empty()) return text;
  const bool bracket = socket.host.find(':') != std::string::npos;
  return text + (bracket ? "@[" + socket.host + "]" : "@" + socket.host);
}

/// What connect() says about a local socket, as errno; 0: somebody answers.
int try_to_connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(fd.get(), target, sizeof address) == 0 ? 0 : errno;
}

}  // namespace

Result<StreamSocket> parse_stream_socket(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view scheme = text.substr(0, colon);
  if (text.starts_with('/')) return parse_local(text);
  if (colon != std::string_view::npos) {
    const std::string_view rest = text.substr(colon + 1);
    if (scheme == "local" || scheme == "unix") return parse_local(rest);
    if (scheme == "inet") return parse_inet(StreamSocket::Kind::inet, rest);
    if (scheme == "inet6") return parse_inet(StreamSocket::Kind::inet6, rest);
  }
  return fail(ErrorCode::invalid_argument, "write local:/path, inet:PORT@HOST or inet6:PORT@HOST");
}

std::string StreamSocket::for_libmilter() const {
  return kind == Kind::local ? "unix:" + path : inet_for_libmilter(*this);
}

std::string StreamSocket::for_sendmail() const {
  return kind == Kind::local ? "local:" + path : inet_for_libmilter(*this);
}

std::string StreamSocket::for_postfix() const {
  if (kind == Kind::local) return "unix:" + path;
  if (host.empty()) return fmt::format("inet:localhost:{}", port);
  const bool bracket = host.find(':') != std::string::npos;
  return bracket ? fmt::format("inet:[{}]:{}", host, port) : fmt::format("inet:{}:{}", host, port);
}

Result<void> remove_stale_socket(const StreamSocket& socket) {
  if (socket.kind != StreamSocket::Kind::local) return {};
  struct stat status{};
  if (::lstat(socket.path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "cannot look at " + socket.path);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(ErrorCode::io, "{} is there and is no socket; move it away or change Socket",
                socket.path);
  }
  const int reason = try_to_connect(socket.path);
  if (reason == 0 || reason == EAGAIN) {
    return fail(ErrorCode::temporary, "another process answers on {}; stop it first", socket.path);
  }
  if (reason != ECONNREFUSED) {  // a full queue or a missing right does not mean that it is dead
    return fail_errno(reason, "cannot find out whether another program uses " + socket.path);
  }
  if (::unlink(socket.path.c_str()) != 0) {
    return fail_errno(errno, "cannot remove the old socket " + socket.path);
  }
  return {};
}

Result<void> hand_over_socket(const StreamSocket& socket, const std::optional<Identity>& owner,
                              const std::optional<unsigned>& group) {
  if (socket.kind != StreamSocket::Kind::local || (!owner && !group)) return {};
  constexpr auto kUnchanged = static_cast<unsigned>(-1);
  const unsigned uid = owner && ::geteuid() == 0 ? owner->uid : kUnchanged;
  const unsigned gid = group ? *group : (::geteuid() == 0 ? owner->gid : kUnchanged);
  if (::lchown(socket.path.c_str(), uid, gid) != 0) {
    return fail_errno(errno, "cannot give " + socket.path + " to its user and group (SocketGroup)");
  }
  return {};
}

}  // namespace tlsrpt
