// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bounce_command.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "sender/bounce.hpp"
#include "sender/destination_text.hpp"
#include "sender/message_token.hpp"

namespace tlsrpt::sender {

namespace {

const RecipientStatus* first_failed(const Bounce& bounce) {
  const auto found =
      std::find_if(bounce.recipients.begin(), bounce.recipients.end(),
                   [](const RecipientStatus& one) { return one.action == DeliveryAction::failed; });
  return found == bounce.recipients.end() ? nullptr : &*found;
}

std::string detail_of(const RecipientStatus& failed) {
  if (failed.diagnostic.empty()) return failed.status;
  return fmt::format("{} {}", failed.status, failed.diagnostic);
}

LogLine line_about(std::string_view tag, const Delivery& delivery) {
  LogLine line(tag);
  line.add("domain", delivery.key.domain)
      .add("day", format_day(delivery.key.day))
      .add("destination", delivery.key.destination);
  return line;
}

/// Nothing if it is about a delivery that was not accepted.
Result<std::optional<Suppression>> book(const Delivery& delivery, const std::string& detail,
                                        const BounceBooks& books,
                                        const SuppressionSettings& settings, Seconds now) {
  if (delivery.state == DeliveryState::sending) {
    return fail(ErrorCode::temporary, "its hand-over is not written down yet; try again");
  }
  if (delivery.state != DeliveryState::delivered) return std::optional<Suppression>{};
  const auto name = suppression_name(std::string_view(delivery.key.destination));
  if (!name) return tl::unexpected(name.error());
  auto settled = books.ledger.settle(delivery, DeliveryState::bounced, now, detail);
  if (!settled) return tl::unexpected(settled.error());
  auto entry = books.suppressions.count_bounce(*name, now, detail, settings);
  if (!entry) return tl::unexpected(entry.error());
  return std::optional<Suppression>(std::move(*entry));
}

void log_booked(const Delivery& delivery, const std::string& detail, const Suppression& entry,
                Seconds now, Log& log) {
  log.warning(
      line_about("report-bounced", delivery).add("bounces", entry.bounces).add("detail", detail));
  if (!entry.until || *entry.until <= now || entry.by_hand) return;
  log.warning(LogLine("destination-suppressed")
                  .add("destination", entry.name)
                  .add("until", format_rfc3339(*entry.until))
                  .add("bounces", entry.bounces)
                  .add("detail", detail));
}

Result<BounceVerdict> take_failure(const std::string& message_id, const RecipientStatus& failed,
                                   const BounceBooks& books, const SuppressionSettings& settings,
                                   Seconds now, Log& log) {
  const std::string detail = detail_of(failed);
  auto transaction = Transaction::begin(books.database);
  if (!transaction) return tl::unexpected(transaction.error());
  const auto delivery = find_by_message_id(books.ledger, message_id);
  if (!delivery) return tl::unexpected(delivery.error());
  if (!*delivery) {
    log.notice(LogLine("bounce-unmatched")
                   .add("message_id", message_id)
                   .add("recipient", failed.final_recipient)
                   .add("detail", detail));
    return BounceVerdict::unmatched;
  }
  const auto entry = book(**delivery, detail, books, settings, now);
  if (!entry) return tl::unexpected(entry.error());
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  if (!*entry) {
    log.info(line_about("bounce-repeated", **delivery)
                 .add("state", to_word((*delivery)->state))
                 .add("detail", detail));
    return BounceVerdict::repeated;
  }
  log_booked(**delivery, detail, **entry, now, log);
  return BounceVerdict::counted;
}

}  // namespace

Result<BounceVerdict> take_bounce(std::string_view mail, const BounceBooks& books,
                                  const SuppressionSettings& settings, Seconds now, Log& log) {
  const auto bounce = read_bounce(mail);
  if (!bounce) {
    log.info(LogLine("bounce-ignored").add(bounce.error()));
    return BounceVerdict::ignored;
  }
  const RecipientStatus* failed = first_failed(*bounce);
  if (failed == nullptr) {
    log.info(LogLine("bounce-ignored")
                 .add("message_id", bounce->message_id)
                 .add("detail", "no recipient has failed for good"));
    return BounceVerdict::ignored;
  }
  return take_failure(bounce->message_id, *failed, books, settings, now, log);
}

}  // namespace tlsrpt::sender
