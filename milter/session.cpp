// SPDX-License-Identifier: BSD-2-Clause
#include "milter/session.hpp"

#include <algorithm>

#include "milter/intake_log.hpp"

namespace tlsrpt::milter {

namespace {

/// Queue ids are a few dozen characters; nothing longer is kept.
constexpr std::size_t kMaxQueueId = 128;

std::string_view first_refusal(const IntakeResult& result) {
  const auto found = std::find_if(result.outcomes.begin(), result.outcomes.end(),
                                  [](const ReadOutcome& outcome) { return !outcome.accepted(); });
  return found == result.outcomes.end() ? std::string_view() : to_word(found->refusal);
}

Answer make_answer(Reply reply, std::string_view enhanced, std::string text) {
  switch (reply) {
    case Reply::reject:
      return {reply, "550", "5.7.1", std::move(text)};
    case Reply::tempfail:
      return {reply, "451", std::string(enhanced), std::move(text)};
    case Reply::proceed:
    case Reply::skip:
    case Reply::accept:
    case Reply::discard:
      return {reply, {}, {}, {}};
  }
  return {};
}

}  // namespace

Reply to_reply(std::string_view word) {
  if (word == "discard") return Reply::discard;
  if (word == "reject") return Reply::reject;
  if (word == "tempfail") return Reply::tempfail;
  return Reply::accept;
}

std::string_view to_word(Reply reply) {
  switch (reply) {
    case Reply::proceed:
      return "proceed";
    case Reply::skip:
      return "skip";
    case Reply::accept:
      return "accept";
    case Reply::discard:
      return "discard";
    case Reply::reject:
      return "reject";
    case Reply::tempfail:
      return "tempfail";
  }
  return "";
}

Session::Session(const SessionSettings& settings, MailTaker& taker, SpoolBudget& budget, Log& log)
    : settings_(settings), taker_(taker), log_(log), message_(budget, settings.max_message_bytes) {}

void Session::reset() {
  message_.clear();
  queue_id_.clear();
  for_us_ = false;
  for_others_ = false;
  failed_ = false;
}

Answer Session::connect(std::string_view host, std::string_view address) {
  reset();
  if (!settings_.peer_list.contains(host, address)) return {};
  log_.debug(LogLine("peer-skipped").add("host", host).add("address", address));
  return {Reply::accept, {}, {}, {}};
}

void Session::mail() { reset(); }

void Session::recipient(std::string_view path) {
  (settings_.report_addresses.contain(path) ? for_us_ : for_others_) = true;
}

Answer Session::data(std::string_view queue_id) {
  // A recipient that could not be looked at may have been one of ours.
  if (failed_) return internal_error(settings_);
  if (!for_us_) return {Reply::accept, {}, {}, {}};
  queue_id_ = queue_id.substr(0, kMaxQueueId);
  return {};
}

void Session::header(std::string_view name, std::string_view value) {
  if (!for_us_) return;
  message_.append(name);
  message_.append(":");
  // The MTA hands over folded values with bare LF; on the wire each was CRLF (R253).
  while (!value.empty()) {
    const std::size_t end = value.find('\n');
    std::string_view line = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
    if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
    message_.append(line);
    if (end != std::string_view::npos) message_.append("\r\n");
  }
  message_.append("\r\n");
}

void Session::end_of_headers() {
  if (for_us_) message_.append("\r\n");
}

Answer Session::body(std::string_view chunk) {
  if (!for_us_) return {};
  if (message_.append(chunk) == SpooledMessage::State::whole) return {};
  return {Reply::skip, {}, {}, {}};
}

IntakeResult Session::take() {
  switch (message_.state()) {
    case SpooledMessage::State::whole:
      return taker_.take(message_.bytes(), queue_id_);
    case SpooledMessage::State::cut:
      return taker_.take_cut(message_.bytes(), message_.limit(), queue_id_);
    case SpooledMessage::State::no_memory:
      break;
  }
  IntakeResult result;
  result.disposition = Disposition::failed;
  result.detail = "report mails in transit fill the memory that MaximumSpoolSize allows";
  return result;
}

Answer Session::end_of_message(std::string_view queue_id) {
  if (failed_) {
    reset();
    return internal_error(settings_);
  }
  if (!for_us_) return {Reply::accept, {}, {}, {}};
  if (queue_id_.empty()) queue_id_ = queue_id.substr(0, kMaxQueueId);
  const IntakeResult result = take();
  log_.write(level_of(result), describe_mail(result, queue_id_).text());
  if (settings_.log_why) {
    for (const LogLine& line : explain_mail(result, queue_id_)) log_.info(line);
  }
  const Answer answer = decide(result);
  reset();
  return answer;
}

Answer Session::decide(const IntakeResult& result) {
  switch (result.disposition) {
    case Disposition::stored:
      return answer(settings_.on_report, "4.7.1", {});
    case Disposition::refused:
      return answer(settings_.on_bad_report, "4.7.1",
                    fmt::format("TLS report not accepted: {}", first_refusal(result)));
    case Disposition::no_report:
      return answer(settings_.on_default, "4.7.1", "This address takes TLS reports only");
    case Disposition::dns_error:
      return answer(settings_.on_dns_error, "4.7.5",
                    "The DKIM key of this TLS report cannot be looked up now");
    case Disposition::failed:
      return answer(settings_.on_internal_error, "4.3.0", "TLS report cannot be stored now");
  }
  return internal_error(settings_);
}

Answer Session::answer(Reply configured, std::string_view enhanced, std::string text) {
  if (configured == Reply::discard && for_others_) {
    log_.notice(LogLine("discard-withheld")
                    .add("queue_id", queue_id_)
                    .add("reason", "a recipient is not a report address"));
    configured = Reply::accept;
  }
  return make_answer(configured, enhanced, std::move(text));
}

Answer Session::internal_error(const SessionSettings& settings) {
  // Nobody knows for whom the message is: it is not thrown away on suspicion.
  const Reply reply =
      settings.on_internal_error == Reply::discard ? Reply::accept : settings.on_internal_error;
  return make_answer(reply, "4.3.0", "Local error in the TLS report filter");
}

void Session::abort() { reset(); }

}  // namespace tlsrpt::milter
