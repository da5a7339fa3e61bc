// SPDX-License-Identifier: BSD-2-Clause
#include "milter/session.hpp"

#include <algorithm>

#include "common/ascii.hpp"
#include "milter/intake_log.hpp"
#include "milter/report_claim.hpp"
#include "milter/results_header.hpp"

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
  Answer answer;
  answer.reply = reply;
  switch (reply) {
    case Reply::reject:
      answer.code = "550";
      answer.enhanced = "5.7.1";
      answer.text = std::move(text);
      break;
    case Reply::tempfail:
      answer.code = "451";
      answer.enhanced = enhanced;
      answer.text = std::move(text);
      break;
    case Reply::quarantine:
      answer.text = std::move(text);
      break;
    case Reply::proceed:
    case Reply::skip:
    case Reply::accept:
    case Reply::discard:
      break;
  }
  return answer;
}

Answer plain(Reply reply) { return make_answer(reply, {}, {}); }

}  // namespace

Reply to_reply(std::string_view word) {
  if (word == "discard") return Reply::discard;
  if (word == "reject") return Reply::reject;
  if (word == "tempfail") return Reply::tempfail;
  if (word == "quarantine") return Reply::quarantine;
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
    case Reply::quarantine:
      return "quarantine";
  }
  return "";
}

Session::Session(std::shared_ptr<const SessionSettings> settings, MailTaker& taker,
                 SpoolBudget& budget, Log& log)
    : settings_(std::move(settings)),
      taker_(taker),
      log_(log),
      message_(budget, settings_->max_message_bytes) {}

void Session::reset() {
  message_.clear();
  queue_id_.clear();
  foreign_headers_ = 0;
  for_us_ = false;
  for_others_ = false;
  by_header_ = false;
  claims_ = false;
  is_other_ = false;
  failed_ = false;
}

Answer Session::connect(std::string_view host, std::string_view address) {
  reset();
  listed_peer_ = settings_->peer_list.contains(host, address);
  if (!listed_peer_) return {};
  log_.debug(LogLine("peer-skipped").add("host", host).add("address", address));
  return plain(Reply::accept);
}

void Session::mail() { reset(); }

void Session::recipient(std::string_view path) {
  if (for_us_ && for_others_) return;
  (settings_->report_addresses.contain(path) ? for_us_ : for_others_) = true;
}

Answer Session::data(std::string_view queue_id) {
  if (listed_peer_) return plain(Reply::accept);
  // A recipient that could not be looked at may have been one of ours.
  if (failed_) return after_fault();
  by_header_ = !for_us_ && settings_->report_addresses.by_header();
  if (!is_wanted()) return plain(Reply::accept);
  queue_id_ = queue_id.substr(0, kMaxQueueId);
  return {};
}

void Session::header(std::string_view name, std::string_view value) {
  if (!is_wanted()) return;
  if (settings_->add_header && equal_ignoring_case(name, kResultsHeader)) ++foreign_headers_;
  if (by_header_ && !claims_) {
    claims_ = claims_report(name, value);
    const std::size_t with_this_field =
        message_.bytes().size() + name.size() + value.size() + std::string_view(":\r\n").size();
    if (!claims_ && with_this_field > settings_->max_header_bytes) {
      is_other_ = true;
      message_.clear();
      return;
    }
  }
  append_field(name, value);
}

void Session::append_field(std::string_view name, std::string_view value) {
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

Answer Session::end_of_headers() {
  if (by_header_ && failed_) return after_fault();
  if (by_header_ && !claims_) {
    is_other_ = true;
    message_.clear();
    return plain(Reply::accept);
  }
  if (is_wanted()) message_.append("\r\n");
  return {};
}

Answer Session::body(std::string_view chunk) {
  if (!is_wanted() || message_.append(chunk) == SpooledMessage::State::whole) return {};
  return plain(Reply::skip);
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
  return taker_.not_held();
}

void Session::log(const IntakeResult& result) {
  for (const LogEntry& entry : describe_mail(result, queue_id_)) {
    log_.write(entry.level, entry.line.text());
  }
  if (!settings_->log_why) return;
  for (const LogLine& line : explain_mail(result, queue_id_)) log_.info(line);
}

Answer Session::end_of_message(std::string_view queue_id, std::string_view mta_name) {
  if (failed_) {
    reset();
    return internal_error(*settings_, Stage::end_of_message);
  }
  if (!is_wanted()) return plain(Reply::accept);
  if (queue_id_.empty()) queue_id_ = queue_id.substr(0, kMaxQueueId);
  const IntakeResult result = take();
  log(result);
  Answer answer = answer_to(result);
  answer.foreign_headers = foreign_headers_;
  if (settings_->add_header && result.disposition != Disposition::no_report) {
    answer.header = results_header(result, mta_name);
  }
  reset();
  return answer;
}

Answer Session::answer_to(const IntakeResult& result) {
  switch (result.disposition) {
    case Disposition::stored:
      return answer(settings_->on_success, "4.7.1", "TLS report stored");
    case Disposition::refused:
      return answer(settings_->on_bad_report, "4.7.1",
                    fmt::format("TLS report not accepted: {}", first_refusal(result)));
    case Disposition::no_report:
      // What was to be known by its header goes to people.
      return by_header_
                 ? plain(Reply::accept)
                 : answer(settings_->on_default, "4.7.1", "This address takes TLS reports only");
    case Disposition::dns_error:
    case Disposition::unverified:
      return answer(settings_->on_dns_error, "4.7.5",
                    "The DKIM key of this TLS report cannot be looked up now");
    case Disposition::over_limit:
      // No fault of ours that a setting could forgive: his queue is the one to fill.
      return make_answer(
          Reply::tempfail, "4.7.1",
          fmt::format("Too many new TLS reports of {} today", result.dkim.best.domain));
    case Disposition::failed:
      return answer(settings_->on_internal_error, "4.3.0", "TLS report cannot be stored now");
  }
  return internal_error(*settings_, Stage::end_of_message);
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

Answer Session::after_fault() {
  // Only the end of a message can be quarantined; failed_ will answer it.
  if (settings_->on_internal_error == Reply::quarantine) return {};
  return internal_error(*settings_, Stage::before_end);
}

Answer Session::internal_error(const SessionSettings& settings, Stage stage) {
  Reply reply = settings.on_internal_error;
  // Nobody knows for whom the message is: it is not thrown away on suspicion.
  const bool too_early = reply == Reply::quarantine && stage == Stage::before_end;
  if (reply == Reply::discard || too_early) reply = Reply::accept;
  return make_answer(reply, "4.3.0", "Local error in the TLS report filter");
}

void Session::abort() { reset(); }

}  // namespace tlsrpt::milter
