// SPDX-License-Identifier: BSD-2-Clause

// What it costs to open each mail in a process of its own: beside opening it in the same process,
// and beside a process that is made and does nothing.

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <thread>
#include <vector>

#include "common/confined_opener.hpp"

namespace {

using namespace tlsrpt;
using Clock = std::chrono::steady_clock;

constexpr unsigned kRounds = 7;
constexpr unsigned kOpens = 1000;
constexpr unsigned kThreads = 8;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Microseconds for each of 'times' calls.
double timed(unsigned times, const std::function<void()>& act) {
  const auto begin = Clock::now();
  for (unsigned i = 0; i < times; ++i) act();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / times;
}

/// The same, the calls spread over threads.
double timed_by(unsigned threads, unsigned times, const std::function<void()>& act) {
  const auto begin = Clock::now();
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (unsigned n = 0; n < times / threads; ++n) act();
    });
  }
  for (std::thread& worker : workers) worker.join();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() /
         (times / threads * threads);
}

std::string small_mail() {
  return "From: r@sender.example\r\nTo: rua@x.example\r\nTLS-Report-Domain: x.example\r\n"
         "TLS-Report-Submitter: sender.example\r\nSubject: Report Domain: x.example\r\n"
         "MIME-Version: 1.0\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
         R"({"organization-name":"Sender","date-range":{"start-datetime":"2026-01-01T00:00:00Z",)"
         R"("end-datetime":"2026-01-01T23:59:59Z"},"contact-info":"r@sender.example",)"
         R"("report-id":"1","policies":[{"policy":{"policy-type":"sts","policy-string":)"
         R"(["version: STSv1","mode: enforce","mx: mx.x.example","max_age: 604800"],)"
         R"("policy-domain":"x.example","mx-host":["mx.x.example"]},"summary":)"
         R"({"total-successful-session-count":3,"total-failure-session-count":1},)"
         R"("failure-details":[{"result-type":"certificate-expired","failed-session-count":1,)"
         R"("receiving-mx-hostname":"mx.x.example","sending-mta-ip":"192.0.2.1"}]}]})";
}

std::vector<pid_t> children_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", process));
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

/// Proportional set size in kB: pages shared by n processes count for one nth each.
unsigned long pss_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", process));
  for (std::string word; file >> word;) {
    unsigned long kilobytes = 0;
    if (word == "Pss:" && file >> kilobytes) return kilobytes;
  }
  return 0;
}

void print_memory() {
  unsigned long total = 0;
  std::size_t readers = 0;
  for (const pid_t spawner : children_of(::getpid())) {
    total += pss_of(spawner);
    for (const pid_t reader : children_of(spawner)) {
      total += pss_of(reader);
      ++readers;
    }
  }
  fmt::print("memory of the spawner and {} waiting readers (PSS): {} kB\n", readers, total);
}

void bare_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
}

/// What several processes that do nothing but fork can reach: microseconds for each child.
double timed_forkers(unsigned forkers, unsigned times) {
  const auto begin = Clock::now();
  std::vector<pid_t> children;
  for (unsigned i = 0; i < forkers; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (unsigned n = 0; n < times / forkers; ++n) bare_process();
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / times;
}

}  // namespace

int main() {
  const std::string mail = small_mail();
  auto opener = ConfinedMessageOpener::start({});
  if (!opener) {
    fmt::print(stderr, "{}\n", opener.error().detail);
    return 1;
  }
  unsigned failed = 0;
  const auto open_one = [&] {
    const auto opened = (*opener)->open(mail);
    if (!opened || !opened->outcomes.front().accepted()) ++failed;
  };
  timed(100, open_one);
  print_memory();
  std::vector<double> direct, bare, confined, bare_all, confined_all;
  for (unsigned round = 0; round < kRounds; ++round) {
    direct.push_back(timed(kOpens, [&] { static_cast<void>(open_message(mail)); }));
    bare.push_back(timed(kOpens, bare_process));
    confined.push_back(timed(kOpens, open_one));
    bare_all.push_back(timed_forkers(std::thread::hardware_concurrency(), kOpens));
    confined_all.push_back(timed_by(kThreads, kOpens, open_one));
  }
  fmt::print("mail of {} bytes, medians of {} rounds of {}, microseconds each\n", mail.size(),
             kRounds, kOpens);
  fmt::print("opened in the same process      {:8.1f}\n", median(direct));
  fmt::print("a process that does nothing     {:8.1f}\n", median(bare));
  fmt::print("opened in a confined reader     {:8.1f}  = {:.2f} x (both of these)\n",
             median(confined), median(confined) / (median(direct) + median(bare)));
  fmt::print("processes on all cores          {:8.1f}  = {:.0f}/s\n", median(bare_all),
             1e6 / median(bare_all));
  fmt::print("confined, {} threads             {:8.1f}  = {:.0f}/s, {:.2f} of that\n", kThreads,
             median(confined_all), 1e6 / median(confined_all),
             median(bare_all) / median(confined_all));
  if (failed != 0) fmt::print("FAILED opens: {}\n", failed);
  return failed == 0 ? 0 : 1;
}
