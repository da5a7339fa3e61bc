// SPDX-License-Identifier: BSD-2-Clause
// opentlsrpt-collector beside a loop of recvmmsg that drops everything: how many datagrams a second
// one blocking sender gets rid of, what each costs in CPU time, how many of a burst are lost, and
// what memory different ones take. Both run as processes, in turn; medians of the rounds.
//
// Arguments: repeated, burst, different; all of them if none is given. Counts are looked up in the
// database after each round: all of them must be there.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"

namespace {

using namespace tlsrpt;
namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

constexpr int kRounds = 7;
constexpr int kBurstRounds = 21;  // short, and at the mercy of the scheduler
constexpr std::size_t kDatagramBytes = 450;
constexpr std::size_t kDomains = 10'000;
constexpr std::size_t kDatagrams = 1'500'000;
constexpr std::size_t kDifferent = 1'000'000;
constexpr std::size_t kBurst = 40'000;
constexpr int kReceiveBuffer = 8 << 20;

[[noreturn]] void die(std::string_view why) {
  fmt::print(stderr, "collector_bench: {}\n", why);
  std::exit(1);
}

void check(bool good, std::string_view what) {
  if (!good) die(fmt::format("{}: {}", what, std::strerror(errno)));
}

double seconds(Steady::duration time) { return std::chrono::duration<double>(time).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// What Postfix says of an MTA-STS host, filled up to a usual size.
std::string datagram(std::size_t domain) {
  const std::string name = fmt::format("customer-{}.example", domain);
  std::string text = fmt::format(
      R"({{"dpv": "1","d": "{0}","pr": "v=TLSRPTv1; rua=mailto:tlsrpt@{0}","policies":[{{)"
      R"("policy-type":2,"policy-domain": "{0}","policy-string":["version: STSv1",)"
      R"("mode: enforce","mx: mx1.{0}","mx: mx2.{0}","max_age: 604800"],)"
      R"("mx-host":["mx1.{0}","mx2.{0}"],"t":0,"f":0}}]}})",
      name);
  const std::string filler = R"("x": ")";
  if (text.size() + filler.size() + 2 < kDatagramBytes) {
    const std::size_t size = kDatagramBytes - text.size() - filler.size() - 2;
    text.insert(1, filler + std::string(size, 'x') + "\",");
  }
  return text;
}

sockaddr_un address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

UniqueFd connect_to(const fs::path& path, bool blocking) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | (blocking ? 0 : SOCK_NONBLOCK), 0));
  const int buffer = 4 << 20;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  const sockaddr_un address = address_of(path);
  const auto end = Steady::now() + std::chrono::seconds(10);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    check(Steady::now() < end, "connect to the receiver");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return fd;
}

/// What the collector is compared with; ends when it is told to.
[[noreturn]] void drop_everything(const fs::path& path) {
  constexpr unsigned kBatch = 64;
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
  const sockaddr_un address = address_of(path);
  check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  std::vector<char> bytes(kBatch * 8192);
  std::vector<iovec> vectors(kBatch);
  std::vector<mmsghdr> headers(kBatch);
  for (unsigned i = 0; i < kBatch; ++i) {
    vectors[i] = {bytes.data() + i * 8192, 8192};
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    if (::recvmmsg(fd.get(), headers.data(), kBatch, MSG_WAITFORONE, nullptr) < 0) _exit(1);
  }
}

struct Usage {
  double cpu_seconds = 0;
  double megabytes = 0;  ///< resident at most
};

/// One of the two, in a folder of its own.
class Process {
 public:
  explicit Process(bool collector) : collector_(collector) {
    std::string name = (fs::temp_directory_path() / "collector_bench-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "mkdtemp");
    folder_ = name;
    std::ofstream(folder_ / "conf")
        << "Database sqlite:" << name << "\nOutcomeSocket " << name
        << "/socket\nOutcomeSocketGroup \"\"\nJournalFolder " << journal_folder(name) << "\n";
    pid_ = ::fork();
    check(pid_ >= 0, "fork");
    if (pid_ != 0) return;
    if (!collector_) drop_everything(socket());
    check(std::freopen((folder_ / "log").c_str(), "w", stderr) != nullptr, "log");
    ::execl(COLLECTOR_PROGRAM, COLLECTOR_PROGRAM, "-f", "-c", (folder_ / "conf").c_str(), nullptr);
    _exit(127);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { fs::remove_all(folder_); }

  [[nodiscard]] fs::path socket() const { return folder_ / "socket"; }

  /// Ends it; all that it should have counted must be in the database.
  Usage stop(std::uint64_t sessions) {
    ::kill(pid_, collector_ ? SIGTERM : SIGKILL);
    int status = 0;
    rusage usage{};
    check(::wait4(pid_, &status, 0, &usage) == pid_, "wait4");
    if (collector_) {
      if (status != 0) die("the collector failed: " + (folder_ / "log").string());
      const std::uint64_t found = count_sessions();
      if (found != sessions) die(fmt::format("{} sessions are stored, not {}", found, sessions));
    }
    const auto time = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return {time(usage.ru_utime) + time(usage.ru_stime),
            static_cast<double>(usage.ru_maxrss) / 1024};
  }

 private:
  /// As systemd gives it to the service, if there is such a file system.
  static std::string journal_folder(const std::string& otherwise) {
    return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : otherwise;
  }

  std::uint64_t count_sessions() {
    sqlite3* database = nullptr;
    sqlite3_stmt* query = nullptr;
    ::sqlite3_open((folder_ / "outbound.db").c_str(), &database);
    ::sqlite3_prepare_v2(database, "SELECT sum(successes) FROM outcome", -1, &query, nullptr);
    std::uint64_t found = 0;
    if (::sqlite3_step(query) == SQLITE_ROW)
      found = static_cast<std::uint64_t>(::sqlite3_column_int64(query, 0));
    ::sqlite3_finalize(query);
    ::sqlite3_close(database);
    return found;
  }

  bool collector_;
  fs::path folder_;
  pid_t pid_ = 0;
};

/// Which text comes when: domains by Zipf's law.
std::vector<std::uint32_t> zipf_order() {
  std::vector<double> sums;
  double sum = 0;
  for (std::size_t i = 1; i <= kDomains; ++i) sums.push_back(sum += 1 / static_cast<double>(i));
  std::mt19937_64 random(8460);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<std::uint32_t> order(kDatagrams);
  for (std::uint32_t& place : order) {
    place = static_cast<std::uint32_t>(std::lower_bound(sums.begin(), sums.end(), uniform(random)) -
                                       sums.begin());
  }
  return order;
}

struct Round {
  double rate = 0;
  Usage usage;
};

Round send_all(bool collector, std::size_t number,
               const std::function<std::string_view(std::size_t)>& text) {
  Process process(collector);
  const UniqueFd fd = connect_to(process.socket(), /*blocking=*/true);
  const auto begin = Steady::now();
  for (std::size_t i = 0; i < number; ++i) {
    const std::string_view bytes = text(i);
    check(::send(fd.get(), bytes.data(), bytes.size(), 0) >= 0, "send");
  }
  const double time = seconds(Steady::now() - begin);
  return {static_cast<double>(number) / time, process.stop(number)};
}

std::size_t lost_of_burst(bool collector, const std::string& text) {
  Process process(collector);
  const UniqueFd fd = connect_to(process.socket(), /*blocking=*/false);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::size_t lost = 0;
  for (std::size_t i = 0; i < kBurst; ++i) {
    if (::send(fd.get(), text.data(), text.size(), 0) < 0) ++lost;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  process.stop(kBurst - lost);
  return lost;
}

void measure_repeated() {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < kDomains; ++i) texts.push_back(datagram(i));
  const std::vector<std::uint32_t> order = zipf_order();
  const auto text = [&](std::size_t i) { return std::string_view(texts[order[i]]); };
  std::vector<double> rates, speed, cost;
  std::vector<double> limits;
  for (int round = 0; round < kRounds; ++round) {
    const Round drop = send_all(false, kDatagrams, text);
    const Round ours = send_all(true, kDatagrams, text);
    limits.push_back(drop.rate);
    rates.push_back(ours.rate);
    speed.push_back(ours.rate / drop.rate);
    cost.push_back(ours.usage.cpu_seconds / drop.usage.cpu_seconds);
  }
  fmt::print(
      "{} bytes, {} domains by Zipf: drop {:.0f}/s, collector {:.0f}/s; ratio {:.2f} "
      "(wanted 0.8), CPU time {:.2f} of it (wanted at most 1.5)\n",
      texts[0].size(), kDomains, median(limits), median(rates), median(speed), median(cost));
}

void measure_burst() {
  const std::string text = datagram(1);
  std::vector<double> drop, ours;
  for (int round = 0; round < kBurstRounds; ++round) {
    drop.push_back(static_cast<double>(lost_of_burst(false, text)));
    ours.push_back(static_cast<double>(lost_of_burst(true, text)));
  }
  fmt::print(
      "burst of {}, not waiting: drop loses {:.0f}, collector {:.0f} ({:.1f} % and {:.1f} %;"
      " wanted at most 5 % more of the burst)\n",
      kBurst, median(drop), median(ours), 100 * median(drop) / kBurst, 100 * median(ours) / kBurst);
}

void measure_different() {
  std::string text;
  const auto make = [&](std::size_t i) {
    text = datagram(kDomains + i);
    return std::string_view(text);
  };
  double base = 0;
  {
    Process idle(true);
    connect_to(idle.socket(), true);
    base = idle.stop(0).megabytes;
  }
  std::vector<double> limits, rates, bytes;
  for (int round = 0; round < kRounds; ++round) {
    limits.push_back(send_all(false, kDifferent, make).rate);
    const Round ours = send_all(true, kDifferent, make);
    rates.push_back(ours.rate);
    bytes.push_back((ours.usage.megabytes - base) * 1024 * 1024 / kDifferent);
  }
  fmt::print(
      "{} different ones: drop {:.0f}/s, collector {:.0f}/s (wanted 100000), {:.0f} bytes "
      "of memory each over {:.1f} MB (wanted at most 400)\n",
      kDifferent, median(limits), median(rates), median(bytes), base);
}

}  // namespace

int main(int argc, char** argv) {
  // A network namespace has a queue length of its own; 512 is what systemd sets.
  if (::unshare(CLONE_NEWNET) == 0) {
    std::ofstream("/proc/sys/net/unix/max_dgram_qlen") << "512\n";
  } else {
    fmt::print("not root: with the machine's max_dgram_qlen\n");
  }
  const std::vector<std::string_view> wanted(argv + 1, argv + argc);
  const auto is_wanted = [&wanted](std::string_view name) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  };
  if (is_wanted("repeated")) measure_repeated();
  if (is_wanted("burst")) measure_burst();
  if (is_wanted("different")) measure_different();
}
