// SPDX-License-Identifier: BSD-2-Clause
#include "sender/flusher.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <utility>

namespace tlsrpt::sender {

Result<std::unique_ptr<Flusher>> Flusher::start(OutboundStore store, const StoreBounds& bounds) {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno(errno, "cannot make an event descriptor");
  return std::make_unique<Flusher>(std::move(store), bounds, std::move(event));
}

Flusher::Flusher(OutboundStore store, const StoreBounds& bounds, UniqueFd event)
    : store_(std::move(store)),
      bounds_(bounds),
      event_(std::move(event)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Flusher::submit(FlushBatch batch) {
  busy_ = true;
  {
    const std::lock_guard lock(mutex_);
    batch_ = std::move(batch);
  }
  submitted_.notify_one();
}

std::optional<FlushReport> Flusher::take_report() {
  std::uint64_t events = 0;
  static_cast<void>(::read(event_.get(), &events, sizeof events) == 0);
  const std::lock_guard lock(mutex_);
  if (!report_) return std::nullopt;
  busy_ = false;
  return std::exchange(report_, std::nullopt);
}

void Flusher::run(const std::stop_token& stop) {
  for (;;) {
    FlushBatch batch;
    {
      std::unique_lock lock(mutex_);
      if (!submitted_.wait(lock, stop, [this] { return batch_.has_value(); })) return;
      batch = *std::exchange(batch_, std::nullopt);
    }
    FlushReport report = write(std::move(batch));
    {
      const std::lock_guard lock(mutex_);
      report_ = std::move(report);
    }
    const std::uint64_t one = 1;
    static_cast<void>(::write(event_.get(), &one, sizeof one) == 0);
  }
}

Result<FlushResult> Flusher::add(const FlushBatch& batch) {
  // Memory that is short now may be there at the next try; the thread must not die of it.
  try {
    return store_.add(batch.outcomes, batch.counters, bounds_);
  } catch (const std::exception& error) {
    return fail(ErrorCode::temporary, "cannot write outcomes: {}", error.what());
  }
}

FlushReport Flusher::write(FlushBatch batch) {
  auto result = add(batch);
  if (!result) return {std::move(result), std::move(batch)};
  // Samples are a help for the administrator, not a count: one that cannot be kept is let go.
  for (const BadSample& sample : batch.samples) {
    static_cast<void>(
        store_.keep_bad_sample(to_word(sample.reason), sample.when, sample.times, sample.datagram));
  }
  return {std::move(result), {}};
}

}  // namespace tlsrpt::sender
