// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "common/file.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr int kReceiveBuffer = 8 << 20;
constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START
constexpr long kMostInherited = 64;
constexpr long kGoodQueueLength = 512;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), kMaxPath));
  return address;
}

UniqueFd make_socket(SocketKind kind) {
  const int type = kind == SocketKind::stream ? SOCK_STREAM : SOCK_DGRAM;
  return UniqueFd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// Removes a socket that an earlier collector left behind: one that refuses connections.
Result<void> remove_stale(const std::string& path, SocketKind kind) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  const UniqueFd probe = make_socket(kind);
  const sockaddr_un address = address_of(path);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return fail(ErrorCode::temporary, "another process listens on {}; stop it first", path);
  }
  if (errno != ECONNREFUSED) {
    return fail_errno(errno, "cannot find out whether another program uses " + path);
  }
  if (::unlink(path.c_str()) != 0) return fail_errno(errno, "cannot remove the old " + path);
  return {};
}

/// Sets the process's umask for as long as the object lives.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : before_(::umask(mask)) {}
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;
  ~ScopedUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

void set_owner(const SocketSettings& settings, SocketWarnings& warnings) {
  const char* path = settings.path.c_str();
  const auto unchanged = static_cast<unsigned>(-1);
  if (settings.owner && ::lchown(path, *settings.owner, unchanged) != 0) {
    warnings.push_back(fmt::format("cannot give {} to user {}: {}; start as root", settings.path,
                                   *settings.owner, std::strerror(errno)));
  }
  if (settings.group && ::lchown(path, unchanged, *settings.group) != 0) {
    warnings.push_back(fmt::format(
        "cannot give {} to group {}: {}; MTAs may not be able to write to it. Start as root with "
        "UserID, or add the user of the collector to that group",
        settings.path, *settings.group, std::strerror(errno)));
  }
}

std::optional<long> environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  long value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Best effort: a larger buffer lets more bytes wait; the number of datagrams is the kernel's.
void enlarge_buffer(int fd) {
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
}

}  // namespace

std::optional<std::string> check_socket_path(const std::string& path) {
  if (path.size() > kMaxPath) {
    return fmt::format("{} has {} bytes; the kernel takes at most {} for a socket", path,
                       path.size(), kMaxPath);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0 && errno == ENOENT) {
    return fmt::format(
        "the folder {0} does not exist; make it with: install -d -o root -g postfix -m 2750 {0}",
        folder);
  }
  if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
    return fmt::format("{} is there and is no socket; remove it or choose another path", path);
  }
  return std::nullopt;
}

std::optional<std::string> check_queue_length() {
  const auto text = read_file("/proc/sys/net/unix/max_dgram_qlen", 64);
  long length = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), length).ec != std::errc{} ||
      length >= kGoodQueueLength) {
    return std::nullopt;
  }
  return fmt::format(
      "only {} outcomes can wait in the kernel; to lose none in bursts: sysctl -w "
      "net.unix.max_dgram_qlen={}, then restart the collector",
      length, kGoodQueueLength);
}

Result<OutcomeSocket> OutcomeSocket::bind(const SocketSettings& settings,
                                          SocketWarnings& warnings) {
  if (auto problem = check_socket_path(settings.path)) {
    return fail(ErrorCode::invalid_argument, "{}", *problem);
  }
  if (auto removed = remove_stale(settings.path, settings.kind); !removed) {
    return tl::unexpected(removed.error());
  }
  UniqueFd fd = make_socket(settings.kind);
  if (!fd) return fail_errno(errno, "cannot make a socket");
  const sockaddr_un address = address_of(settings.path);
  {
    // Nobody else's until its group is set; then the mode says who may write.
    const ScopedUmask mask(0777 & ~(settings.mode & 0700));
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return fail_errno(errno, "cannot bind " + settings.path);
    }
  }
  struct stat status{};
  if (::lstat(settings.path.c_str(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + settings.path);
  }
  OutcomeSocket socket(std::move(fd), settings.kind, settings.path, status.st_ino);
  set_owner(settings, warnings);
  if (::chmod(settings.path.c_str(), settings.mode) != 0) {
    return fail_errno(errno, "cannot set the mode of " + settings.path);
  }
  if (settings.kind == SocketKind::datagram) {
    enlarge_buffer(socket.fd());
  } else if (::listen(socket.fd(), SOMAXCONN) != 0) {
    return fail_errno(errno, "cannot listen on " + settings.path);
  }
  return socket;
}

Result<std::vector<OutcomeSocket>> OutcomeSocket::inherit() {
  const auto pid = environment_number("LISTEN_PID");
  const auto count = environment_number("LISTEN_FDS");
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  std::vector<OutcomeSocket> sockets;
  if (!pid || *pid != ::getpid() || !count) return sockets;
  if (*count > kMostInherited) {
    return fail(ErrorCode::invalid_argument, "systemd passed {} sockets; at most {} can be used",
                *count, kMostInherited);
  }
  for (long i = 0; i < *count; ++i) {
    auto socket = inherit_one(kFirstInherited + static_cast<int>(i));
    if (!socket) return tl::unexpected(socket.error());
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

Result<OutcomeSocket> OutcomeSocket::inherit_one(int number) {
  UniqueFd fd(number);
  int type = 0;
  int family = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    return fail_errno(errno, "cannot use a socket that systemd passed");
  }
  size = sizeof family;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
  int listens = 0;
  size = sizeof listens;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  const bool stream = type == SOCK_STREAM && listens != 0;
  if (family != AF_UNIX || (type != SOCK_DGRAM && !stream)) {
    return fail(ErrorCode::invalid_argument,
                "a socket that systemd passed cannot be used; the collector takes ListenDatagram= "
                "and ListenStream= with a path, and no Accept=yes");
  }
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  if (!stream) enlarge_buffer(fd.get());
  return OutcomeSocket(std::move(fd), stream ? SocketKind::stream : SocketKind::datagram, "", 0);
}

void OutcomeSocket::close_for_senders() {
  if (inherited()) return;
  remove_file();
  ::shutdown(fd_.get(), SHUT_RD);  // those who had looked up the path before
}

void OutcomeSocket::remove_file() {
  struct stat status{};
  // Another collector may have taken over the path.
  if (::lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_) ::unlink(path_.c_str());
}

OutcomeSocket::~OutcomeSocket() {
  if (fd_ && !inherited()) remove_file();
}

struct DatagramBatch::Buffers {
  Buffers(std::size_t datagrams, std::size_t buffer_size)
      : size(buffer_size),
        bytes(std::make_unique_for_overwrite<char[]>(datagrams * buffer_size)),
        vectors(datagrams),
        headers(datagrams) {
    for (std::size_t i = 0; i < datagrams; ++i) {
      vectors[i] = {bytes.get() + i * size, size};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::size_t size;
  std::unique_ptr<char[]> bytes;  ///< not written before it is used: pages that stay untouched
                                  ///< cost nothing
  std::vector<iovec> vectors;
  std::vector<mmsghdr> headers;
};

DatagramBatch::DatagramBatch(std::size_t datagrams, std::size_t max_bytes)
    : buffers_(std::make_unique<Buffers>(datagrams, max_bytes + 1)) {}
DatagramBatch::DatagramBatch(DatagramBatch&&) noexcept = default;
DatagramBatch::~DatagramBatch() = default;

Result<std::size_t> DatagramBatch::receive(int fd) {
  const auto wanted = static_cast<unsigned>(buffers_->headers.size());
  const int count = ::recvmmsg(fd, buffers_->headers.data(), wanted, MSG_DONTWAIT, nullptr);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::size_t{0};
  return fail_errno(errno, "cannot read the outcome socket");
}

std::string_view DatagramBatch::operator[](std::size_t index) const {
  // A longer datagram is cut by the kernel at one byte more than may be, which tells it apart.
  return {buffers_->bytes.get() + index * buffers_->size, buffers_->headers[index].msg_len};
}

std::size_t DatagramBatch::capacity() const { return buffers_->headers.size(); }

}  // namespace tlsrpt::sender
