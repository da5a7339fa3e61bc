// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake_service.hpp"

namespace tlsrpt::milter {

namespace {

/// What is to come again is counted by its cause; empty for what is not.
std::string_view counter_of_put_off(Disposition disposition) {
  switch (disposition) {
    case Disposition::stored:
    case Disposition::refused:
    case Disposition::unverified:
    case Disposition::no_report:
      return {};
    case Disposition::dns_error:
      return "put_off_dns";
    case Disposition::over_limit:
      return "put_off_over_limit";
    case Disposition::failed:
      return "put_off_fault";
  }
  return {};
}

}  // namespace

void IntakeService::use(IntakeSettings settings) {
  auto fresh = std::make_shared<const IntakeSettings>(std::move(settings));
  const std::lock_guard lock(settings_mutex_);
  settings_.swap(fresh);
}

std::shared_ptr<const IntakeSettings> IntakeService::settings() const {
  const std::lock_guard lock(settings_mutex_);
  return settings_;
}

void IntakeService::keep(IntakeResult& result, std::string_view bytes, const MailContext& context) {
  if (const auto item = item_of(result, bytes, context, parts_.clock.now())) {
    if (auto kept = settle(result, store_.store(*item)); !kept) {
      parts_.log.warning(
          LogLine("count-failed").add("queue_id", context.queue_id).add(kept.error()));
    }
  }
  if (const auto name = counter_of_put_off(result.disposition); !name.empty()) {
    count({{std::string(name), 1}});
  }
}

IntakeResult IntakeService::take_with(MessageOpener& opener, std::string_view message,
                                      const std::string& queue_id) {
  IntakeResult result = examine_mail(message, *settings(), opener, parts_.dns, parts_.clock);
  keep(result, message, {"milter", queue_id});
  return result;
}

IntakeResult IntakeService::take_cut_with(MessageOpener& opener, std::string_view beginning,
                                          std::size_t limit, const std::string& queue_id) {
  IntakeResult result = refuse_cut_mail(beginning, limit, opener);
  keep(result, beginning, {"milter", queue_id});
  return result;
}

IntakeResult IntakeService::take_body_with(MessageOpener& opener, std::string_view body,
                                           const MailContext& context) {
  IntakeResult result = examine_body(body, *settings(), opener, parts_.clock);
  for (ReadOutcome& outcome : result.outcomes) outcome.flags.add(context.flags);
  keep(result, body, context);
  return result;
}

IntakeResult IntakeService::take(std::string_view message, const std::string& queue_id) {
  return take_with(parts_.opener, message, queue_id);
}

IntakeResult IntakeService::take_cut(std::string_view beginning, std::size_t limit,
                                     const std::string& queue_id) {
  return take_cut_with(parts_.opener, beginning, limit, queue_id);
}

IntakeResult IntakeService::take_body(std::string_view body, const MailContext& context) {
  return take_body_with(parts_.opener, body, context);
}

IntakeResult IntakeService::not_held() {
  IntakeResult result;
  result.disposition = Disposition::failed;
  result.detail = "report mails in transit fill the memory that MaximumSpoolSize allows";
  count({{std::string(counter_of_put_off(result.disposition)), 1}});
  return result;
}

/// The service with an opener of the client's own.
class IntakeService::ForClient final : public MailTaker, public BodyTaker {
 public:
  explicit ForClient(IntakeService& service)
      : service_(service), opener_(service.parts_.opener.for_client()) {}
  IntakeResult take(std::string_view message, const std::string& queue_id) override {
    return service_.take_with(*opener_, message, queue_id);
  }
  IntakeResult take_cut(std::string_view beginning, std::size_t limit,
                        const std::string& queue_id) override {
    return service_.take_cut_with(*opener_, beginning, limit, queue_id);
  }
  IntakeResult not_held() override { return service_.not_held(); }
  IntakeResult take_body(std::string_view body, const MailContext& context) override {
    return service_.take_body_with(*opener_, body, context);
  }

 private:
  IntakeService& service_;
  std::unique_ptr<MessageOpener> opener_;
};

std::unique_ptr<MailTaker> IntakeService::for_mails_of_client() {
  return std::make_unique<ForClient>(*this);
}

std::unique_ptr<BodyTaker> IntakeService::for_bodies_of_client() {
  return std::make_unique<ForClient>(*this);
}

void IntakeService::count(const std::map<std::string, std::uint64_t>& counters) {
  const std::lock_guard lock(counters_mutex_);
  for (const auto& [name, value] : counters) counters_[name] += value;
}

void IntakeService::write_counters() {
  StoreItem item;
  item.at = parts_.clock.now();
  {
    const std::lock_guard lock(counters_mutex_);
    item.counters.swap(counters_);
  }
  if (item.counters.empty()) return;
  if (auto counted = store_.store(item); !counted) {
    parts_.log.warning(LogLine("count-failed").add(counted.error()));
    count(item.counters);  // the next time, then
  }
}

}  // namespace tlsrpt::milter
