// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_transport.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sender/smtp_opener.hpp"

namespace tlsrpt::sender {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kMaxIdle{30};
constexpr std::chrono::seconds kAvoidTime{60};

class SmtpTransport final : public MailTransport {
 public:
  SmtpTransport(const SmtpSettings& settings, const StopSignal& stop)
      : settings_(settings),
        stop_(stop),
        opener_(settings_, stop),
        avoid_until_(settings.relays.size()) {}

  HandOverResult hand_over(const Envelope& envelope, std::string_view message) override {
    HandOverResult result = try_relays(envelope, message);
    if (result.verdict != HandOver::temporary || !stop_.requested()) return result;
    close();
    return {HandOver::aborted, std::move(result.detail)};
  }

  void close() override {
    if (kept_) kept_->connection.quit(stop_.fd());
    kept_.reset();
  }

 private:
  struct Kept {
    SmtpConnection connection;
    std::size_t relay;  ///< its place in the settings
    SteadyClock::time_point last_use{};
  };

  HandOverResult try_relays(const Envelope& envelope, std::string_view message) {
    const auto begin = SteadyClock::now();
    if (kept_ && begin - kept_->last_use > kMaxIdle) close();
    std::optional<std::size_t> kept_relay;
    if (kept_) {
      kept_relay = kept_->relay;
      // A server may end a kept connection at any time; that says nothing about the next one.
      HandOverResult result = over_kept(envelope, message, begin + settings_.timeout);
      if (!result.server_trouble || stop_.requested()) return result;
      close();
    }
    HandOverResult result;
    for (const std::size_t relay : in_order(begin)) {
      const auto from = relay == kept_relay ? begin : SteadyClock::now();
      result = over_new(relay, envelope, message, from + settings_.timeout);
      if (!result.server_trouble || stop_.requested()) break;
      avoid_until_[relay] = SteadyClock::now() + kAvoidTime;
    }
    return result;
  }

  HandOverResult over_new(std::size_t relay, const Envelope& envelope, std::string_view message,
                          Deadline deadline) {
    auto connection = opener_.open(settings_.relays[relay], deadline);
    if (!connection) {
      return {.verdict = HandOver::temporary,
              .detail = std::move(connection.error().detail),
              .server_trouble = true};
    }
    kept_.emplace(Kept{std::move(*connection), relay});
    HandOverResult result = over_kept(envelope, message, deadline);
    if (result.server_trouble) close();
    return result;
  }

  HandOverResult over_kept(const Envelope& envelope, std::string_view message, Deadline deadline) {
    HandOverResult result = kept_->connection.hand_over(envelope, message, {deadline, stop_.fd()});
    kept_->last_use = SteadyClock::now();
    if (!kept_->connection.usable()) kept_.reset();
    return result;
  }

  /// As configured, but those that were in trouble lately come last.
  [[nodiscard]] std::vector<std::size_t> in_order(SteadyClock::time_point now) const {
    std::vector<std::size_t> order(settings_.relays.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_partition(order, [&](std::size_t i) { return avoid_until_[i] <= now; });
    return order;
  }

  const SmtpSettings settings_;
  const StopSignal& stop_;
  SmtpOpener opener_;
  std::vector<SteadyClock::time_point> avoid_until_;  ///< for each relay
  std::optional<Kept> kept_;
};

std::string_view advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::crypto:
      return "look at the server's certificate and TLS, or at SMTPTLS";
    case ErrorCode::permission:
      return "look at SMTPUser, SMTPPasswordFile and SMTPTLS, or at the rights of a local socket";
    case ErrorCode::unsupported:
      return "enable it there, or look at SMTPServer, SMTPTLS and SMTPUser";
    case ErrorCode::invalid_argument:
    case ErrorCode::malformed:
    case ErrorCode::limit_exceeded:
    case ErrorCode::not_found:
    case ErrorCode::temporary:
    case ErrorCode::io:
    case ErrorCode::database:
    case ErrorCode::internal:
      break;
  }
  return "look at SMTPServer, and whether that server runs and takes mail from this machine";
}

}  // namespace

std::unique_ptr<MailTransport> make_smtp_transport(const SmtpSettings& settings,
                                                   const StopSignal& stop) {
  return std::make_unique<SmtpTransport>(settings, stop);
}

std::chrono::seconds longest_hand_over(const SmtpSettings& settings) {
  return settings.timeout * static_cast<int>(std::max<std::size_t>(settings.relays.size(), 1));
}

Result<void> probe_relay(const Relay& relay, const SmtpSettings& settings, const StopSignal& stop) {
  SmtpOpener opener(settings, stop);
  auto connection = opener.open(relay, SteadyClock::now() + settings.timeout);
  if (connection) {
    connection->quit(stop.fd());
    return {};
  }
  const Error& error = connection.error();
  return fail(error.code, "{}; {}", error.detail, advice(error.code));
}

}  // namespace tlsrpt::sender
