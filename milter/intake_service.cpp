// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake_service.hpp"

namespace tlsrpt::milter {

void IntakeService::keep(IntakeResult& result, std::string_view message,
                         const MailContext& context) {
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
    parts_.log.warning(LogLine("count-failed").add("queue_id", context.queue_id).add(kept.error()));
  }
}

IntakeResult IntakeService::take(std::string_view message, const std::string& queue_id) {
  IntakeResult result = examine_mail(message, settings_, parts_.opener, parts_.dns, parts_.clock);
  keep(result, message, {"milter", queue_id});
  return result;
}

IntakeResult IntakeService::take_cut(std::string_view beginning, std::size_t limit,
                                     const std::string& queue_id) {
  IntakeResult result = refuse_cut_mail(beginning, limit, parts_.opener);
  keep(result, beginning, {"milter", queue_id});
  return result;
}

IntakeResult IntakeService::take_body(std::string_view body, const MailContext& context) {
  IntakeResult result = examine_body(body, context, settings_, parts_.opener, parts_.clock);
  keep(result, body, context);
  return result;
}

void IntakeService::count(const std::map<std::string, std::uint64_t>& counters) {
  if (counters.empty()) return;
  const std::unique_lock lock(store_mutex_,
                              std::chrono::system_clock::now() + parts_.store_patience);
  if (!lock.owns_lock()) return;
  if (auto counted = store_.count(counters); !counted) {
    parts_.log.warning(LogLine("count-failed").add(counted.error()));
  }
}

}  // namespace tlsrpt::milter
