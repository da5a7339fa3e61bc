// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Signs reports and hands them over, several at a time: threads that take jobs and give back what
// came of them. They know neither the database nor the clock.
//
// Each kind of destination has threads of its own, so that a web server that hangs does not hold up
// mail. A thread keeps its connection for the next job and closes it when none comes for a while.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/rua.hpp"
#include "common/unique_fd.hpp"
#include "sender/http_poster.hpp"
#include "sender/ledger.hpp"
#include "sender/mail_transport.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

struct HandOverJob {
  Delivery delivery;
  Rua rua;
  std::shared_ptr<const StoredReport> report;
  std::string message_token;  ///< left side of the Message-ID
};

struct HandOverDone {
  Delivery delivery;  ///< as it was submitted
  Rua rua;
  HandOverResult result;
  std::string report_id;
  std::size_t bytes = 0;  ///< of the mail, or the body
};

/// How long what has ended may wait until it is written down, while other jobs go on.
inline constexpr std::chrono::milliseconds kDoneWait{50};

class HandOverPool {
 public:
  struct Parts {
    std::function<std::unique_ptr<MailTransport>()> make_mail;
    std::function<std::unique_ptr<HttpPoster>()> make_poster;
  };

  /// The settings, keys and the signal must outlive the pool.
  static Result<std::unique_ptr<HandOverPool>> start(Parts parts, const ReporterSettings& settings,
                                                     const std::vector<SigningKey>& keys,
                                                     const StopSignal& stop);
  /// Ends the threads; what they have in hand is waited for, so request the stop before.
  ~HandOverPool();
  HandOverPool(const HandOverPool&) = delete;
  HandOverPool& operator=(const HandOverPool&) = delete;

  /// How many jobs of this kind are taken now; 0 until it is worth a commit.
  [[nodiscard]] std::size_t room(Rua::Scheme scheme) const;
  void submit(HandOverJob job);
  /// What has ended since the last call, in any order.
  std::vector<HandOverDone> take_done();
  /// Jobs that were submitted and not taken back.
  [[nodiscard]] std::size_t in_hand() const;
  /// Of these, those of one kind that have not ended.
  [[nodiscard]] std::size_t in_hand(Rua::Scheme scheme) const;
  /// Readable when enough has ended for a commit, or nothing is left to do; take_done() clears it.
  /// What ends otherwise is to be asked for every now and then: kDoneWait.
  [[nodiscard]] int fd() const { return wake_.get(); }

 private:
  struct Line {
    std::size_t threads = 0;
    std::deque<HandOverJob> jobs;
    std::condition_variable arrived;
    std::size_t running = 0;
  };

  HandOverPool(Parts parts, const ReporterSettings& settings, const std::vector<SigningKey>& keys,
               const StopSignal& stop, UniqueFd wake);
  Result<void> start_threads();
  void work(Line& line, Rua::Scheme scheme);
  template <typename Idle>
  std::optional<HandOverJob> next_job(Line& line, const Idle& idle);
  HandOverDone do_job(HandOverJob job, MailTransport* mail, HttpPoster* poster) const;
  HandOverResult mail_report(const HandOverJob& job, MailTransport& mail, std::size_t& bytes) const;
  void give_back(Line& line, HandOverDone done);

  Parts parts_;
  const ReporterSettings& settings_;
  const std::vector<SigningKey>& keys_;
  const StopSignal& stop_;
  UniqueFd wake_;
  mutable std::mutex mutex_;  ///< of everything below but the threads
  std::map<Rua::Scheme, Line> lines_;
  std::vector<HandOverDone> done_;
  std::size_t in_hand_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace tlsrpt::sender
