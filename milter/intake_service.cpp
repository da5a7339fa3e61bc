// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake_service.hpp"

namespace tlsrpt::milter {

void IntakeService::use(IntakeSettings settings) {
  auto fresh = std::make_shared<const IntakeSettings>(std::move(settings));
  const std::lock_guard lock(settings_mutex_);
  settings_.swap(fresh);
}

std::shared_ptr<const IntakeSettings> IntakeService::settings() const {
  const std::lock_guard lock(settings_mutex_);
  return settings_;
}

void IntakeService::keep(IntakeResult& result, std::string_view message,
                         const std::string& queue_id) {
  const MailContext context{"milter", queue_id};
  const Seconds now = parts_.clock.now();
  // By the system's clock, because helgrind does not see waits by the steady one as locking.
  const std::unique_lock lock(store_mutex_,
                              std::chrono::system_clock::now() + parts_.store_patience);
  if (!lock.owns_lock()) {
    // What is no report needs no store: only its count is lost.
    if (result.disposition != Disposition::no_report) result.disposition = Disposition::failed;
    result.detail = "the store is held up; too many mails wait for it";
    return;
  }
  if (auto kept = keep_mail(result, message, context, now, store_, limits_); !kept) {
    parts_.log.warning(LogLine("count-failed").add("queue_id", queue_id).add(kept.error()));
  }
}

IntakeResult IntakeService::take(std::string_view message, const std::string& queue_id) {
  IntakeResult result = examine_mail(message, *settings(), parts_.opener, parts_.dns, parts_.clock);
  keep(result, message, queue_id);
  return result;
}

IntakeResult IntakeService::take_cut(std::string_view beginning, std::size_t limit,
                                     const std::string& queue_id) {
  IntakeResult result = refuse_cut_mail(beginning, limit, parts_.opener);
  keep(result, beginning, queue_id);
  return result;
}

}  // namespace tlsrpt::milter
