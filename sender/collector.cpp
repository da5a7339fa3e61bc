// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kBatch = 64;
constexpr int kBatchesInARow = 32;  // before signals and flushes get their turn
constexpr std::chrono::seconds kDrainTimeout{5};
constexpr int kRetryMilliseconds = 200;
constexpr std::size_t kOwnEntries = 3;  // socket, signals, flusher

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

void add_increment(std::map<std::string, std::uint64_t>& counters, const char* name,
                   std::uint64_t increment) {
  if (increment > 0) counters[name] += increment;
}

}  // namespace

Collector::Collector(const CollectorSettings& settings, OutcomeSocket& socket, SignalFd& signals,
                     Flusher& flusher, const Clock& clock, Log& log)
    : settings_(settings),
      socket_(socket),
      signals_(signals),
      flusher_(flusher),
      clock_(clock),
      log_(log),
      batch_(kBatch, settings.limits.max_bytes),
      tally_(settings.memory, settings.limits),
      bad_(log),
      day_(clock.today()),
      next_flush_(std::chrono::steady_clock::now()),
      next_stats_(next_flush_ + settings.stats_interval) {}

Exit Collector::run() {
  while (!stopping_) {
    wait(next_work());
    handle_signals();
    for (int i = 0; i < kBatchesInARow && read_batch(); ++i) {
    }
    serve_stream();
    handle_report();
    flush_if_due();
    if (std::chrono::steady_clock::now() >= next_stats_) {
      next_stats_ += settings_.stats_interval;
      log_stats();
    }
  }
  return stop();
}

Collector::SteadyTime Collector::next_work() const {
  SteadyTime next = next_stats_;
  // Counters alone are something, too: a connection may time out without having said anything.
  const bool something = stats_.read != flushed_.read || !counters_.empty() || !unwritten_.empty();
  if (something && !flusher_.busy()) next = std::min(next, next_flush_);
  if (stream_) next = std::min(next, stream_->next_deadline());
  return next;
}

void Collector::wait(SteadyTime until) {
  const SteadyTime now = std::chrono::steady_clock::now();
  waiting_ = {{socket_.fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {flusher_.fd(), POLLIN, 0}};
  if (stream_) stream_->add_to(waiting_, now);
  const auto at_most = std::chrono::ceil<std::chrono::milliseconds>(until - now);
  const auto timeout = std::clamp<std::int64_t>(at_most.count(), 0, 60000);
  // An interrupted wait is as good as one that ended: all sources are looked at afterwards.
  static_cast<void>(::poll(waiting_.data(), waiting_.size(), static_cast<int>(timeout)));
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

bool Collector::read_batch() {
  const auto count = batch_.receive(socket_.fd());
  const Seconds now = clock_.now();
  if (!count) {
    if (socket_limit_.allow(now)) log_.error(LogLine("socket-failed").add(count.error()));
    return false;
  }
  const Day day = std::chrono::floor<std::chrono::days>(now);
  for (std::size_t i = 0; i < *count; ++i) read_one(day, batch_[i], now);
  return *count == batch_.capacity();
}

void Collector::add_stream(OutcomeSocket socket) {
  stream_.emplace(std::move(socket), settings_.stream);
}

void Collector::serve_stream() {
  if (!stream_) return;
  const Seconds now = clock_.now();
  const Day day = std::chrono::floor<std::chrono::days>(now);
  const StreamEvents events =
      stream_->serve(std::span(waiting_).subspan(kOwnEntries), std::chrono::steady_clock::now(),
                     [&](std::string_view line) { read_one(day, line, now); });
  if (events.error && socket_limit_.allow(now)) {
    log_.error(LogLine("socket-failed").add(*events.error));
  }
  if (events.timeouts == 0) return;
  counters_["stream-timeouts"] += events.timeouts;
  if (stream_limit_.allow(now)) {
    log_.notice(LogLine("stream-timeout")
                    .add("connections", std::uint64_t{events.timeouts})
                    .add("suppressed", stream_limit_.take_suppressed())
                    .add("hint", "close the connection after the last line"));
  }
}

void Collector::read_one(Day day, std::string_view text, Seconds now) {
  ++stats_.read;
  Tallied tallied;
  try {
    tallied = tally_.add(day, text);
  } catch (const std::exception&) {
    tallied.dropped = true;  // no memory: this one is lost, the collector is not
  }
  if (tallied.counted) ++stats_.counted;
  if (tallied.dropped) {
    ++stats_.dropped;
    ++counters_["dropped-memory"];
    if (memory_limit_.allow(now)) {
      log_.error(LogLine("outcome-dropped")
                     .add("reason", "memory")
                     .add("suppressed", memory_limit_.take_suppressed()));
    }
  }
  if (tallied.bad.empty()) return;
  ++stats_.bad;
  for (const BadOutcome reason : tallied.bad) {
    ++counters_[std::string("bad-").append(to_word(reason))];
    bad_.note(reason, tallied.detail, text, now);
  }
}

void Collector::flush_if_due() {
  if (flusher_.busy()) return;
  const Day today = clock_.today();
  const bool due = std::chrono::steady_clock::now() >= next_flush_ || today != day_;
  if (!due) return;
  day_ = today;
  start_flush();
}

void Collector::start_flush() {
  next_flush_ = std::chrono::steady_clock::now() + settings_.flush_interval;
  FlushBatch batch = std::exchange(unwritten_, {});
  if (batch.empty()) {
    add_increment(counters_, "read", stats_.read - flushed_.read);
    add_increment(counters_, "counted", stats_.counted - flushed_.counted);
    flushed_ = stats_;
    batch = {tally_.take(), std::exchange(counters_, {}), bad_.take()};
  }
  if (!batch.empty()) flusher_.submit(std::move(batch));
}

void Collector::handle_report() {
  auto report = flusher_.take_report();
  if (!report) return;
  if (!report->result) {
    handle_failure(std::move(*report));
    return;
  }
  if (failing_) log_.notice(LogLine("flush-recovered"));
  failing_ = false;
  log_result(*report->result);
}

void Collector::handle_failure(FlushReport report) {
  failing_ = true;
  if (failure_limit_.allow(clock_.now())) {
    log_.error(LogLine("flush-failed")
                   .add(report.result.error())
                   .add("waiting_bytes", std::uint64_t{tally_.pending_bytes()})
                   .add("suppressed", failure_limit_.take_suppressed()));
  }
  unwritten_ = std::move(report.batch);
}

void Collector::log_result(const FlushResult& result) {
  stats_.dropped += result.dropped_sessions;
  stats_.folded += result.folded_details;
  const Seconds now = clock_.now();
  if (result.dropped_sessions > 0 && domain_limit_.allow(now)) {
    log_.warning(LogLine("outcome-dropped")
                     .add("reason", "domains")
                     .add("sessions", result.dropped_sessions)
                     .add("hint", "raise MaximumDomains"));
  }
  if (result.folded_details > 0 && fold_limit_.allow(now)) {
    log_.notice(LogLine("details-folded")
                    .add("sessions", result.folded_details)
                    .add("hint", "raise MaximumFailureDetails to see them apart"));
  }
}

void Collector::log_stats() {
  log_.info(LogLine("collector-stats")
                .add("read", stats_.read)
                .add("counted", stats_.counted)
                .add("bad", stats_.bad)
                .add("dropped", stats_.dropped)
                .add("folded", stats_.folded));
}

void Collector::flush_until(SteadyTime end) {
  while (std::chrono::steady_clock::now() < end) {
    if (!flusher_.busy()) {
      start_flush();
      if (!flusher_.busy()) return;  // nothing is left
    }
    pollfd report{flusher_.fd(), POLLIN, 0};
    static_cast<void>(::poll(&report, 1, kRetryMilliseconds));
    handle_report();
    // The pause before the next try; nothing can become readable in it.
    if (failing_ && !flusher_.busy()) static_cast<void>(::poll(&report, 1, kRetryMilliseconds));
  }
}

Exit Collector::stop() {
  const SteadyTime begin = std::chrono::steady_clock::now();
  // Senders are turned away before the queue is emptied: what the kernel took is counted.
  socket_.close_for_senders();
  while (read_batch() && std::chrono::steady_clock::now() - begin < kDrainTimeout) {
  }
  if (stream_) {
    const Seconds now = clock_.now();
    const Day day = std::chrono::floor<std::chrono::days>(now);
    stream_->drain(begin + kDrainTimeout, [&](std::string_view line) { read_one(day, line, now); });
    stream_.reset();
  }
  flush_until(begin + settings_.stop_timeout);
  log_stats();
  if (!flusher_.busy() && unwritten_.empty() && tally_.empty()) return Exit::ok;
  log_.error(LogLine("outcomes-lost").add("hint", "the last flush failed, see flush-failed"));
  return Exit::temporary;
}

}  // namespace tlsrpt::sender
