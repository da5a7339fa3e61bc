// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// An SMTP server that takes everything and keeps nothing, in a process of its own: what a reporter
// is measured against. It does the least that the protocol allows.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::sender::bench {

class NullSink {
 public:
  NullSink() {
    void* place = ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) std::abort();
    accepted_ = new (place) std::atomic<std::uint64_t>(0);
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // The C API wants the general type.
    auto* general = reinterpret_cast<sockaddr*>(&address);
    if (listener < 0 || ::bind(listener, general, size) != 0 || ::listen(listener, 64) != 0 ||
        ::getsockname(listener, general, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve(listener);
    }
    ::close(listener);
  }
  NullSink(const NullSink&) = delete;
  NullSink& operator=(const NullSink&) = delete;
  ~NullSink() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::uint64_t accepted() const { return accepted_->load(); }
  /// Processor time used so far, in seconds.
  [[nodiscard]] double processor_time() const {
    std::ifstream file("/proc/" + std::to_string(child_) + "/stat");
    std::string field;
    double ticks = 0;
    for (int i = 1; file >> field && i <= 15; ++i) {
      if (i >= 14) ticks += std::strtod(field.c_str(), nullptr);
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  struct Client {
    std::string input;
    bool in_data = false;
    std::size_t chunk = 0;  ///< bytes of a BDAT that are still to come
  };

  /// Answers what has come in; false: the client is gone.
  bool answer(int fd, Client& client) const {
    char buffer[65536];
    const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    client.input.append(buffer, static_cast<std::size_t>(count));
    std::string output;
    std::string_view rest = client.input;
    for (;;) {
      if (client.chunk > 0) {
        const std::size_t taken = std::min(client.chunk, rest.size());
        rest.remove_prefix(taken);
        client.chunk -= taken;
        if (client.chunk > 0) break;
        accepted_->fetch_add(1);
        output += "250 2.0.0 Ok\r\n";
      }
      if (client.in_data) {
        constexpr std::string_view kEnd = "\r\n.\r\n";
        const std::size_t end = rest.find(kEnd);
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + kEnd.size());
        client.in_data = false;
        accepted_->fetch_add(1);
        output += "250 2.0.0 Ok\r\n";
        continue;
      }
      const std::size_t end = rest.find("\r\n");
      if (end == std::string_view::npos) break;
      const char verb = rest[0];
      if (verb == 'B') {
        client.chunk = std::strtoull(rest.data() + 5, nullptr, 10);
        rest.remove_prefix(end + 2);
        continue;
      }
      rest.remove_prefix(end + 2);
      client.in_data = verb == 'D';
      output += verb == 'E'
                    ? "250-sink.example\r\n250-SIZE 20000000\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
                : verb == 'D' ? "354 go on\r\n"
                : verb == 'Q' ? "221 bye\r\n"
                              : "250 Ok\r\n";
    }
    client.input.erase(0, client.input.size() - rest.size());
    return output.empty() || ::send(fd, output.data(), output.size(), MSG_NOSIGNAL) > 0;
  }

  [[noreturn]] void serve(int listener) const {
    std::vector<pollfd> watched = {{listener, POLLIN, 0}};
    std::vector<Client> clients(1);
    for (;;) {
      ::poll(watched.data(), watched.size(), -1);
      for (std::size_t i = watched.size() - 1; i > 0; --i) {
        if (watched[i].revents == 0 || answer(watched[i].fd, clients[i])) continue;
        ::close(watched[i].fd);
        watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
        clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (watched[0].revents == 0) continue;
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const int one = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      constexpr std::string_view kGreeting = "220 sink.example ESMTP\r\n";
      ::send(fd, kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL);
      watched.push_back({fd, POLLIN, 0});
      clients.emplace_back();
    }
  }

  std::atomic<std::uint64_t>* accepted_ = nullptr;
  int port_ = 0;
  pid_t child_ = -1;
};

}  // namespace tlsrpt::sender::bench
