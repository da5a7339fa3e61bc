// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_service.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>

#include "sender/outcome_writer.hpp"

namespace tlsrpt::sender {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kSignals = 0;
constexpr std::uint64_t kPool = 1;
constexpr std::uint64_t kFirstListener = 2;
constexpr int kAcceptAtOnce = 64;
constexpr std::chrono::milliseconds kSweep{100};
constexpr std::chrono::milliseconds kLongest{1000};
constexpr std::string_view kResolverJob = ".resolver";  // no domain

}  // namespace

PolicyService::PolicyService(const PolicyServiceSettings& settings, std::vector<int> listeners,
                             PolicyKnowledge& knowledge, LookupPool& pool, Dns& dns,
                             OutcomeSender outcomes, SignalFd& signals, StopSignal& stop,
                             const Clock& clock, Log& log)
    : settings_(settings),
      listeners_(std::move(listeners)),
      knowledge_(knowledge),
      pool_(pool),
      dns_(dns),
      outcomes_(std::move(outcomes)),
      signals_(signals),
      stop_(stop),
      clock_(clock),
      log_(log),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      next_id_(kFirstListener + listeners_.size()) {}

Exit PolicyService::run() {
  watch(signals_.fd(), kSignals, EPOLLIN, EPOLL_CTL_ADD);
  watch(pool_.fd(), kPool, EPOLLIN, EPOLL_CTL_ADD);
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    watch(listeners_[i], kFirstListener + i, EPOLLIN, EPOLL_CTL_ADD);
  }
  next_stats_ = Steady::now() + settings_.stats_interval;
  std::array<epoll_event, 128> events{};
  while (!stopping_) {
    const Time before = Steady::now();
    if (before >= next_sweep_) sweep(before);
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   wait_time(before));
    const Time now = Steady::now();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events.at(static_cast<std::size_t>(i));
      handle(event.data.u64, event.events, now);
    }
  }
  return stop();
}

int PolicyService::wait_time(Time now) const {
  const auto longest = waiting_.empty() ? kLongest : kSweep;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_sweep_ - now);
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), longest).count()) + 1;
}

void PolicyService::watch(int fd, Id id, unsigned events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  ::epoll_ctl(epoll_.get(), operation, fd, &event);
}

void PolicyService::handle(Id id, unsigned events, Time now) {
  if (id == kSignals) return handle_signals();
  if (id == kPool) return take_done(now);
  if (id < kFirstListener + listeners_.size()) {
    return accept_waiting(listeners_[id - kFirstListener], now);
  }
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  PolicyConnection& connection = *found->second;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return close(id);
  if ((events & EPOLLIN) != 0 && !connection.read(now)) return close(id);
  serve(id, connection, now);
}

void PolicyService::handle_signals() {
  while (const int signal = signals_.take()) {
    if (signal == SIGTERM || signal == SIGINT) stopping_ = true;
    if (signal == SIGUSR1 || signal == SIGHUP) log_stats();
  }
}

void PolicyService::accept_waiting(int listener, Time now) {
  for (int i = 0; i < kAcceptAtOnce; ++i) {
    if (connections_.size() >= settings_.connections) return stop_accepting();
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK || error == ECONNABORTED || error == EINTR) {
        return;
      }
      if (accept_limit_.allow(clock_.now())) {
        log_.error(LogLine("policy-accept-failed")
                       .add(fail_errno(error, "cannot take a connection").value()));
      }
      return stop_accepting();  // it stays ready: not again before the next sweep
    }
    ++stats_.connections;
    const Id id = next_id_++;
    auto connection = std::make_unique<PolicyConnection>(std::move(fd), now);
    connection->events = EPOLLIN;
    watch(connection->fd(), id, EPOLLIN, EPOLL_CTL_ADD);
    connections_.emplace(id, std::move(connection));
  }
}

void PolicyService::stop_accepting() {
  if (!accepting_) return;
  accepting_ = false;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    watch(listeners_[i], kFirstListener + i, 0, EPOLL_CTL_MOD);
  }
}

void PolicyService::serve(Id id, PolicyConnection& connection, Time now) {
  for (bool asked = true; asked;) {
    asked = false;
    while (const auto request = connection.next_question()) {
      ask(id, connection, *request, now);
      asked = true;
    }
    // What was held back behind unread answers can be asked now.
    if (!connection.flush(now)) return close(id);
  }
  settle(id, connection);
}

/// Decides what to wait for next.
void PolicyService::settle(Id id, PolicyConnection& connection) {
  if (connection.malformed() && connection.finished()) ++stats_.malformed;
  if (connection.finished()) return close(id);
  const unsigned events = (connection.wants_to_read() ? unsigned{EPOLLIN} : 0u) |
                          (connection.wants_to_write() ? unsigned{EPOLLOUT} : 0u);
  if (events == connection.events) return;
  connection.events = events;
  watch(connection.fd(), id, events, EPOLL_CTL_MOD);
}

void PolicyService::ask(Id id, PolicyConnection& connection, const SocketmapRequest& request,
                        Time now) {
  ++stats_.questions;
  const auto domain = policy_domain_of(request.key);
  if (!domain) {
    const PolicyAnswer answer{{SocketmapStatus::not_found, ""}, AnswerKind::not_a_domain};
    ++stats_.at_once;
    count(request.map, request.key, answer);
    return connection.answer(answer.reply);
  }
  if (const auto known = knowledge_.fresh(*domain, now)) {
    ++stats_.at_once;
    return finish(connection, request.map, *domain, *known);
  }
  // Strangers with slow name servers may keep all threads busy: who has an answer to fall back on
  // is not kept waiting for them.
  const auto known = remembered(*domain);
  const bool in_force = known && known->sts.policy;
  const Time end = now + settings_.patience;
  connection.pending = PendingQuestion{
      request.map, *domain, in_force ? std::min(end, now + settings_.known_patience) : end};
  waiting_.emplace(*domain, id);
  next_sweep_ = std::min(next_sweep_, now + kSweep);
  pool_.submit(*domain,
               [&knowledge = knowledge_, name = *domain, patience = settings_.patience, end] {
                 // Who had to wait for a thread has less time left, but enough for what is
                 // remembered.
                 knowledge.look_up(name, std::max(end, Steady::now() + patience / 10));
               });
}

void PolicyService::finish(PolicyConnection& connection, std::string_view map,
                           const std::string& domain, const DomainKnowledge& known) {
  const PolicyMap kind = policy_map(map);
  const PolicyAnswer answer = answer_policy(kind, domain, known.sts, known.dane, settings_.answers);
  count(map, domain, answer);
  connection.answer(answer.reply);
  if (const auto outcome =
          outcome_of_problem(kind, domain, known.sts, answer, known.tlsrpt_record)) {
    record(*outcome);
  }
}

/// But for a policy that has expired meanwhile.
std::optional<DomainKnowledge> PolicyService::remembered(const std::string& domain) const {
  auto known = knowledge_.remembered(domain);
  if (known && known->sts.policy && known->sts.expires_at <= clock_.now()) return std::nullopt;
  return known;
}

/// The look-up has ended, or was not in time: what is remembered counts.
void PolicyService::answer_remembered(PolicyConnection& connection,
                                      const PendingQuestion& question) {
  try {
    auto known = remembered(question.domain);
    if (!known) known = knowledge_.at_once(question.domain);
    return finish(connection, question.map, question.domain, *known);
  } catch (const std::exception& error) {
    // There may be a policy that the mail must not go round, so it has to wait.
    const PolicyAnswer answer{{SocketmapStatus::temporary, "internal error"}, AnswerKind::put_off};
    count(question.map, question.domain, answer);
    connection.answer(answer.reply);
    if (!fault_limit_.allow(clock_.now())) return;
    log_.error(LogLine("policy-fault")
                   .add("domain", question.domain)
                   .add("suppressed", fault_limit_.take_suppressed())
                   .add("detail", error.what()));
  }
}

void PolicyService::count(std::string_view map, const std::string& domain,
                          const PolicyAnswer& answer) {
  ++stats_.answers.at(static_cast<std::size_t>(answer.kind));
  if (!settings_.log_why) return;
  log_.info(LogLine("policy-answer")
                .add("map", map)
                .add("domain", domain)
                .add("answer", to_word(answer.kind)));
}

void PolicyService::record(const Outcome& outcome) {
  const auto sent = outcomes_.send(write_outcome(outcome));
  if (sent) {
    ++stats_.recorded;
    return;
  }
  ++stats_.not_recorded;
  if (record_limit_.allow(clock_.now())) {
    log_.warning(LogLine("policy-not-recorded")
                     .add("domain", outcome.domain)
                     .add("suppressed", record_limit_.take_suppressed())
                     .add(sent.error()));
  }
}

void PolicyService::take_done(Time now) {
  for (const std::string& domain : pool_.take_done()) {
    const auto [begin, end] = waiting_.equal_range(domain);
    std::vector<Id> ids;
    for (auto at = begin; at != end; ++at) ids.push_back(at->second);
    waiting_.erase(begin, end);
    for (const Id id : ids) {
      const auto found = connections_.find(id);
      if (found == connections_.end() || !found->second->pending) continue;
      PolicyConnection& connection = *found->second;
      const PendingQuestion question = std::move(*connection.pending);
      connection.pending.reset();
      answer_remembered(connection, question);
      serve(id, connection, now);
    }
  }
}

void PolicyService::close(Id id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (found->second->pending) {
    const auto [begin, end] = waiting_.equal_range(found->second->pending->domain);
    for (auto at = begin; at != end; ++at) {
      if (at->second == id) {
        waiting_.erase(at);
        break;
      }
    }
  }
  connections_.erase(found);
}

void PolicyService::sweep(Time now) {
  next_sweep_ = now + (waiting_.empty() ? kLongest : kSweep);
  std::vector<Id> late;
  std::vector<Id> dead;
  for (const auto& [id, connection] : connections_) {
    if (connection->pending) {
      if (now >= connection->pending->end + settings_.grace) late.push_back(id);
    } else if (now - connection->last_progress() >=
               (connection->is_idle() ? settings_.idle_timeout : settings_.io_timeout)) {
      dead.push_back(id);
    }
  }
  for (const Id id : dead) {
    ++stats_.timeouts;
    close(id);
  }
  for (const Id id : late) {
    PolicyConnection& connection = *connections_.at(id);
    const PendingQuestion question = *connection.pending;
    const auto [begin, end] = waiting_.equal_range(question.domain);
    const auto at =
        std::find_if(begin, end, [id = id](const auto& item) { return item.second == id; });
    if (at != end) waiting_.erase(at);
    connection.pending.reset();
    answer_remembered(connection, question);
    serve(id, connection, now);
  }
  if (!accepting_ && connections_.size() < settings_.connections) {
    accepting_ = true;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      watch(listeners_[i], kFirstListener + i, EPOLLIN, EPOLL_CTL_MOD);
    }
  }
  if (settings_.dane && now >= next_resolver_check_) check_resolver();
  if (now >= next_stats_) {
    log_stats();
    next_stats_ = now + settings_.stats_interval;
  }
}

/// From a resolver that does not validate all answers are insecure: no domain seems to have DANE,
/// neither to us nor to an MTA that asks the same one (R293).
void PolicyService::check_resolver() {
  next_resolver_check_ = Steady::now() + settings_.resolver_interval;
  pool_.submit(std::string(kResolverJob), [this] {
    const auto validates = dns_.validates();
    if (!validates) return;  // it says so itself when a question fails
    if (resolver_validates_.exchange(*validates) == *validates) return;
    if (*validates) {
      log_.notice(LogLine("policy-dane-seen").add("detail", "the resolver validates DNSSEC now"));
      return;
    }
    log_.warning(LogLine("policy-dane-unseen")
                     .add("hint",
                          "the resolver does not validate DNSSEC, so that no domain seems to have "
                          "DANE; use one that does (Nameserver), or set PolicyDANE no"));
  });
}

void PolicyService::log_stats() {
  LogLine line("policy-stats");
  line.add("open", std::uint64_t{connections_.size()})
      .add("connections", stats_.connections)
      .add("questions", stats_.questions)
      .add("at_once", stats_.at_once);
  for (std::size_t i = 0; i < stats_.answers.size(); ++i) {
    line.add(to_word(static_cast<AnswerKind>(i)), stats_.answers[i]);
  }
  line.add("recorded", stats_.recorded)
      .add("not_recorded", stats_.not_recorded)
      .add("malformed", stats_.malformed)
      .add("timeouts", stats_.timeouts)
      .add("domains", std::uint64_t{knowledge_.domains()});
  log_.info(line);
}

/// Who waits for an answer gets it, if it comes soon.
Exit PolicyService::stop() {
  stop_accepting();
  const Time end = Steady::now() + settings_.stop_timeout;
  std::array<epoll_event, 128> events{};
  for (Time now = Steady::now(); now < end && !connections_.empty(); now = Steady::now()) {
    std::vector<Id> idle;
    for (const auto& [id, connection] : connections_) {
      if (connection->is_idle()) idle.push_back(id);
    }
    for (const Id id : idle) close(id);
    if (connections_.empty()) break;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(kSweep.count()));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events.at(static_cast<std::size_t>(i));
      if (event.data.u64 != kSignals) handle(event.data.u64, event.events, Steady::now());
    }
  }
  connections_.clear();
  waiting_.clear();
  log_stats();
  stop_.request();
  return pool_.stop(settings_.stop_timeout) ? Exit::ok : Exit::temporary;
}

}  // namespace tlsrpt::sender
