// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a process that sends has besides its settings: signals, DNS, transports, and everything that
// sender/sending.hpp puts together.

#include <chrono>
#include <memory>
#include <vector>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/log.hpp"
#include "sender/sending.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

/// Turns signals into "stop" and log lines. One thread.
class SignalWatch {
 public:
  SignalWatch(SignalFd signals, Log& log) : signals_(std::move(signals)), log_(log) {}

  /// True from TERM or INT on.
  bool stop();

  /// Returns after that time, or earlier if a signal came or one of the descriptors can be read.
  void wait(const std::vector<int>& fds, std::chrono::milliseconds time) const;

 private:
  SignalFd signals_;
  Log& log_;
  bool stopping_ = false;
};

struct SendingOutfit {
  SendingOutfit(SignalWatch signals, StopSignal stopping, std::unique_ptr<Dns> resolver)
      : watch(std::move(signals)), stop_signal(std::move(stopping)), dns(std::move(resolver)) {}
  /// Whoever leaves, and why ever: what the pool has not begun is not begun any more.
  ~SendingOutfit() { stop_signal.request(); }
  SendingOutfit(const SendingOutfit&) = delete;
  SendingOutfit& operator=(const SendingOutfit&) = delete;

  SignalWatch watch;
  StopSignal stop_signal;
  SystemClock clock;
  std::unique_ptr<Dns> dns;
  std::unique_ptr<Sending> sending;

  /// Asked often; tells the threads as well.
  bool stop() {
    if (!watch.stop()) return false;
    stop_signal.request();
    return true;
  }
  [[nodiscard]] Wait wait();
};

/// 'settings', 'keys', 'rules' and 'log' must outlive it. Signals must be blocked in all threads
/// (common/daemon.hpp), and a CurlLibrary be there.
Result<std::unique_ptr<SendingOutfit>> make_sending_outfit(const ReporterSettings& settings,
                                                           const std::vector<SigningKey>& keys,
                                                           const DestinationRules& rules, Log& log);

/// By SMTP or LMTP, or the program of SendmailPath.
std::unique_ptr<MailTransport> make_mail_transport(const SmtpSettings& settings,
                                                   const StopSignal& stop);

}  // namespace tlsrpt::sender
