// SPDX-License-Identifier: BSD-2-Clause
#include "sender/receiver.hpp"

#include <thread>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kBatch = 64;
constexpr int kBatchesInARow = 32;  // of one socket, before the others get their turn
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Receiver::Receiver(std::vector<OutcomeSocket>& sockets, int stop_event, std::size_t max_bytes,
                   Journal& journal, const Clock& clock, Log& log)
    : sockets_(sockets), batch_(kBatch, max_bytes), journal_(journal), clock_(clock), log_(log) {
  for (const OutcomeSocket& socket : sockets_) waiting_.push_back({socket.fd(), POLLIN, 0});
  waiting_.push_back({stop_event, POLLIN, 0});
  texts_.reserve(kBatch);
}

void Receiver::run(const std::stop_token& stop) {
  for (;;) {
    while (!stop.stop_requested() && receive_all()) {
    }
    if (stop.stop_requested()) return;
    static_cast<void>(::poll(waiting_.data(), waiting_.size(), -1));
  }
}

bool Receiver::receive_all() {
  bool more = false;
  for (const OutcomeSocket& socket : sockets_) {
    int left = kBatchesInARow;
    while (receive(socket.fd()) && --left > 0) {
    }
    more = more || left == 0;
  }
  return more;
}

bool Receiver::receive(int fd) {
  const auto count = batch_.receive(fd);
  const Seconds now = clock_.now();
  if (!count) {
    if (socket_limit_.allow(now)) log_.error(LogLine("socket-failed").add(count.error()));
    std::this_thread::sleep_for(kPause);  // the error may be there at once again
    return false;
  }
  if (*count == 0) return false;
  texts_.clear();
  for (std::size_t i = 0; i < *count; ++i) texts_.push_back(batch_[i]);
  journal_.append(std::chrono::floor<std::chrono::days>(now), texts_);
  return true;
}

void Receiver::drain(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (receive_all() && std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace tlsrpt::sender
