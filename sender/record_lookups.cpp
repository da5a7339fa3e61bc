// SPDX-License-Identifier: BSD-2-Clause
#include "sender/record_lookups.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxThreads = 96;  // each has one socket
constexpr std::size_t kMaxOpen = 2 * kMaxThreads;
constexpr int kStopCheckMs = 100;

}  // namespace

Result<std::unique_ptr<RecordLookups>> RecordLookups::create(Dns& dns,
                                                             const RecordSettings& settings) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno(errno, "cannot make an eventfd");
  return std::unique_ptr<RecordLookups>(new RecordLookups(dns, settings, std::move(wake)));
}

RecordLookups::RecordLookups(Dns& dns, const RecordSettings& settings, UniqueFd wake)
    : dns_(dns), settings_(settings), wake_(std::move(wake)) {}

RecordLookups::~RecordLookups() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    queries_.clear();
  }
  arrived_.notify_all();
  threads_.clear();
}

std::size_t RecordLookups::room() const {
  const std::lock_guard lock(mutex_);
  return open_ < kMaxOpen ? kMaxOpen - open_ : 0;
}

void RecordLookups::submit(RecordQuery query) {
  const std::lock_guard lock(mutex_);
  queries_.push_back(std::move(query));
  ++open_;
  if (waiting_threads_ < queries_.size() && threads_.size() < kMaxThreads) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;  // with fewer it takes longer
    }
  }
  arrived_.notify_one();
}

std::vector<RecordAnswer> RecordLookups::take_answers() {
  std::uint64_t ignored = 0;
  static_cast<void>(!::read(wake_.get(), &ignored, sizeof ignored));
  const std::lock_guard lock(mutex_);
  open_ -= answers_.size();
  return std::exchange(answers_, {});
}

std::size_t RecordLookups::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void RecordLookups::cancel() {
  const std::lock_guard lock(mutex_);
  for (RecordQuery& query : queries_) answers_.push_back({std::move(query), {}, true});
  queries_.clear();
}

void RecordLookups::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++waiting_threads_;
    arrived_.wait(lock, [this] { return ending_ || !queries_.empty(); });
    --waiting_threads_;
    if (ending_) return;
    RecordAnswer answer{std::move(queries_.front()), {}, false};
    queries_.pop_front();
    lock.unlock();
    answer.destinations =
        find_destinations(dns_, settings_, answer.query.domain, answer.query.record_seen_by_mta);
    lock.lock();
    answers_.push_back(std::move(answer));
    if (answers_.size() > 1) continue;  // who waits has been woken
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  }
}

Result<std::vector<Destinations>> find_all_destinations(Dns& dns, const RecordSettings& settings,
                                                        const std::vector<RecordQuery>& queries,
                                                        const StopRequested& stop) {
  auto lookups = RecordLookups::create(dns, settings);
  if (!lookups) return tl::unexpected(lookups.error());
  std::vector<Destinations> results(queries.size());
  std::size_t next = 0;
  for (std::size_t found = 0; found < queries.size();) {
    if (stop()) return std::vector<Destinations>{};
    while (next < queries.size() && (*lookups)->room() > 0) {
      RecordQuery query = queries[next];
      query.tag = next++;
      (*lookups)->submit(std::move(query));
    }
    pollfd watched{(*lookups)->fd(), POLLIN, 0};
    ::poll(&watched, 1, kStopCheckMs);
    for (RecordAnswer& answer : (*lookups)->take_answers()) {
      results.at(answer.query.tag) = std::move(answer.destinations);
      ++found;
    }
  }
  return results;
}

}  // namespace tlsrpt::sender
