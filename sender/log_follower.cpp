// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_follower.hpp"

#include <poll.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <unordered_map>
#include <utility>

#include "sender/evaluation.hpp"
#include "sender/outcome_writer.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kReadAtOnce = 1000;
constexpr std::chrono::milliseconds kRetry{200};
constexpr std::chrono::milliseconds kLongestWait{1000};
/// A certificate that is seen now says little about a session that was longer ago.
constexpr std::chrono::hours kWitnessReach{6};

/// False: stopped meanwhile.
bool pause(const StopSignal& stop, std::chrono::milliseconds time) {
  pollfd watched{stop.fd(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(time.count())) == 0;
}

}  // namespace

/// The texts of a batch, and what else came of it.
class LogFollower::Judged {
 public:
  void add(std::string text) { ++texts_[std::move(text)]; }
  void count(const std::string& name) { ++counters_[name]; }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counters() const { return counters_; }

  /// With the position; as many as may go together. Long policies of some domains must not be at
  /// the expense of others.
  std::vector<Segment::Entry> entries(std::string_view position) {
    std::vector<Segment::Entry> list;
    list.reserve(texts_.size() + 1);
    for (const auto& [text, times] : texts_) list.push_back({text, times});
    std::sort(list.begin(), list.end(), [](const Segment::Entry& a, const Segment::Entry& b) {
      return a.text.size() < b.text.size();
    });
    std::size_t room = Journal::kMaxWhole - Segment::bytes_for(position);
    std::size_t kept = 0;
    while (kept < list.size() && Segment::bytes_for(list[kept].text) <= room) {
      room -= Segment::bytes_for(list[kept++].text);
    }
    for (std::size_t i = kept; i < list.size(); ++i) counters_["dropped-memory"] += list[i].count;
    list.resize(kept);
    list.push_back({position, 1});
    return list;
  }

 private:
  std::unordered_map<std::string, std::uint64_t> texts_;
  std::map<std::string, std::uint64_t> counters_;
};

Result<std::unique_ptr<LogFollower>> LogFollower::create(LogFollowerSettings settings,
                                                         std::unique_ptr<LogSource> source,
                                                         LogFollowerParts parts) {
  auto stop = StopSignal::create();
  if (!stop) return tl::unexpected(stop.error());
  return std::unique_ptr<LogFollower>(
      new LogFollower(std::move(settings), std::move(source), std::move(parts), std::move(*stop)));
}

LogFollower::LogFollower(LogFollowerSettings settings, std::unique_ptr<LogSource> source,
                         LogFollowerParts parts, StopSignal stop)
    : settings_(std::move(settings)),
      source_(std::move(source)),
      parts_(std::move(parts)),
      stop_(std::move(stop)),
      mail_log_(settings_.mail_log) {}

LogFollower::~LogFollower() = default;

void LogFollower::stop() {
  end();
  parts_.lookups.stop();
}

/// Leaves the look-ups to the other followers.
void LogFollower::end() {
  stop_.request();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void LogFollower::complain(const Error& error) {
  if (!complaint_limit_.allow(parts_.clock.now())) return;
  parts_.log.warning(LogLine("log-failed").add("log", source_->name()).add(error));
}

/// False: stopped before it was known where to begin.
bool LogFollower::load() {
  while (!parts_.is_ready()) {
    if (!pause(stop_, kRetry)) return false;
  }
  if (auto done = source_->seek_to_end(); !done) complain(done.error());
  const std::string end = source_->position();
  auto position = parts_.load_position(source_->name(), end);
  while (!position) {
    complain(position.error());
    if (!pause(stop_, kRetry)) return false;
    position = parts_.load_position(source_->name(), end);
  }
  if (*position) {
    generation_ = (*position)->generation + 1;
    go_back_to(**position);
  } else {
    generation_ = 1;
    checkpoints_.begin(end);
  }
  parts_.log.notice(LogLine("log-followed")
                        .add("log", source_->name())
                        .add("from", *position ? "where it was left" : "its end")
                        .add("read_again", items_));
  return true;
}

/// Lines that were read and counted are read again for those sessions of which the rest comes now.
void LogFollower::go_back_to(const LogPosition& position) {
  auto found = source_->seek(position.checkpoint);
  checkpoints_.begin(source_->position());
  std::vector<ObservedSession> counted;
  while (found && items_ < position.items && !stop_.requested()) {
    const auto left = static_cast<std::size_t>(position.items - items_);
    const auto got = source_->read(std::min(left, kReadAtOnce), [&](const LogItem& item) {
      add(item, counted);
      counted.clear();
    });
    if (!got || *got == 0) break;
    note_checkpoint();
  }
  const bool whole = found.has_value();
  if (!whole || source_->position() != position.end) found = source_->seek(position.end);
  if (!found) complain(found.error());
  if (!found || !whole) {
    items_ = 0;
    checkpoints_.begin(source_->position());
  }
  handed_on_ = items_;
  counted_ = mail_log_.counters();
}

void LogFollower::note_checkpoint() {
  if (!checkpoints_.wants(items_, mail_log_.newest())) return;
  checkpoints_.note({source_->position(), items_, mail_log_.newest()});
}

void LogFollower::add(const LogItem& item, std::vector<ObservedSession>& sessions) {
  ++items_;
  if (item.has_header) {
    mail_log_.add_line(item.line, parts_.clock.now(), sessions);
  } else {
    mail_log_.add_entry(item.entry, sessions);
  }
}

/// Reads until the batch is full or there is nothing for now; false then.
bool LogFollower::fill(Batch& batch) {
  while (batch.sessions.size() < settings_.batch_sessions &&
         items_ - handed_on_ < settings_.batch_items) {
    const auto got =
        source_->read(kReadAtOnce, [&](const LogItem& item) { add(item, batch.sessions); });
    if (!got) complain(got.error());
    if (!got || *got == 0) return false;
    note_checkpoint();
  }
  return true;
}

void LogFollower::note_counters() {
  const MailLogCounters& now = mail_log_.counters();
  parts_.count("log-lines", now.lines - counted_.lines);
  parts_.count("log-incomplete",
               now.incomplete + now.evicted - counted_.incomplete - counted_.evicted);
  parts_.count("log-unreadable", now.unreadable - counted_.unreadable);
  counted_ = now;
}

/// False: stopped.
bool LogFollower::hand_on(Batch batch) {
  const LogCheckpoint& checkpoint =
      checkpoints_.choose(mail_log_.oldest_open(), mail_log_.newest(), items_);
  batch.position = {source_->name(),          generation_,        ++sequence_, checkpoint.place,
                    items_ - checkpoint.item, source_->position()};
  handed_on_ = items_;
  note_counters();
  const Seconds now = parts_.clock.now();
  batch.policies.reserve(batch.sessions.size());
  for (const ObservedSession& session : batch.sessions) {
    const bool open = is_open_to_witness(session) && session.begun_at + kWitnessReach > now;
    batch.policies.push_back(parts_.lookups.ask(session.domain, session.mx_host,
                                                open ? session.receiving_ip : std::string()));
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || batches_.size() < settings_.batches; });
  if (stopped_) return false;
  batches_.push_back(std::move(batch));
  changed_.notify_all();
  return true;
}

void LogFollower::run() {
  using Steady = std::chrono::steady_clock;
  if (!load()) return;
  std::jthread judging([this] { judge_all(); });
  // Before the thread is waited for, whatever ended the reading.
  const std::shared_ptr<void> stopping(nullptr, [this](void*) { end(); });
  // Where it begins is kept at once, for who comes after a short life.
  bool going_on = hand_on({});
  auto handed_on_at = Steady::now();
  while (going_on && !stop_.requested()) {
    Batch batch;
    const bool more = fill(batch);
    const bool due =
        items_ != handed_on_ && Steady::now() - handed_on_at >= settings_.position_interval;
    if (!batch.sessions.empty() || more || due) {
      going_on = hand_on(std::move(batch));
      handed_on_at = Steady::now();
    }
    if (!more) source_->wait(kLongestWait, stop_.fd());
  }
}

void LogFollower::judge_all() {
  for (;;) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || !batches_.empty(); });
      if (stopped_) return;
      batch = std::move(batches_.front());
      batches_.pop_front();
      changed_.notify_all();
    }
    if (!judge_patiently(batch)) return;
  }
}

/// Memory that is short now may be there later: nothing has been counted until then.
bool LogFollower::judge_patiently(const Batch& batch) {
  for (;;) {
    try {
      return judge(batch);
    } catch (const std::exception& error) {
      parts_.log.error(
          LogLine("log-failed").add("log", source_->name()).add("detail", error.what()));
      if (!pause(stop_, kLongestWait)) return false;
    }
  }
}

/// False: stopped, and nothing of the batch has been counted.
bool LogFollower::judge(const Batch& batch) {
  Judged judged;
  for (std::size_t i = 0; i < batch.sessions.size(); ++i) {
    const Result<PolicyLookups::Found>* const found = parts_.lookups.get(batch.policies[i]);
    if (found == nullptr) return false;
    judge_session(batch.sessions[i], *found, judged);
  }
  const std::string position = write_log_position(batch.position);
  const auto entries = judged.entries(position);
  while (!parts_.journal.append_whole(parts_.clock.today(), entries, kRetry)) {
    if (stop_.requested()) return false;
  }
  parts_.count("log-sessions", batch.sessions.size());
  for (const auto& [name, events] : judged.counters()) parts_.count(name, events);
  return true;
}

void LogFollower::judge_session(const ObservedSession& session,
                                const Result<PolicyLookups::Found>& found, Judged& judged) {
  const Day day = std::chrono::floor<std::chrono::days>(session.begun_at);
  const Day today = parts_.clock.today();
  if (day < today - settings_.keep_days || day > today + std::chrono::days(1)) {
    return judged.count("log-wrong-day");
  }
  // In mode testing the log's word counts, and the datagram's does not.
  if (session.reported_by_mta && !settings_.testing_only) {
    return judged.count("log-reported-by-mta");
  }
  if (!found) return judged.count("log-lookup-failed");
  const AppliedPolicies& applied = found->applied;
  if (applied.tlsrpt_record.empty()) return judged.count("log-no-record");
  if (settings_.testing_only &&
      !(applied.sts.policy && applied.sts.policy->mode == StsMode::testing)) {
    return judged.count("log-not-testing");
  }
  ObservedSession whole = session;
  if (found->certificate) add_witness(*found->certificate, whole);
  const Outcome outcome = evaluate(whole, applied);
  if (outcome.policies.empty()) return judged.count("log-unjudged");
  judged.add(write_log_outcome(
      {log_source_id(source_->name()), generation_, day, write_outcome(outcome)}));
}

}  // namespace tlsrpt::sender
