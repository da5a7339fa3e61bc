// SPDX-License-Identifier: BSD-2-Clause
// How many reports a second eight threads get into the store, each answered after its commit,
// beside what the disk and SQLite allow: all in one run, in turn, medians of the rounds.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <thread>

#include "common/unique_fd.hpp"
#include "milter/shared_store.hpp"
#include "store_samples.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::milter;
using namespace tlsrpt::milter::bench;
using Clock = std::chrono::steady_clock;

constexpr int kThreads = 8;
constexpr int kRounds = 7;
constexpr double kRoundSeconds = 1;
constexpr std::uint64_t kReportsADay = 2000;
constexpr double kWanted = 2000;
/// Senders are counted, as in a filter, but none of them comes to an end.
constexpr StoreLimits kLimits{100u << 20, 100'000, 1'000'000'000};

class Bench {
 public:
  /// Appends of 4 kB, each followed by fsync.
  double fsyncs() {
    const UniqueFd fd(::open(folder_.file("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    const std::string block(4096, 'x');
    return rate([&] {
      if (::write(fd.get(), block.data(), block.size()) < 0 || ::fsync(fd.get()) != 0) std::abort();
      return 1;
    });
  }

  /// One connection, one commit a report.
  double single() {
    return rate([&] {
      if (!store_.store({next()}, {}, kLimits)) std::abort();
      return 1;
    });
  }

  /// One connection, a thousand reports a commit.
  double bulk() {
    return rate([&] {
      std::vector<ReceivedReport> reports;
      for (int i = 0; i < 1000; ++i) reports.push_back(next());
      if (!store_.store(reports, {}, kLimits)) std::abort();
      return 1000;
    });
  }

  /// Eight threads, each of which waits for the commit of one report before it brings the next.
  double shared() {
    std::atomic<int> stored{0};
    std::vector<std::thread> threads;
    const auto begin = Clock::now();
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        while (seconds_since(begin) < kRoundSeconds) {
          StoreItem item;
          item.reports.push_back(next());
          item.counters["mails_seen"] = 1;
          const auto done = shared_.store(item);
          if (!done || done->at(0).duplicate) std::abort();
          ++stored;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return stored / seconds_since(begin);
  }

  [[nodiscard]] const std::string& folder() const { return folder_.path(); }

 private:
  template <typename Work>
  static double rate(Work work) {
    const auto begin = Clock::now();
    int done = 0;
    while (seconds_since(begin) < kRoundSeconds) done += work();
    return done / seconds_since(begin);
  }
  ReceivedReport next() { return sample(number_++, kReportsADay); }
  [[nodiscard]] ReceivedStore open() const {
    auto store = ReceivedStore::open(folder_.file("received.db"), SqliteMode::read_write_create);
    if (!store) std::abort();
    return std::move(*store);
  }

  Folder folder_;
  std::atomic<std::uint64_t> number_{0};
  ReceivedStore store_ = open();
  SharedStore shared_{open(), kLimits, std::chrono::seconds(20)};
};

}  // namespace

int main() {
  Bench bench;
  std::array<std::vector<double>, 4> rates;
  for (int round = 0; round < kRounds; ++round) {
    rates[0].push_back(bench.fsyncs());
    rates[1].push_back(bench.single());
    rates[2].push_back(bench.shared());
    rates[3].push_back(bench.bulk());
  }
  const double shared = median(rates[2]);
  std::printf("in %s, median of %d rounds of %.0f s\n", bench.folder().c_str(), kRounds,
              kRoundSeconds);
  const auto line = [&](const char* what, double value) {
    std::printf("%-58s %8.0f/s  %6.2f\n", what, value, shared / value);
  };
  std::printf("%-58s %8s    %6s\n", "", "", "ratio");
  std::printf("%-58s %8.0f/s\n", "reports, 8 threads, each answered after its commit", shared);
  line("limit: fsync of 4 kB on that disk", median(rates[0]));
  line("limit: reports, 1 thread, a commit each", median(rates[1]));
  line("limit: reports, 1 thread, 1000 a commit", median(rates[3]));
  line("wanted", kWanted);
  return 0;
}
