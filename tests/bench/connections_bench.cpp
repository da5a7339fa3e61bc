// SPDX-License-Identifier: BSD-2-Clause
// How many reports a second eight connections get into the store of the real programs, each
// answered after its commit: signed mails to opentlsrpt-milter, as an MTA hands them over, and
// posts to 'opentlsrpt-reports serve'. Beside it what the store alone takes from eight threads, in
// the same run, in turn, medians of the rounds. The senders run on the same processors.
//
// DKIM keys are asked for at a name server of ours on loopback.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "common/dkim.hpp"
#include "common/gzip.hpp"
#include "common/report_mail.hpp"
#include "common/unique_fd.hpp"
#include "milter/shared_store.hpp"
#include "store_samples.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::milter;
using namespace tlsrpt::milter::bench;
using Steady = std::chrono::steady_clock;

constexpr int kConnections = 8;
constexpr int kRounds = 7;
constexpr double kRoundSeconds = 1;
constexpr std::size_t kMails = 30'000;
constexpr double kWanted = 2000;
constexpr std::string_view kSigner = "mail.example";
constexpr StoreLimits kLimits{100u << 20, 100'000, 1'000'000'000};

[[noreturn]] void die(std::string_view why) {
  fmt::print(stderr, "connections_bench: {}\n", why);
  std::exit(1);
}

template <typename Value>
Value must(Result<Value> result) {
  if (!result) die(result.error().detail);
  return std::move(*result);
}

// ---- what is sent

DkimKey make_key() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), BIO_free);
  if (!key || !pem ||
      PEM_write_bio_PrivateKey(pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    die("cannot make a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &data);
  return must(DkimKey::from_pem({data, static_cast<std::size_t>(size)}));
}

std::string packed_report(std::uint64_t number) { return gzip(sample(number, 2000).json); }

std::string signed_mail(std::uint64_t number, const DkimKey& key) {
  const ReceivedReport received = sample(number, 2000);
  ReportMail mail;
  mail.from = fmt::format("tls@{}", kSigner);
  mail.to = "tls@example.org";
  mail.report_domain = received.report.policies[0].policy.policy_domain;
  mail.submitter = kSigner;
  mail.report_id = fmt::format("{}@{}", number, kSigner);
  mail.date_range = received.report.date_range;
  mail.gzipped_report = gzip(received.json);
  mail.text = "This is an aggregate TLS report.\n";
  mail.date = received.report.date_range.end_datetime;
  const std::string message = must(compose_report_mail(mail));
  SignSettings settings;
  settings.domain = kSigner;
  settings.selector = "s1";
  settings.signed_headers = report_mail_signed_headers();
  settings.timestamp = mail.date;
  return must(dkim_sign(message, key, settings)) + message;
}

std::vector<std::string> on_all_cores(std::size_t count,
                                      const std::function<std::string(std::size_t)>& make) {
  std::vector<std::string> made(count);
  std::vector<std::thread> threads;
  std::atomic<std::size_t> next{0};
  for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1u); ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) made[at] = make(at);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return made;
}

// ---- the name server: the same TXT for every question

class NameServer {
 public:
  explicit NameServer(std::string_view record)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), plain, size) != 0 || ::getsockname(socket_.get(), plain, &size) != 0)
      die("no socket for a name server");
    port_ = ntohs(address.sin_port);
    for (; !record.empty(); record.remove_prefix(std::min<std::size_t>(record.size(), 255))) {
      const std::string_view piece = record.substr(0, 255);
      strings_ += static_cast<char>(piece.size());
      strings_ += piece;
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    ended_ = true;
    thread_.join();
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  void serve() {
    pollfd entry{socket_.get(), POLLIN, 0};
    while (!ended_) {
      if (::poll(&entry, 1, 100) == 1) answer();
    }
  }
  void answer() {
    std::array<char, 512> question;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* plain = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got =
        ::recvfrom(socket_.get(), question.data(), question.size(), 0, plain, &size);
    constexpr std::size_t kHead = 12;
    if (got <= static_cast<ssize_t>(kHead)) return;
    const std::string_view bytes(question.data(), static_cast<std::size_t>(got));
    const std::size_t end = bytes.find('\0', kHead);
    if (end == std::string_view::npos || end + 5 > bytes.size()) return;
    std::string reply(bytes.substr(0, 2));
    using namespace std::string_view_literals;
    reply += "\x81\x80\0\1\0\1\0\0\0\0"sv;  // one question, one answer
    reply += bytes.substr(kHead, end + 5 - kHead);
    reply += "\xc0\x0c\0\x10\0\1\0\0\x0e\x10"sv;  // the same name, TXT, IN, an hour
    reply += static_cast<char>(strings_.size() >> 8);
    reply += static_cast<char>(strings_.size() & 0xff);
    reply += strings_;
    ::sendto(socket_.get(), reply.data(), reply.size(), 0, plain, size);
  }

  UniqueFd socket_;
  int port_ = 0;
  std::string strings_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// ---- the connections

UniqueFd connected(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return UniqueFd();
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) die("the server has closed a connection");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

class Sender {
 public:
  virtual ~Sender() = default;
  /// Dies unless the report is taken for good.
  virtual void send(const std::string& report) = 0;
};

/// An MTA that hands over mails of one SMTP session, as far as the filter asks for answers.
class MailSender final : public Sender {
 public:
  explicit MailSender(const std::string& path) : fd_(connected(path)) {
    constexpr std::string_view kOffer("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", 12);
    send_all(fd_.get(), packet('O', kOffer));
    if (receive() != 'O') die("no negotiation");
    constexpr std::string_view kClient(
        "c.example\0"
        "4\0\x19"
        "192.0.2.7\0",
        23);
    send_all(fd_.get(), packet('C', kClient));
  }

  void send(const std::string& mail) override {
    const std::size_t body = mail.find("\r\n\r\n");
    say(packet('M', std::string_view("<tls@mail.example>\0", 19)) +
            packet('R', std::string_view("<tls@example.org>\0", 18)) +
            packet('D', std::string_view("Ti\0QUEUEID\0", 11)) + packet('T', {}),
        'c');
    say(header(std::string_view(mail).substr(0, body)) + packet('N', {}), 'c');
    say(packet('B', std::string_view(mail).substr(body + 4)), 'c');
    say(packet('E', {}), 'a');
  }

 private:
  static std::string packet(char command, std::string_view data) {
    const auto size = static_cast<std::uint32_t>(data.size() + 1);
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
    bytes += command;
    return bytes.append(data);
  }
  /// Folded lines with bare LF, and the blank behind the colon, as Postfix sends them.
  static std::string header(std::string_view lines) {
    std::string packets;
    std::string field;
    const auto flush = [&] {
      const std::size_t colon = field.find(':');
      if (colon == std::string::npos) return;
      field[colon] = '\0';
      packets += packet('L', field + '\0');
    };
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find("\r\n"), lines.size());
      const std::string_view line = lines.substr(0, end);
      lines.remove_prefix(std::min(end + 2, lines.size()));
      if (line.starts_with(' ') || line.starts_with('\t')) {
        (field += '\n') += line;
      } else {
        flush();
        field = line;
      }
    }
    flush();
    return packets;
  }
  void say(const std::string& bytes, char expected) {
    send_all(fd_.get(), bytes);
    if (const char answer = receive(); answer != expected)
      die(fmt::format("the filter answers '{}'", answer));
  }
  char receive() {
    std::array<char, 4> size{};
    read(size.data(), size.size());
    std::size_t left = 0;
    for (const char c : size) left = left << 8 | static_cast<unsigned char>(c);
    std::string bytes(left, '\0');
    read(bytes.data(), left);
    return bytes[0];
  }
  void read(char* to, std::size_t size) {
    if (::recv(fd_.get(), to, size, MSG_WAITALL) != static_cast<ssize_t>(size))
      die("the filter has closed a connection");
  }
  UniqueFd fd_;
};

class Poster final : public Sender {
 public:
  explicit Poster(const std::string& path) : fd_(connected(path)) {}
  void send(const std::string& report) override {
    send_all(fd_.get(), fmt::format("POST /report HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                    "application/tlsrpt+gzip\r\nContent-Length: {}\r\n\r\n",
                                    report.size()) +
                            report);
    std::string answer;
    while (answer.find("\r\n\r\nstored\n") == std::string::npos) {
      std::array<char, 1024> some;
      const ssize_t got = ::recv(fd_.get(), some.data(), some.size(), 0);
      if (got <= 0) die("a post is not answered: " + answer);
      answer.append(some.data(), static_cast<std::size_t>(got));
    }
    if (!answer.starts_with("HTTP/1.1 201")) die(answer);
  }

 private:
  UniqueFd fd_;
};

// ---- the programs

/// A child that ends when this does.
class Program {
 public:
  Program(const std::vector<std::string>& command, const std::string& socket) {
    pid_ = ::fork();
    if (pid_ == 0) {
      const UniqueFd null(::open("/dev/null", O_RDWR));
      for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
      std::vector<char*> arguments;
      for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    const auto begin = Steady::now();
    while (!connected(socket)) {
      if (seconds_since(begin) > 20) die(command[0] + " does not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  ~Program() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

 private:
  pid_t pid_ = -1;
};

void write_config(const Folder& folder, int name_server_port) {
  std::ofstream file(folder.file("conf"));
  file << "ReportAddress tls@example.org\nDatabase sqlite:" << folder.path()
       << "\nSocket local:" << folder.file("milter.sock")
       << "\nHTTPSocket local:" << folder.file("http.sock")
       << "\nNameserver 127.0.0.1:" << name_server_port
       << "\nMaximumReportsPerDay 0\nHTTPRate 0\nHTTPConnectionsPerSource 0\n";
}

/// Reports a second over all connections. Each takes its reports from those that are left.
double rate(std::vector<std::unique_ptr<Sender>>& senders, const std::vector<std::string>& reports,
            std::atomic<std::size_t>& next) {
  std::vector<std::thread> threads;
  std::atomic<int> sent{0};
  const auto begin = Steady::now();
  for (const auto& sender : senders) {
    threads.emplace_back([&] {
      while (seconds_since(begin) < kRoundSeconds) {
        const std::size_t at = next++;
        if (at >= reports.size()) die("not enough reports were made ready");
        sender->send(reports[at]);
        ++sent;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return sent / seconds_since(begin);
}

template <typename Kind>
std::vector<std::unique_ptr<Sender>> eight(const std::string& path) {
  std::vector<std::unique_ptr<Sender>> senders;
  for (int i = 0; i < kConnections; ++i) senders.push_back(std::make_unique<Kind>(path));
  return senders;
}

double store_alone(SharedStore& store, std::atomic<std::uint64_t>& number) {
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  const auto begin = Steady::now();
  for (int i = 0; i < kConnections; ++i) {
    threads.emplace_back([&] {
      while (seconds_since(begin) < kRoundSeconds) {
        StoreItem item;
        item.reports.push_back(sample(number++, 2000));
        item.counters["mails_seen"] = 1;
        if (!store.store(item)) die("the store fails");
        ++stored;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return stored / seconds_since(begin);
}

std::size_t stored_reports(const Folder& folder) {
  auto store = must(ReceivedStore::open(folder.file("received.db"), SqliteMode::read_only));
  ReportFilter filter;
  filter.limit = SIZE_MAX;
  filter.with_policies = false;
  return must(store.list(filter)).size();
}

}  // namespace

int main() {
  const DkimKey key = make_key();
  const auto mails = on_all_cores(kMails, [&](std::size_t i) { return signed_mail(i, key); });
  const auto bodies =
      on_all_cores(kMails, [&](std::size_t i) { return packed_report(kMails + i); });
  const NameServer name_server("v=DKIM1; k=rsa; s=tlsrpt; p=" + key.public_key_base64());
  const Folder folder;
  const Folder alone;
  write_config(folder, name_server.port());
  const Program milter({MILTER_PROGRAM, "-f", "-c", folder.file("conf")},
                       folder.file("milter.sock"));
  const Program serve({REPORTS_PROGRAM, "-c", folder.file("conf"), "serve"},
                      folder.file("http.sock"));
  SharedStore store(
      must(ReceivedStore::open(alone.file("received.db"), SqliteMode::read_write_create)), kLimits,
      std::chrono::seconds(20));

  auto mail_senders = eight<MailSender>(folder.file("milter.sock"));
  auto posters = eight<Poster>(folder.file("http.sock"));
  std::atomic<std::size_t> next_mail{0};
  std::atomic<std::size_t> next_body{0};
  std::atomic<std::uint64_t> number{0};
  std::array<std::vector<double>, 3> rates;
  for (int round = 0; round < kRounds; ++round) {
    rates[0].push_back(store_alone(store, number));
    rates[1].push_back(rate(mail_senders, mails, next_mail));
    rates[2].push_back(rate(posters, bodies, next_body));
  }
  const std::size_t acknowledged = next_mail + next_body;
  if (stored_reports(folder) != acknowledged)
    die("not every report that was acknowledged is there");
  const double limit = median(rates[0]);
  fmt::print("in {}, median of {} rounds of {} s, {} connections\n", folder.path(), kRounds,
             kRoundSeconds, kConnections);
  fmt::print("{:<58} {:>8}    ratio   of {:.0f}/s wanted\n", "", "", kWanted);
  const auto line = [&](std::string_view what, double value) {
    fmt::print("{:<58} {:8.0f}/s  {:5.2f}    {:5.2f}\n", what, value, value / limit,
               value / kWanted);
  };
  line("limit: the store alone, 8 threads", limit);
  line("signed mails to opentlsrpt-milter", median(rates[1]));
  line("posts to opentlsrpt-reports serve", median(rates[2]));
}
