// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <csignal>
#include <stop_token>
#include <thread>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::seconds kDrainTimeout{5};
constexpr std::int64_t kLongestWait = 60000;  // milliseconds

std::string_view signal_name(int signal) {
  switch (signal) {
    case SIGHUP:
      return "HUP";
    case SIGUSR1:
      return "USR1";
    case SIGUSR2:
      return "USR2";
    case SIGINT:
      return "INT";
    case SIGTERM:
      return "TERM";
    default:
      return "other";
  }
}

}  // namespace

Collector::Collector(const CollectorSettings& settings, std::vector<OutcomeSocket> sockets,
                     SignalFd& signals, Journal& journal, Storer& storer, const Clock& clock,
                     Log& log)
    : settings_(settings),
      signals_(signals),
      journal_(journal),
      storer_(storer),
      clock_(clock),
      log_(log),
      next_stats_(std::chrono::steady_clock::now() + settings.stats_interval) {
  for (OutcomeSocket& socket : sockets) {
    if (socket.kind() == SocketKind::stream) {
      streams_.emplace_back(std::move(socket), settings_.stream);
    } else {
      datagrams_.push_back(std::move(socket));
    }
  }
  waiting_.resize(streams_.size());
}

Exit Collector::run() {
  const UniqueFd stop_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event) {
    log_.error(LogLine("start-failed").add(Error(fail_errno(errno, "eventfd").value())));
    return Exit::os;
  }
  Receiver receiver(datagrams_, stop_event.get(), settings_.storer.store.limits.max_bytes, journal_,
                    clock_, log_);
  std::jthread storing([this](const std::stop_token& token) { storer_.run(token); });
  std::jthread receiving([&receiver](const std::stop_token& token) { receiver.run(token); });
  if (logs_ != nullptr) logs_->start();
  while (!stopping_) {
    wait();
    handle_signals();
    serve_streams();
    if (std::chrono::steady_clock::now() >= next_stats_) {
      next_stats_ += settings_.stats_interval;
      log_stats();
    }
  }
  if (logs_ != nullptr) logs_->stop();
  receiving.request_stop();
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_event.get(), &one, sizeof one) == 0);
  receiving.join();
  storing.request_stop();
  journal_.wake();
  storing.join();
  return stop(receiver);
}

Collector::SteadyTime Collector::next_work() const {
  SteadyTime next = next_stats_;
  for (const OutcomeStream& stream : streams_) next = std::min(next, stream.next_deadline());
  return next;
}

void Collector::wait() {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::vector<pollfd> all{{signals_.fd(), POLLIN, 0}};
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    waiting_[i].clear();
    streams_[i].add_to(waiting_[i], now);
    all.insert(all.end(), waiting_[i].begin(), waiting_[i].end());
  }
  const auto at_most = std::chrono::ceil<std::chrono::milliseconds>(next_work() - now);
  const auto timeout = std::clamp<std::int64_t>(at_most.count(), 0, kLongestWait);
  // An interrupted wait is as good as one that ended: all sources are looked at afterwards.
  static_cast<void>(::poll(all.data(), all.size(), static_cast<int>(timeout)));
  auto next = all.begin() + 1;
  for (std::vector<pollfd>& entries : waiting_) {
    std::copy_n(next, entries.size(), entries.begin());
    next += static_cast<std::ptrdiff_t>(entries.size());
  }
}

void Collector::handle_signals() {
  while (const int signal = signals_.take()) {
    if (signal == SIGTERM || signal == SIGINT) {
      stopping_ = true;
    } else {
      log_.notice(LogLine("signal-ignored")
                      .add("signal", signal_name(signal))
                      .add("hint", "restart to read the configuration again"));
    }
  }
}

void Collector::append(std::string_view line) {
  journal_.append(clock_.today(), std::span(&line, 1));
}

void Collector::serve_streams() {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const StreamEvents events =
        streams_[i].serve(waiting_[i], now, [this](std::string_view line) { append(line); });
    if (events.error && socket_limit_.allow(clock_.now())) {
      log_.error(LogLine("socket-failed").add(*events.error));
    }
    if (events.timeouts == 0) continue;
    storer_.count("stream-timeouts", events.timeouts);
    if (stream_limit_.allow(clock_.now())) {
      log_.notice(LogLine("stream-timeout")
                      .add("connections", std::uint64_t{events.timeouts})
                      .add("suppressed", stream_limit_.take_suppressed())
                      .add("hint", "close the connection after the last line"));
    }
  }
}

void Collector::log_stats() {
  const CollectorStats stats = storer_.stats();
  LogLine line("collector-stats");
  line.add("read", stats.read)
      .add("counted", stats.counted)
      .add("bad", stats.bad)
      .add("dropped", stats.dropped)
      .add("overflow", stats.overflow)
      .add("folded", stats.folded);
  if (stats.left_to_log > 0) line.add("left-to-log", stats.left_to_log);
  for (const auto& [name, events] : stats.events) {
    if (name.starts_with("log-")) line.add(name, events);
  }
  log_.info(line);
}

Exit Collector::stop(Receiver& receiver) {
  // Senders are turned away before the queues are emptied: what the kernel took is counted.
  for (OutcomeSocket& socket : datagrams_) socket.close_for_senders();
  const SteadyTime end = std::chrono::steady_clock::now() + kDrainTimeout;
  receiver.drain(kDrainTimeout);
  for (OutcomeStream& stream : streams_) {
    stream.drain(end, [this](std::string_view line) { append(line); });
  }
  streams_.clear();
  const bool kept = storer_.finish(settings_.stop_timeout);
  log_stats();
  return kept ? Exit::ok : Exit::temporary;
}

}  // namespace tlsrpt::sender
