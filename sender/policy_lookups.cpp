// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_lookups.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr int kMaxDoublings = 5;  // of the pause: half a minute

}  // namespace

PolicyLookups::PolicyLookups(PolicyFinder& finder, PolicyLookupSettings settings,
                             CertificateWitness* witness)
    : finder_(finder), settings_(settings), witness_(witness) {}

PolicyLookups::~PolicyLookups() {
  stop();
  threads_.clear();
}

void PolicyLookups::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  due_.clear();
  arrived_.notify_all();
  found_.notify_all();
}

PolicyLookups::AnswerPtr PolicyLookups::ask(const std::string& domain, const std::string& mx_host,
                                            const std::string& address) {
  const Time now = std::chrono::steady_clock::now();
  const std::string seen_at = witness_ != nullptr ? address : std::string();
  std::string key = domain + '\n' + mx_host + '\n' + seen_at;
  const std::lock_guard lock(mutex_);
  if (const auto found = answers_.find(key); found != answers_.end()) {
    const AnswerPtr& answer = found->second;
    if (!answer->done_ || now - answer->done_at_ < settings_.keep) return answer;
  }
  if (answers_.size() >= settings_.max_kept) forget_old(now);
  auto answer = std::make_shared<Answer>(domain, mx_host, seen_at);
  answer->asked_ = now;
  answers_[std::move(key)] = answer;
  start(answer, now);
  return answer;
}

/// All but those that are being looked up, if there are no old ones among them.
void PolicyLookups::forget_old(Time now) {
  std::erase_if(answers_, [&](const auto& entry) {
    return entry.second->done_ && now - entry.second->done_at_ >= settings_.keep;
  });
  if (answers_.size() < settings_.max_kept) return;
  std::erase_if(answers_, [](const auto& entry) { return entry.second->done_; });
}

void PolicyLookups::start(const AnswerPtr& answer, Time due) {
  if (stopped_) return;
  due_.emplace(due, answer);
  if (idle_ < due_.size() && threads_.size() < settings_.max_threads) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;  // with fewer it takes longer
    }
  }
  arrived_.notify_one();
}

const Result<PolicyLookups::Found>* PolicyLookups::get(const AnswerPtr& answer) {
  std::unique_lock lock(mutex_);
  found_.wait(lock, [&] { return answer->done_ || stopped_; });
  return answer->done_ ? &answer->result_ : nullptr;
}

void PolicyLookups::work() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto next = due_.begin();
    if (next == due_.end() || next->first > std::chrono::steady_clock::now()) {
      ++idle_;
      if (next == due_.end()) {
        arrived_.wait(lock);
      } else {
        arrived_.wait_until(lock, next->first);
      }
      --idle_;
      continue;
    }
    const AnswerPtr answer = next->second;
    due_.erase(next);
    look_up(lock, answer);
  }
}

Result<PolicyLookups::Found> PolicyLookups::find(const Answer& answer) {
  auto applied = finder_.find(answer.domain_, answer.mx_host_);
  if (!applied) return tl::unexpected(applied.error());
  Found found{std::move(*applied), std::nullopt};
  if (answer.address_.empty() || !wants_witness(found.applied, answer.mx_host_)) return found;
  if (settings_.witness_testing_only && found.applied.sts.policy->mode != StsMode::testing) {
    return found;
  }
  found.certificate = witness_->look_at(answer.mx_host_, answer.address_);
  return found;
}

void PolicyLookups::look_up(std::unique_lock<std::mutex>& lock, const AnswerPtr& answer) {
  lock.unlock();
  auto result = [&]() -> Result<Found> {
    // Memory that is short now may be there at the next try.
    try {
      return find(*answer);
    } catch (const std::exception& error) {
      return fail(ErrorCode::temporary, "cannot look up {}: {}", answer->domain_, error.what());
    }
  }();
  lock.lock();
  if (stopped_) return;  // who waits has gone on with another result
  const Time now = std::chrono::steady_clock::now();
  if (result) succeeded_at_ = now;
  if (!result) {
    const auto pause = settings_.first_pause * (1 << std::min(answer->tries_++, kMaxDoublings));
    // Where nothing can be looked up it is not this domain's fault, and a log can wait.
    const bool outage = succeeded_at_ < answer->asked_;
    const auto patience = outage ? settings_.outage : settings_.patience;
    if (now + pause - answer->asked_ < patience) {
      start(answer, now + pause);
      return;
    }
  }
  answer->result_ = std::move(result);
  answer->done_at_ = now;
  answer->done_ = true;
  found_.notify_all();
}

}  // namespace tlsrpt::sender
