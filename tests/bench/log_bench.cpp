// SPDX-License-Identifier: BSD-2-Clause
// What it costs to get sessions out of a mail log, beside what cannot be left out: finding the ends
// of the same lines with memchr.
//
// The log is that of a relay with Postfix: seven lines for each message, one session each, written
// by 50 processes of smtp(8) in turn. The figures are medians of the CPU time of this thread.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "sender/mail_log.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr Seconds kNow{std::chrono::seconds{1795824000}};  // 2026-11-28
constexpr int kMessages = 100000;
constexpr int kRounds = 7;

std::string postfix_log() {
  std::string log;
  for (int i = 0; i < kMessages; ++i) {
    const std::string head =
        fmt::format("Nov 23 {:02}:{:02}:{:02} out1 postfix/", i / 3600 % 24, i / 60 % 60, i % 60);
    const std::string id = fmt::format("{:06X}A980D", i);
    const std::string peer =
        fmt::format("mx{0}.customer-{1}.example[192.0.2.{2}]:25", i % 3, i % 997, i % 250);
    const int pid = 4000 + i % 50;
    log += head + "smtpd[1036]: connect from client.example[203.0.113.7]\n";
    log += head + "smtpd[1036]: " + id + ": client=client.example[203.0.113.7]\n";
    log += head + "cleanup[1038]: " + id + ": message-id=<" + id + "@out1.sender.example>\n";
    log += head + "qmgr[508]: " + id +
           ": from=<a@sender.example>, size=3690, nrcpt=1 (queue active)\n";
    log += head + fmt::format(
                      "smtp[{}]: Verified TLS connection established to {}: TLSv1.3 with "
                      "cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "
                      "server-signature ECDSA (prime256v1) server-digest SHA256\n",
                      pid, peer);
    log += head + fmt::format(
                      "smtp[{}]: {}: to=<info@customer-{}.example>, relay={}, delay=0.6, "
                      "delays=0.1/0/0.3/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued "
                      "as 3B1)\n",
                      pid, id, i % 997, peer);
    log += head + "qmgr[508]: " + id + ": removed\n";
  }
  return log;
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Calls with each line; how many there were.
template <typename Take>
std::size_t for_each_line(std::string_view text, const Take& take) {
  std::size_t lines = 0;
  while (!text.empty()) {
    const void* found = std::memchr(text.data(), '\n', text.size());
    const std::size_t end =
        found == nullptr ? text.size()
                         : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++lines;
  }
  return lines;
}

template <typename Work>
double median_seconds(const Work& work) {
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = cpu_seconds();
    work();
    times.push_back(cpu_seconds() - begin);
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

}  // namespace

int main() {
  const std::string log = postfix_log();
  std::size_t lines = 0, bytes = 0, sessions = 0;
  const double limit = median_seconds([&] {
    bytes = 0;
    lines = for_each_line(log, [&](std::string_view line) { bytes += line.size(); });
  });
  const double reader = median_seconds([&] {
    MailLog mail_log({});
    std::vector<ObservedSession> found;
    sessions = 0;
    for_each_line(log, [&](std::string_view line) {
      mail_log.add_line(line, kNow, found);
      sessions += found.size();
      found.clear();
    });
  });
  const double count = static_cast<double>(lines);
  fmt::print("{} lines of {} bytes on average, {} sessions\n", lines, bytes / lines, sessions);
  fmt::print("ends of lines found   {:6.1f} ns a line, {:5.2f} million lines/s\n",
             limit / count * 1e9, count / limit / 1e6);
  fmt::print(
      "sessions put together {:6.1f} ns a line, {:5.2f} million lines/s, {:.1f} times that\n",
      reader / count * 1e9, count / reader / 1e6, reader / limit);
  return sessions == kMessages ? 0 : 1;
}
