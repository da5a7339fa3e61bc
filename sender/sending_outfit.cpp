// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sending_outfit.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "sender/curl_http_poster.hpp"
#include "sender/sendmail_transport.hpp"
#include "sender/smtp_transport.hpp"

namespace tlsrpt::sender {

using namespace std::chrono_literals;

bool SignalWatch::stop() {
  while (const int number = signals_.take()) {
    if (number == SIGTERM || number == SIGINT) {
      stopping_ = true;
    } else {
      log_.notice(LogLine("signal-ignored")
                      .add("signal", ::strsignal(number))
                      .add("detail", "restart the reporter to read its configuration again"));
    }
  }
  return stopping_;
}

void SignalWatch::wait(const std::vector<int>& fds, std::chrono::milliseconds time) const {
  std::vector<pollfd> watched = {{signals_.fd(), POLLIN, 0}};
  for (const int fd : fds) watched.push_back({fd, POLLIN, 0});
  const auto most = std::clamp<std::chrono::milliseconds>(time, 0s, 3600s);
  ::poll(watched.data(), watched.size(), static_cast<int>(most.count()));
}

Wait SendingOutfit::wait() {
  return [this](const std::vector<int>& fds, std::chrono::milliseconds time) {
    watch.wait(fds, time);
  };
}

std::unique_ptr<MailTransport> make_mail_transport(const SmtpSettings& settings,
                                                   const StopSignal& stop) {
  return settings.sendmail_path.empty() ? make_smtp_transport(settings, stop)
                                        : make_sendmail_transport(settings, stop);
}

Result<std::unique_ptr<SendingOutfit>> make_sending_outfit(const ReporterSettings& settings,
                                                           const std::vector<SigningKey>& keys,
                                                           const DestinationRules& rules,
                                                           Log& log) {
  auto signals = SignalFd::create();
  if (!signals) return tl::unexpected(signals.error());
  auto stop_signal = StopSignal::create();
  if (!stop_signal) return tl::unexpected(stop_signal.error());
  auto dns = make_dns(settings.dns);
  if (!dns) return tl::unexpected(dns.error());
  auto outfit = std::make_unique<SendingOutfit>(SignalWatch(std::move(*signals), log),
                                                std::move(*stop_signal), std::move(*dns));
  const StopSignal& stop = outfit->stop_signal;
  Outside outside{*outfit->dns,
                  outfit->clock,
                  log,
                  system_random(),
                  {[&settings, &stop] { return make_mail_transport(settings.smtp, stop); },
                   [&settings, &stop, &names = *outfit->dns] {
                     return make_curl_http_poster(settings.post, names, stop);
                   }}};
  auto sending = Sending::start(settings, keys, rules, stop, std::move(outside));
  if (!sending) return tl::unexpected(sending.error());
  outfit->sending = std::move(*sending);
  return outfit;
}

}  // namespace tlsrpt::sender
