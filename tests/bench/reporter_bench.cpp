// SPDX-License-Identifier: BSD-2-Clause
// How many signed reports a second the reporter hands over to an SMTP server on loopback that takes
// everything, beside the RSA-2048 signatures a second that the same processors make alone. Each
// domain has two policies and three failures for each. The server runs on the same processors.
//
// Then how many records a second it looks up at a resolver that takes 20 ms for each answer, and
// what a domain costs in planning, in the database and in memory.
//
// Environment: DOMAINS (default 100000), DOMAINS_SMALL (default a tenth: for the growth),
// CONNECTIONS (default 8).
#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "common/domain_name.hpp"
#include "null_sink.hpp"
#include "sender/sending.hpp"
#include "sender/smtp_transport.hpp"
#include "slow_resolver.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;
using namespace tlsrpt::sender::bench;
using Steady = std::chrono::steady_clock;

constexpr double kWantedRatio = 0.7;
constexpr double kWantedMemory = 100;
constexpr double kWantedLookups = 2000;
constexpr int kPolicies = 2;
constexpr int kFailures = 3;
constexpr std::size_t kLookups = 40'000;
constexpr std::chrono::milliseconds kLatency{20};
const Day kDay = Day(std::chrono::days(20500));

[[noreturn]] void die(std::string_view why) {
  fmt::print(stderr, "reporter_bench: {}\n", why);
  std::exit(1);
}

template <typename Value>
Value must(Result<Value> result) {
  if (!result) die(result.error().detail);
  if constexpr (!std::is_void_v<Value>) return std::move(*result);
}

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// In MB, from /proc/self/status.
double memory(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field))
      return std::strtod(line.c_str() + field.size() + 1, nullptr) / 1024;
  }
  return 0;
}

// ---- the limit

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

DkimKey to_dkim_key(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), BIO_free);
  if (PEM_write_bio_PrivateKey(pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    die("cannot write the key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &data);
  return must(DkimKey::from_pem({data, static_cast<std::size_t>(size)}));
}

/// RSA-2048 signatures of SHA-256 digests a second, on all processors.
double signatures_per_second(EVP_PKEY* key, double seconds) {
  std::atomic<std::uint64_t> made{0};
  std::atomic<bool> stop{false};
  const auto work = [&] {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(key, nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY_sign_init(context.get());
    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING);
    EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256());
    const std::array<unsigned char, 32> digest{1, 2, 3};
    std::array<unsigned char, 256> signature{};
    while (!stop) {
      std::size_t size = signature.size();
      if (EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) != 1)
        die("cannot sign");
      ++made;
    }
  };
  const auto begin = Steady::now();
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1u); ++i) {
      threads.emplace_back(work);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
  }
  return static_cast<double>(made) / seconds_since(begin);
}

// ---- what is sent

std::string domain_name(std::size_t number) { return fmt::format("d{:07}.example", number); }

PolicyOutcome policy_of(const std::string& domain, bool tlsa) {
  PolicyOutcome outcome;
  outcome.failed = true;
  outcome.policy.policy_type = tlsa ? "tlsa" : "sts";
  outcome.policy.policy_domain = tlsa ? "mx1." + domain : domain;
  outcome.policy.policy_string =
      tlsa ? std::vector<std::string>{"3 1 1 "
                                      "8CB0FC6C527506A053F4F14C8464BEBBD6DEDE2738D11468DD953D7D6A30"
                                      "21F1"}
           : std::vector<std::string>{"version: STSv1", "mode: enforce", "mx: *." + domain,
                                      "max_age: 604800"};
  if (!tlsa) outcome.policy.mx_host = {"*." + domain};
  constexpr std::array<std::string_view, kFailures> kTypes = {
      "certificate-expired", "starttls-not-supported", "validation-failure"};
  for (int i = 0; i < kFailures; ++i) {
    FailureDetails details;
    details.result_type = kTypes.at(static_cast<std::size_t>(i));
    details.sending_mta_ip = "192.0.2.10";
    details.receiving_mx_hostname = fmt::format("mx{}.{}", i, domain);
    details.receiving_ip = fmt::format("198.51.100.{}", i + 1);
    details.failed_session_count = 1;
    if (i == 2) details.failure_reason_code = "tls-handshake-failure";
    outcome.failure_details.push_back(std::move(details));
  }
  return outcome;
}

void seed(const std::string& path, std::size_t domains) {
  auto store = must(OutboundStore::open(path, SqliteMode::read_write_create));
  constexpr std::size_t kAtOnce = 2000;
  for (std::size_t at = 0; at < domains; at += kAtOnce) {
    std::vector<CountedOutcome> counted;
    for (std::size_t i = at; i < std::min(domains, at + kAtOnce); ++i) {
      const std::string domain = domain_name(i);
      Outcome outcome{domain, "v=TLSRPTv1; rua=mailto:tls@" + domain, {}};
      outcome.policies = {policy_of(domain, false), policy_of(domain, true)};
      counted.push_back({kDay, std::move(outcome), 3});
    }
    must(store.add(counted, {}, {.max_keys = 10'000'000, .max_failure_details = 1000}));
  }
}

/// Answers at once.
class QuickDns final : public Dns {
 public:
  DnsAnswer<std::string> txt(std::string_view name) override {
    DnsAnswer<std::string> answer;
    answer.status = DnsStatus::found;
    answer.records = {"v=TLSRPTv1; rua=mailto:tls@" + std::string(name.substr(11))};
    return answer;
  }
  DnsAnswer<MxRecord> mx(std::string_view) override { return {}; }
  DnsAnswer<TlsaRecord> tlsa(std::string_view) override { return {}; }
  DnsAnswer<std::string> a(std::string_view) override { return {}; }
  DnsAnswer<std::string> aaaa(std::string_view) override { return {}; }
  Result<bool> validates() override { return false; }
};

class QuietLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

ReporterSettings make_settings(const std::string& path, int port) {
  ReporterSettings settings;
  settings.database = path;
  settings.identity = {"Sender Org", "tlsrpt@sender.example", "sender.example",
                       "noreply@sender.example", "bounce@sender.example"};
  settings.host_name = "mx.sender.example";
  settings.send_window = std::chrono::seconds(0);
  settings.retention = std::chrono::hours(24 * 4000);
  settings.maximum_age = std::chrono::hours(24 * 4000);
  settings.smtp.relays = {{Relay::Protocol::smtp, "127.0.0.1", port, ""}};
  settings.smtp.ehlo_name = "mx.sender.example";
  settings.smtp.connections = static_cast<int>(from_environment("CONNECTIONS", 8));
  return settings;
}

void wait_for(const std::vector<int>& fds, std::chrono::milliseconds time) {
  std::vector<pollfd> watched;
  for (const int fd : fds) watched.push_back({fd, POLLIN, 0});
  ::poll(watched.data(), watched.size(), static_cast<int>(time.count()));
}

/// Processor time of this thread, or of the whole process, in seconds.
double processor_time(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// In seconds.
struct ProcessorTime {
  double ledger = 0;     ///< the thread that plans, builds and writes down
  double hand_over = 0;  ///< the threads that sign and talk to the server
  double sink = 0;
};

struct Run {
  ProcessorTime processor;
  double planning = 0;  ///< seconds
  double sending = 0;
  double file = 0;  ///< bytes of the database
};

Run run(const std::string& folder, std::size_t domains, EVP_PKEY* key) {
  const std::string path = fmt::format("{}/{}-outbound.db", folder, domains);
  seed(path, domains);
  const NullSink sink;
  const ReporterSettings settings = make_settings(path, sink.port());
  std::vector<SigningKey> keys;
  keys.push_back({"s1", to_dkim_key(key)});
  const DestinationRules rules;
  const auto stop = must(StopSignal::create());
  QuickDns dns;
  const SystemClock clock;
  QuietLog log;
  const auto sending = must(Sending::start(
      settings, keys, rules, stop,
      {dns,
       clock,
       log,
       system_random(),
       {[&] { return make_smtp_transport(settings.smtp, stop); }, [] { return nullptr; }}}));
  Run result;
  auto begin = Steady::now();
  sending->planner.add_day(kDay);
  while (!sending->planner.idle()) {
    if (!must(sending->planner.step())) wait_for({sending->lookups->fd()}, kDoneWait);
  }
  result.planning = seconds_since(begin);
  begin = Steady::now();
  const double thread = processor_time(RUSAGE_THREAD);
  const double process = processor_time(RUSAGE_SELF);
  Reporter reporter = sending->reporter();
  must(reporter.round([] { return false; }, wait_for));
  result.sending = seconds_since(begin);
  result.processor.ledger = processor_time(RUSAGE_THREAD) - thread;
  result.processor.hand_over = processor_time(RUSAGE_SELF) - process - result.processor.ledger;
  result.processor.sink = sink.processor_time();
  if (sink.accepted() != domains) {
    die(fmt::format("{} of {} reports were handed over", sink.accepted(), domains));
  }
  result.file = static_cast<double>(std::filesystem::file_size(path));
  return result;
}

// ---- look-ups

std::size_t open_files() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

void measure_lookups() {
  const SlowResolver resolver(kLatency);
  DnsSettings settings;
  settings.nameservers = {fmt::format("127.0.0.1:{}", resolver.port())};
  const auto dns = must(make_dns(settings));
  std::vector<RecordQuery> queries;
  for (std::size_t i = 0; i < kLookups; ++i) queries.push_back({domain_name(i), "", 0, 0});
  const std::size_t files_before = open_files();
  std::size_t most_files = 0;
  const auto begin = Steady::now();
  const auto found = must(find_all_destinations(*dns, {}, queries, [&] {
    most_files = std::max(most_files, open_files());
    return false;
  }));
  const double rate = static_cast<double>(kLookups) / seconds_since(begin);
  const auto usable = std::count_if(found.begin(), found.end(), [](const Destinations& one) {
    return one.status == RecordStatus::usable && !one.from_mta;
  });
  fmt::print("look-ups at {} ms: {:.0f}/s (wanted {:.0f}), {} of {} answered, at most {} sockets\n",
             kLatency.count(), rate, kWantedLookups, usable, kLookups, most_files - files_before);
}

}  // namespace

int main() {
  const KeyPtr key(EVP_RSA_gen(2048), EVP_PKEY_free);
  if (!key) die("cannot make a key");
  const std::size_t domains = from_environment("DOMAINS", 100'000);
  const std::size_t small = from_environment("DOMAINS_SMALL", domains / 10);
  std::string folder = (std::filesystem::temp_directory_path() / "reporter_bench.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) die("cannot make a folder");

  const Run few = run(folder, small, key.get());
  const double memory_after_few = memory("VmHWM:");
  const double before = signatures_per_second(key.get(), 3);
  const Run many = run(folder, domains, key.get());
  const double after = signatures_per_second(key.get(), 3);
  const double limit = (before + after) / 2;
  const double number = static_cast<double>(domains);
  const double rate = number / many.sending;
  fmt::print("RSA-2048 signatures: {:.0f}/s before, {:.0f}/s after, on {} processors\n", before,
             after, std::thread::hardware_concurrency());
  fmt::print(
      "reports handed over: {:.0f}/s, ratio {:.2f} (wanted {:.2f}); {} domains in {:.1f} s\n", rate,
      rate / limit, kWantedRatio, domains, many.sending);
  const double signature = 1e6 * std::max(std::thread::hardware_concurrency(), 1u) / limit;
  fmt::print(
      "processor time of a report: ledger {:.0f} us, signing and handing over {:.0f} us (a "
      "signature alone {:.0f} us), server {:.0f} us\n",
      many.processor.ledger / number * 1e6, many.processor.hand_over / number * 1e6, signature,
      many.processor.sink / number * 1e6);
  fmt::print("planning: {:.1f} s, {:.0f} us a domain; with it {:.0f} reports/s, ratio {:.2f}\n",
             many.planning, many.planning / number * 1e6, number / (many.sending + many.planning),
             number / (many.sending + many.planning) / limit);
  fmt::print("memory: {:.1f} MB after {} domains, {:.1f} MB after {} (wanted {:.0f})\n",
             memory_after_few, small, memory("VmHWM:"), domains, kWantedMemory);
  fmt::print("database: {:.0f} bytes a domain, with its counts, plan and report\n",
             (many.file - few.file) / (number - static_cast<double>(small)));
  measure_lookups();
  std::filesystem::remove_all(folder);
  return 0;
}
