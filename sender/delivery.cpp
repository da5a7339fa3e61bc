// SPDX-License-Identifier: BSD-2-Clause
#include "sender/delivery.hpp"

#include <algorithm>
#include <utility>

#include "common/gzip.hpp"
#include "common/report_writer.hpp"
#include "common/rua.hpp"
#include "sender/report_builder.hpp"
#include "sender/report_message.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kLargeMessage = 10u << 20;  // what many receivers take at most (R135)
// A claim outlives the longest hand-over, with TLS and once more without.
constexpr std::chrono::seconds kClaimMargin{60};

/// An error that another try may cure, or not.
HandOverResult to_result(const Error& error) {
  const bool ours = error.code == ErrorCode::crypto || error.code == ErrorCode::internal;
  return {ours ? HandOver::temporary : HandOver::permanent, error.detail};
}

}  // namespace

std::chrono::seconds backoff(int attempts) {
  std::chrono::seconds wait = kFirstRetry;
  for (int i = 1; i < attempts && wait < kLongestRetry; ++i) wait *= 2;
  return std::min(wait, kLongestRetry);
}

std::optional<Seconds> next_attempt(Seconds first_attempt, int attempts, Seconds now) {
  const Seconds end = first_attempt + kDeliveryTime;
  if (now >= end) return std::nullopt;
  return std::min(now + backoff(attempts), end);
}

Result<std::optional<Delivery>> Deliverer::serve(const DeliveryKey& key, ClaimMode mode) {
  const auto taken = take(key, mode);
  if (!taken) return tl::unexpected(taken.error());
  if (!*taken) return std::optional<Delivery>{};
  const auto& [delivery, report] = **taken;
  return conclude(delivery, report ? hand_over(delivery, *report) : to_result(report.error()),
                  report ? report->report_id : "");
}

/// The claim and the report in one transaction: one commit, and no claim without its report.
Result<std::optional<Deliverer::Taken>> Deliverer::take(const DeliveryKey& key, ClaimMode mode) {
  auto transaction = Transaction::begin(parts_.store.database());
  if (!transaction) return tl::unexpected(transaction.error());
  const Seconds now = parts_.clock.now();
  const Seconds until = now + 2 * settings_.smtp.timeout + kClaimMargin;
  auto claimed = parts_.ledger.claim(key, now, until, mode);
  if (!claimed) return tl::unexpected(claimed.error());
  if (!*claimed) return std::optional<Taken>{};
  auto report = report_for(key);
  if (!report &&
      (report.error().code == ErrorCode::database || report.error().code == ErrorCode::temporary)) {
    return tl::unexpected(report.error());
  }
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return std::optional<Taken>({std::move(**claimed), std::move(report)});
}

/// The report that was kept, or a new one, kept before its first hand-over.
Result<StoredReport> Deliverer::report_for(const DeliveryKey& key) {
  auto kept = parts_.ledger.find_report(key.day, key.domain);
  if (!kept) return tl::unexpected(kept.error());
  if (*kept) return std::move(**kept);
  const auto domain_day = parts_.store.load(key.day, key.domain);
  if (!domain_day) return tl::unexpected(domain_day.error());
  if (domain_day->policies.empty()) {
    return fail(ErrorCode::not_found, "nothing was counted for {}", key.domain);
  }
  const auto report = draft_report(*domain_day, settings_.identity, settings_.host_name);
  if (!report) return tl::unexpected(report.error());
  return parts_.ledger.keep_report({key.day, key.domain, report->report_id,
                                    gzip(write_report(*report)), summarize(*report, key.domain),
                                    parts_.clock.now()});
}

HandOverResult Deliverer::hand_over(const Delivery& delivery, const StoredReport& report) {
  const auto rua = parse_rua(delivery.key.destination);
  if (!rua) return to_result(rua.error());
  const auto message = make_report_message(report, rua->address, settings_.identity, keys_);
  if (!message) return to_result(message.error());
  if (message->size() > kLargeMessage) {
    parts_.log.warning(LogLine("report-large")
                           .add("domain", delivery.key.domain)
                           .add("day", format_day(delivery.key.day))
                           .add("bytes", std::uint64_t{message->size()}));
  }
  return parts_.transport.hand_over({settings_.identity.envelope_sender, rua->address}, *message);
}

Result<std::optional<Delivery>> Deliverer::conclude(Delivery delivery, const HandOverResult& result,
                                                    const std::string& report_id) {
  const Seconds now = parts_.clock.now();
  served_ = true;
  delivery.detail = result.detail;
  delivery.due = now;
  switch (result.verdict) {
    case HandOver::accepted:
      delivery.state = DeliveryState::delivered;
      break;
    case HandOver::permanent:
      delivery.state = DeliveryState::failed;
      break;
    case HandOver::aborted:  // nobody's fault: due again at once
      delivery.state = DeliveryState::deferred;
      break;
    case HandOver::temporary: {
      const auto next = next_attempt(delivery.first_attempt.value_or(now), delivery.attempts, now);
      delivery.state = next ? DeliveryState::deferred : DeliveryState::expired;
      delivery.due = next.value_or(now);
      break;
    }
  }
  const auto finished =
      parts_.ledger.finish(delivery, delivery.state, delivery.due, delivery.detail);
  // Logged in any case: what the mail server answered is a fact, whether we could note it or not.
  log_result(delivery, report_id);
  if (!finished) {
    unrecorded_ = std::move(delivery);
    return tl::unexpected(finished.error());
  }
  return std::optional<Delivery>(std::move(delivery));
}

Result<void> Deliverer::rest() {
  parts_.transport.close();
  if (!std::exchange(served_, false)) return {};
  return parts_.ledger.sync();
}

Result<void> Deliverer::settle() {
  if (!unrecorded_) return {};
  const Delivery& end = *unrecorded_;
  const auto finished = parts_.ledger.finish(end, end.state, end.due, end.detail);
  if (!finished) return tl::unexpected(finished.error());
  unrecorded_.reset();
  return {};
}

void Deliverer::log_result(const Delivery& delivery, const std::string& report_id) {
  const auto line = [&](std::string_view tag) {
    LogLine text(tag);
    text.add("domain", delivery.key.domain)
        .add("day", format_day(delivery.key.day))
        .add("destination", delivery.key.destination)
        .add("report_id", report_id)
        .add("attempts", delivery.attempts);
    return text;
  };
  switch (delivery.state) {
    case DeliveryState::delivered:
      parts_.log.info(line("report-delivered").add("reply", delivery.detail));
      break;
    case DeliveryState::deferred:
      parts_.log.notice(line("report-deferred")
                            .add("next", format_rfc3339(delivery.due))
                            .add("detail", delivery.detail));
      break;
    case DeliveryState::failed:
      parts_.log.warning(line("report-failed").add("detail", delivery.detail));
      break;
    case DeliveryState::expired:
      parts_.log.warning(line("report-expired").add("detail", delivery.detail));
      break;
    case DeliveryState::waiting:
    case DeliveryState::sending:
    case DeliveryState::unsupported:
      break;  // no ends of a hand-over
  }
}

}  // namespace tlsrpt::sender
