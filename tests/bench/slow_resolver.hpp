// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A name server on loopback, in a process of its own, that answers each question with one TXT
// record after a fixed time, and counts the sockets that ask.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>

namespace tlsrpt::sender::bench {

class SlowResolver {
 public:
  explicit SlowResolver(std::chrono::milliseconds latency) : latency_(latency) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // The C API wants the general type.
    auto* general = reinterpret_cast<sockaddr*>(&address);
    const int room = 8 << 20;
    if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
        ::bind(fd, general, size) != 0 || ::getsockname(fd, general, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve(fd);
    }
    ::close(fd);
  }
  SlowResolver(const SlowResolver&) = delete;
  SlowResolver& operator=(const SlowResolver&) = delete;
  ~SlowResolver() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Pending {
    Time due;
    std::string answer;
    sockaddr_in client{};
  };

  static std::string answer_to(std::string_view query) {
    constexpr std::string_view kRecord = "v=TLSRPTv1; rua=mailto:tls@provider.example";
    constexpr std::size_t kHeader = 12;
    std::size_t end = kHeader;
    while (end < query.size() && query[end] != '\0')
      end += static_cast<unsigned char>(query[end]) + 1u;
    std::string answer(query.substr(0, end + 5));  // without EDNS
    answer[2] = '\x81';
    answer[3] = '\x80';
    answer.replace(4, 8, std::string("\0\1\0\1\0\0\0\0", 8));
    answer += std::string("\xc0\x0c\0\x10\0\1\0\0\0\x3c\0", 11);
    answer += static_cast<char>(kRecord.size() + 1);
    answer += static_cast<char>(kRecord.size());
    answer += kRecord;
    return answer;
  }

  [[noreturn]] void serve(int fd) const {
    std::deque<Pending> pending;
    for (;;) {
      pollfd watched{fd, POLLIN, 0};
      const auto now = std::chrono::steady_clock::now();
      int wait = -1;
      if (!pending.empty()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(pending.front().due - now).count();
        wait = static_cast<int>(std::max<decltype(left)>(left, 0));
      }
      if (::poll(&watched, 1, wait) > 0) {
        char buffer[1500];
        Pending one;
        socklen_t size = sizeof one.client;
        const ssize_t count = ::recvfrom(fd, buffer, sizeof buffer, 0,
                                         reinterpret_cast<sockaddr*>(&one.client), &size);
        if (count > 17) {
          one.answer = answer_to({buffer, static_cast<std::size_t>(count)});
          one.due = std::chrono::steady_clock::now() + latency_;
          pending.push_back(std::move(one));
        }
      }
      while (!pending.empty() && pending.front().due <= std::chrono::steady_clock::now()) {
        const Pending& one = pending.front();
        ::sendto(fd, one.answer.data(), one.answer.size(), 0,
                 reinterpret_cast<const sockaddr*>(&one.client), sizeof one.client);
        pending.pop_front();
      }
    }
  }

  std::chrono::milliseconds latency_;
  int port_ = 0;
  pid_t child_ = -1;
};

}  // namespace tlsrpt::sender::bench
