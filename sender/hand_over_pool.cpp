// SPDX-License-Identifier: BSD-2-Clause
#include "sender/hand_over_pool.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "sender/report_message.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kJobsPerThread = 32;  // so that no thread waits for the next commit
constexpr std::size_t kDoneAtOnce = 64;     // so that a commit is for several of them
constexpr std::chrono::seconds kIdle{10};

/// An error that another try may cure, or not.
HandOverResult to_result(const Error& error) {
  const bool ours = error.code == ErrorCode::crypto || error.code == ErrorCode::internal;
  HandOverResult result;
  result.verdict = ours ? HandOver::temporary : HandOver::permanent;
  result.detail = error.detail;
  return result;
}

}  // namespace

Result<std::unique_ptr<HandOverPool>> HandOverPool::start(Parts parts,
                                                          const ReporterSettings& settings,
                                                          const std::vector<SigningKey>& keys,
                                                          const StopSignal& stop) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno(errno, "cannot make an eventfd");
  std::unique_ptr<HandOverPool> pool(
      new HandOverPool(std::move(parts), settings, keys, stop, std::move(wake)));
  if (auto started = pool->start_threads(); !started) return tl::unexpected(started.error());
  return pool;
}

HandOverPool::HandOverPool(Parts parts, const ReporterSettings& settings,
                           const std::vector<SigningKey>& keys, const StopSignal& stop,
                           UniqueFd wake)
    : parts_(std::move(parts)),
      settings_(settings),
      keys_(keys),
      stop_(stop),
      wake_(std::move(wake)) {
  lines_[Rua::Scheme::mailto].threads = static_cast<std::size_t>(settings.smtp.connections);
  lines_[Rua::Scheme::https].threads = static_cast<std::size_t>(settings.post.connections);
}

Result<void> HandOverPool::start_threads() {
  try {
    for (auto& [scheme, line] : lines_) {
      for (std::size_t i = 0; i < line.threads; ++i) {
        threads_.emplace_back([this, &line = line, scheme = scheme] { work(line, scheme); });
      }
    }
  } catch (const std::system_error& error) {
    return fail(ErrorCode::temporary, "cannot start a thread: {}", error.what());
  }
  return {};
}

HandOverPool::~HandOverPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  for (auto& [scheme, line] : lines_) line.arrived.notify_all();
  threads_.clear();
}

std::size_t HandOverPool::room(Rua::Scheme scheme) const {
  const std::lock_guard lock(mutex_);
  const Line& line = lines_.at(scheme);
  const std::size_t most = line.threads * kJobsPerThread;
  const std::size_t free = most - std::min(most, line.jobs.size() + line.running);
  return free >= most / 2 ? free : 0;
}

void HandOverPool::submit(HandOverJob job) {
  const std::lock_guard lock(mutex_);
  Line& line = lines_.at(job.rua.scheme);
  line.jobs.push_back(std::move(job));
  ++in_hand_;
  line.arrived.notify_one();
}

std::vector<HandOverDone> HandOverPool::take_done() {
  std::uint64_t ignored = 0;
  static_cast<void>(!::read(wake_.get(), &ignored, sizeof ignored));
  const std::lock_guard lock(mutex_);
  in_hand_ -= done_.size();
  return std::exchange(done_, {});
}

std::size_t HandOverPool::in_hand(Rua::Scheme scheme) const {
  const std::lock_guard lock(mutex_);
  const Line& line = lines_.at(scheme);
  return line.jobs.size() + line.running;
}

std::size_t HandOverPool::in_hand() const {
  const std::lock_guard lock(mutex_);
  return in_hand_;
}

/// Nothing: the pool ends. 'idle' is called, once, if no job comes for a while.
template <typename Idle>
std::optional<HandOverJob> HandOverPool::next_job(Line& line, const Idle& idle) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return ending_ || !line.jobs.empty(); };
  if (!line.arrived.wait_for(lock, kIdle, ready)) {
    lock.unlock();
    idle();
    lock.lock();
    line.arrived.wait(lock, ready);
  }
  if (line.jobs.empty()) return std::nullopt;
  HandOverJob job = std::move(line.jobs.front());
  line.jobs.pop_front();
  ++line.running;
  return job;
}

void HandOverPool::work(Line& line, Rua::Scheme scheme) {
  const bool by_mail = scheme == Rua::Scheme::mailto;
  const auto mail = by_mail ? parts_.make_mail() : nullptr;
  const auto poster = by_mail ? nullptr : parts_.make_poster();
  const auto close = [&] {
    if (mail) mail->close();
    if (poster) poster->close();
  };
  while (auto job = next_job(line, close)) {
    give_back(line, do_job(std::move(*job), mail.get(), poster.get()));
  }
  close();
}

HandOverDone HandOverPool::do_job(HandOverJob job, MailTransport* mail, HttpPoster* poster) const {
  HandOverDone done;
  done.report_id = job.report->report_id;
  try {
    if (stop_.requested()) {
      done.result = {HandOver::aborted, "stopped"};
    } else if (mail != nullptr) {
      done.result = mail_report(job, *mail, done.bytes);
    } else if (poster != nullptr) {
      done.bytes = job.report->gzipped.size();
      done.result = poster->post(job.rua.uri, job.report->gzipped);
    }
  } catch (const std::exception& error) {
    done.result = {HandOver::temporary, error.what()};
  }
  done.delivery = std::move(job.delivery);
  done.rua = std::move(job.rua);
  return done;
}

HandOverResult HandOverPool::mail_report(const HandOverJob& job, MailTransport& mail,
                                         std::size_t& bytes) const {
  const auto message = make_report_message(*job.report, job.rua.address, job.message_token,
                                           settings_.identity, keys_);
  if (!message) return to_result(message.error());
  bytes = message->size();
  return mail.hand_over({settings_.identity.envelope_sender, job.rua.address}, *message);
}

void HandOverPool::give_back(Line& line, HandOverDone done) {
  bool worth_a_look = false;
  {
    const std::lock_guard lock(mutex_);
    --line.running;
    done_.push_back(std::move(done));
    worth_a_look = line.jobs.empty() || done_.size() == kDoneAtOnce;
  }
  if (!worth_a_look) return;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

}  // namespace tlsrpt::sender
