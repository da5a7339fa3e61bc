// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A mail server in a thread of its own that says what a test tells it to: one script for each
// connection, in their order. Connections beyond the scripts are closed at once.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/unique_fd.hpp"
#include "sender/smtp_transport.hpp"

namespace tlsrpt::sender {

inline constexpr int kTestPatience = 10000;  // ms; only a failing test waits that long

/// The server's end of one connection. Throws std::runtime_error if the client has gone.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  /// For who speaks another protocol from here on; nothing is unread.
  [[nodiscard]] int fd() const { return fd_; }
  void say(std::string_view text) const { ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  /// The next line without its end.
  std::string line() { return until("\r\n"); }
  /// Everything up to the line with the dot, as it came over the wire.
  std::string data() { return until("\r\n.\r\n"); }
  /// The client has sent nothing that was not taken yet.
  [[nodiscard]] bool silent() const {
    pollfd watched{fd_, POLLIN, 0};
    return unread_.empty() && ::poll(&watched, 1, 0) == 0;
  }
  void wait_for_end() {
    while (receive()) {
    }
  }
  /// Greets, and answers EHLO (or whatever comes) with these extensions.
  void begin(const std::vector<std::string>& extensions = {}) {
    say("220 scripted.example ESMTP\r\n");
    hello(extensions);
  }
  void hello(const std::vector<std::string>& extensions = {}) {
    lines.push_back(line());
    say("250-scripted.example\r\n");
    for (const std::string& word : extensions) say("250-" + word + "\r\n");
    say("250 HELP\r\n");
  }
  /// Takes one mail with PIPELINING.
  void accept_mail() {
    for (int i = 0; i < 3; ++i) lines.push_back(line());
    say("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go on\r\n");
    lines.push_back(data());
    say("250 2.0.0 queued\r\n");
  }

  std::vector<std::string> lines;  ///< what a script keeps for the test

 private:
  bool receive() {
    pollfd watched{fd_, POLLIN, 0};
    std::array<char, 4096> buffer;
    if (::poll(&watched, 1, kTestPatience) <= 0) return false;
    const ssize_t bytes = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (bytes <= 0) return false;
    unread_.append(buffer.data(), static_cast<std::size_t>(bytes));
    return true;
  }

  std::string until(std::string_view end) {
    std::size_t at = 0;
    std::size_t searched = 0;  // a large message comes in many pieces
    while ((at = unread_.find(end, searched)) == std::string::npos) {
      searched = unread_.size() - std::min(unread_.size(), end.size());
      if (!receive()) throw std::runtime_error("the client has gone");
    }
    std::string text = unread_.substr(0, at);
    unread_.erase(0, at + end.size());
    return text;
  }

  int fd_;
  std::string unread_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  /// On a free port of 127.0.0.1.
  explicit ScriptedServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listen(reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    relay_.host = "127.0.0.1";
    relay_.port = ntohs(address.sin_port);
  }
  /// LMTP on a local socket.
  ScriptedServer(const std::string& path, std::vector<Script> scripts)
      : scripts_(std::move(scripts)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    listen(reinterpret_cast<sockaddr*>(&address), sizeof address);
    relay_ = {Relay::Protocol::lmtp, "", 0, path};
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() { finish(); }

  [[nodiscard]] const Relay& relay() const { return relay_; }
  [[nodiscard]] int connections() const { return connections_; }

  /// Ends it; what the scripts have kept, of all connections.
  std::vector<std::string> finish() {
    if (thread_.joinable()) {
      ::shutdown(listener_.get(), SHUT_RDWR);
      thread_.join();
    }
    return lines_;
  }

 private:
  void listen(const sockaddr* address, socklen_t size) {
    listener_ = UniqueFd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), address, size) != 0 || ::listen(listener_.get(), 8) != 0) {
      throw std::runtime_error(std::strerror(errno));
    }
    thread_ = std::thread([this] { serve(); });
  }

  void serve() {
    while (true) {
      const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      const auto number = static_cast<std::size_t>(connections_++);
      if (number >= scripts_.size()) continue;
      Peer peer(fd.get());
      try {
        scripts_[number](peer);
      } catch (const std::exception& error) {
        peer.lines.emplace_back(error.what());
      }
      lines_.insert(lines_.end(), peer.lines.begin(), peer.lines.end());
    }
  }

  std::vector<Script> scripts_;
  UniqueFd listener_;
  Relay relay_;
  std::atomic<int> connections_ = 0;
  std::vector<std::string> lines_;  // of the thread, until it has been joined
  std::thread thread_;
};

/// A transport, its settings and its stop signal.
struct SmtpCase : ::testing::Test {
  SmtpCase() { settings.ehlo_name = "reporter.example"; }

  void use(const ScriptedServer& server) { settings.relays.push_back(server.relay()); }

  HandOverResult hand_over(std::string_view message = "Subject: x\r\n\r\nbody\r\n") {
    if (!transport) transport = make_smtp_transport(settings, stop);
    return transport->hand_over({"from@sender.example", "to@receiver.example"}, message);
  }

  StopSignal stop = StopSignal::create().value();
  SmtpSettings settings;
  std::unique_ptr<MailTransport> transport;
};

}  // namespace tlsrpt::sender
