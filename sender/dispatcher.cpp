// SPDX-License-Identifier: BSD-2-Clause
#include "sender/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "common/gzip.hpp"
#include "common/report_writer.hpp"
#include "sender/message_token.hpp"
#include "sender/planner.hpp"
#include "sender/report_builder.hpp"
#include "sender/report_text.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kLargeMessage = 10u << 20;  // what many receivers take at most (R135)
constexpr std::size_t kClaimsAtOnce = 128;
// A mail server that cannot be reached costs every hand-over its timeout. After a few in a row the
// others wait, and their 24 hours do not begin.
constexpr int kTroubleInARow = 10;
constexpr std::chrono::seconds kTroublePause{60};

}  // namespace

Seconds Dispatcher::paused_until(Rua::Scheme scheme) const {
  const auto channel = channels_.find(scheme);
  return channel == channels_.end() ? Seconds{} : channel->second.paused_until;
}

bool Dispatcher::is_paused(Rua::Scheme scheme) const {
  const Seconds now = parts_.clock.now();
  const Seconds until = paused_until(scheme);
  // A clock that was set back must not hold up the work for the time it lost.
  return until > now && until - now <= kTroublePause;
}

Result<void> Dispatcher::enter() {
  const int slot = parts_.slot.number();
  const auto entered = parts_.ledger.enter(slot);
  if (!entered) return tl::unexpected(entered.error());
  if (!*entered) {
    if (auto done = release(slot); !done) return done;
  }
  return release_dead();
}

Result<void> Dispatcher::release_dead() {
  const auto alone = parts_.ledger.slots();
  if (!alone) return tl::unexpected(alone.error());
  if (alone->size() <= 1) return {};
  // The locks are looked at inside: who takes a slot now enters only after our commit.
  auto transaction = Transaction::begin(parts_.store.database());
  if (!transaction) return tl::unexpected(transaction.error());
  const auto slots = parts_.ledger.slots();
  if (!slots) return tl::unexpected(slots.error());
  for (const int slot : *slots) {
    if (slot == parts_.slot.number() || parts_.slot.held_by_other(slot)) continue;
    if (auto done = release(slot); !done) return done;
    if (auto done = parts_.ledger.leave(slot); !done) return done;
  }
  return transaction->commit();
}

Result<void> Dispatcher::release(int slot) {
  const auto released = parts_.ledger.release_claims(slot, parts_.clock.now());
  if (!released) return tl::unexpected(released.error());
  if (*released == 0) return {};
  parts_.log.notice(LogLine("claims-released")
                        .add("deliveries", *released)
                        .add("detail", "their process has died; they are due again"));
  return {};
}

Result<void> Dispatcher::leave() {
  if (parts_.pool.in_hand() > 0 || !unrecorded_.empty()) return {};
  return parts_.ledger.leave(parts_.slot.number());
}

void Dispatcher::take_done() {
  const Seconds now = parts_.clock.now();
  for (HandOverDone& done : parts_.pool.take_done()) {
    pace_of(done.rua.scheme).end(done.rua.host);
    watch_server(done.rua.scheme, done.result, now);
    judge(done, now);
    unrecorded_.push_back(std::move(done));
  }
}

Result<bool> Dispatcher::settle() {
  take_done();
  return work({});
}

Result<bool> Dispatcher::step(DeliverySource& source) {
  take_done();
  if (auto read = suppressed_.refresh(parts_.clock.now()); !read) {
    return tl::unexpected(read.error());
  }
  std::vector<Candidate> candidates;
  for (const Rua::Scheme scheme : {Rua::Scheme::mailto, Rua::Scheme::https}) {
    const Seconds now = parts_.clock.now();
    if (is_paused(scheme)) continue;
    std::size_t room = std::min(kClaimsAtOnce, parts_.pool.room(scheme));
    // After a pause one goes ahead; the others, and their 24 hours, wait for what comes of it.
    if (channels_[scheme].suspect) {
      room = parts_.pool.in_hand(scheme) == 0 ? std::min<std::size_t>(room, 1) : 0;
    }
    if (room == 0) continue;
    auto found = source.take(scheme, now, room);
    if (!found) return tl::unexpected(found.error());
    for (Delivery& delivery : *found) candidates.push_back({std::move(delivery), &source});
  }
  return work(candidates);
}

/// One transaction: what has ended, then what is claimed. The pool gets its jobs when they are on
/// disk.
Result<bool> Dispatcher::work(const std::vector<Candidate>& candidates) {
  if (unrecorded_.empty() && candidates.empty()) return false;
  std::vector<HandOverJob> jobs;
  const auto done = write_down(candidates, jobs);
  if (!done) {
    for (const HandOverJob& job : jobs) pace_of(job.rua.scheme).end(job.rua.host);
    return tl::unexpected(done.error());
  }
  for (HandOverJob& job : jobs) parts_.pool.submit(std::move(job));
  const auto ended = std::exchange(unrecorded_, {});
  if (ended_) {
    for (const HandOverDone& one : ended) ended_(one.delivery);
  }
  return true;
}

Result<void> Dispatcher::write_down(const std::vector<Candidate>& candidates,
                                    std::vector<HandOverJob>& jobs) {
  auto transaction = Transaction::begin(parts_.store.database());
  if (!transaction) return tl::unexpected(transaction.error());
  for (const HandOverDone& done : unrecorded_) {
    if (auto recorded = record(done); !recorded) return recorded;
  }
  for (const Candidate& candidate : candidates) {
    if (auto considered = consider(candidate, jobs); !considered) return considered;
  }
  return transaction->commit();
}

/// Claims the candidate, unless something is against it now.
Result<void> Dispatcher::consider(const Candidate& candidate, std::vector<HandOverJob>& jobs) {
  const Seconds now = parts_.clock.now();
  const Delivery& delivery = candidate.delivery;
  const auto end = [&](DeliveryState state, const std::string& detail) -> Result<void> {
    const auto done = parts_.ledger.settle(delivery, state, now, detail);
    if (!done) return tl::unexpected(done.error());
    candidate.source->passed_over(delivery);
    return {};
  };
  auto rua = parse_rua(delivery.key.destination);
  if (!rua) return end(DeliveryState::failed, rua.error().detail);
  if (const auto until = suppressed_.until(*rua, now)) {
    return end(DeliveryState::suppressed, "until " + format_rfc3339(*until));
  }
  if (candidate.source->of_the_daemon() &&
      is_too_old(delivery.key.day, now, settings_.maximum_age)) {
    return end(DeliveryState::expired, "beyond MaximumAge");
  }
  const std::string host = rua->host;
  DestinationPace& pace = pace_of(rua->scheme);
  if (const Seconds turn = pace.begin(host, now); turn > now) {
    return candidate.source->put_off(delivery, turn);
  }
  auto job = claim(delivery, std::move(*rua));
  if (job && *job) {
    jobs.push_back(std::move(**job));
    return {};
  }
  pace.end(host);
  if (job) candidate.source->passed_over(delivery);
  return job ? Result<void>{} : tl::unexpected(job.error());
}

/// Nothing: it is done, or another process has it.
Result<std::optional<HandOverJob>> Dispatcher::claim(const Delivery& candidate, Rua rua) {
  const Seconds now = parts_.clock.now();
  auto claimed = parts_.ledger.claim(candidate, now, parts_.slot.number());
  if (!claimed) return tl::unexpected(claimed.error());
  if (!*claimed) return std::optional<HandOverJob>{};
  auto report = report_for(**claimed);
  if (!report) return tl::unexpected(report.error());
  if (!*report) {
    const auto settled = parts_.ledger.settle(**claimed, DeliveryState::failed, now,
                                              "nothing was counted for this domain");
    if (!settled) return tl::unexpected(settled.error());
    return std::optional<HandOverJob>{};
  }
  HandOverJob job;
  const auto token = message_token(secret_, candidate.id, (*report)->report_id);
  if (!token) return tl::unexpected(token.error());
  job.message_token = *token;
  job.delivery = std::move(**claimed);
  job.rua = std::move(rua);
  job.report = std::make_shared<const StoredReport>(std::move(**report));
  return std::optional<HandOverJob>(std::move(job));
}

/// The report that was kept, or a new one, kept before its first hand-over. Nothing: there is
/// nothing to report.
Result<std::optional<StoredReport>> Dispatcher::report_for(const Delivery& delivery) {
  auto kept = parts_.ledger.find_report(delivery.plan);
  if (!kept || *kept) return kept;
  const DeliveryKey& key = delivery.key;
  const auto domain_day = parts_.store.load(key.day, key.domain);
  if (!domain_day) return tl::unexpected(domain_day.error());
  if (domain_day->policies.empty()) return std::optional<StoredReport>{};
  const auto report = draft_report(*domain_day, settings_.identity, settings_.host_name);
  if (!report) return tl::unexpected(report.error());
  auto built = parts_.ledger.keep_report(
      delivery.plan, {key.day, key.domain, report->report_id, gzip(write_report(*report)),
                      summarize(*report, key.domain), parts_.clock.now()});
  if (!built) return tl::unexpected(built.error());
  return std::optional<StoredReport>(std::move(*built));
}

/// From what the other side said to what becomes of the delivery.
void Dispatcher::judge(HandOverDone& done, Seconds now) {
  Delivery& delivery = done.delivery;
  delivery.detail = done.result.detail;
  delivery.due = now;
  switch (done.result.verdict) {
    case HandOver::accepted:
      delivery.state = DeliveryState::delivered;
      break;
    case HandOver::permanent:
      delivery.state = DeliveryState::failed;
      break;
    case HandOver::aborted:  // nobody's fault: due again at once
      delivery.state = DeliveryState::deferred;
      if (delivery.attempts == 1) delivery.first_attempt.reset();
      break;
    case HandOver::temporary: {
      const auto next =
          next_attempt(delivery.first_attempt.value_or(now), delivery.attempts, now,
                       done.result.retry_after.value_or(std::chrono::seconds(0)), random_);
      delivery.state = next ? DeliveryState::deferred : DeliveryState::expired;
      delivery.due = next.value_or(now);
      break;
    }
  }
  // Logged in any case: what the server answered is a fact, whether we can note it or not.
  log_result(done);
}

Result<void> Dispatcher::record(const HandOverDone& done) {
  const Seconds now = parts_.clock.now();
  const auto finished = parts_.ledger.finish(done.delivery, now);
  if (!finished) return tl::unexpected(finished.error());
  if (!*finished) return {};
  if (done.result.verdict == HandOver::permanent && done.result.destination_refused) {
    return count_bounce(done, now);
  }
  // What a mail server accepts may still bounce; what is posted has arrived.
  if (done.result.verdict == HandOver::accepted && done.rua.scheme == Rua::Scheme::https) {
    return parts_.suppressions.clear_bounces(suppression_name(done.rua));
  }
  return {};
}

Result<void> Dispatcher::count_bounce(const HandOverDone& done, Seconds now) {
  const std::string name = suppression_name(done.rua);
  const auto entry =
      parts_.suppressions.count_bounce(name, now, done.result.detail, settings_.suppression);
  if (!entry) return tl::unexpected(entry.error());
  if (!entry->until || *entry->until <= now || entry->by_hand) return {};
  suppressed_.add(name, *entry->until);
  parts_.log.warning(LogLine("destination-suppressed")
                         .add("destination", name)
                         .add("until", format_rfc3339(*entry->until))
                         .add("bounces", entry->bounces)
                         .add("detail", done.result.detail));
  return {};
}

void Dispatcher::watch_server(Rua::Scheme scheme, const HandOverResult& result, Seconds now) {
  if (result.verdict == HandOver::aborted) return;
  Channel& channel = channels_[scheme];
  if (!result.server_trouble) channel.suspect = false;
  channel.trouble = result.server_trouble ? channel.trouble + 1 : 0;
  if (channel.trouble < (channel.suspect ? 1 : kTroubleInARow)) return;
  channel.trouble = 0;
  channel.suspect = true;
  if (is_paused(scheme)) return;
  channel.paused_until = now + kTroublePause;
  parts_.log.notice(LogLine("delivery-paused")
                        .add("until", format_rfc3339(channel.paused_until))
                        .add("detail", result.detail));
}

void Dispatcher::log_result(const HandOverDone& done) {
  const Delivery& delivery = done.delivery;
  const auto line = [&](std::string_view tag) {
    LogLine text(tag);
    text.add("domain", delivery.key.domain)
        .add("day", format_day(delivery.key.day))
        .add("destination", delivery.key.destination)
        .add("report_id", done.report_id)
        .add("attempts", delivery.attempts);
    return text;
  };
  if (done.bytes > kLargeMessage) {
    parts_.log.warning(line("report-large").add("bytes", std::uint64_t{done.bytes}));
  }
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
    case DeliveryState::bounced:
    case DeliveryState::suppressed:
    case DeliveryState::excluded:
    case DeliveryState::unsupported:
      break;  // no ends of a hand-over
  }
}

}  // namespace tlsrpt::sender
