// SPDX-License-Identifier: BSD-2-Clause
//
// Fetches the MTA-STS policy of each domain, one after the other, for sts_fetch_test.py:
//   sts_tool [OPTION VALUE]... DOMAIN...
//     --network NETWORK, --nameserver ADDRESS   each any number of times
//     --timeout SECONDS, --dns-timeout MS, --authorities FILE, --port PORT
//     --database FILE     not fetched, but found as the daemons do, in this policies.db
//     --patience MS       for that
//     --stop-after MS
// Prints a JSON object for each, in a line:
//   {"id", "mode", "lines", "result_type", "reason", "detail", "unknown"}   null for what is not
//   there
// Log lines go to stderr.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "common/log.hpp"
#include "sender/cached_sts_policies.hpp"
#include "sender/curl_library.hpp"
#include "sender/curl_sts_fetcher.hpp"

namespace tlsrpt::sender {
namespace {

using nlohmann::json;

struct Options {
  StsFetcherSettings fetcher;
  DnsSettings dns;
  StsSettings cache;
  std::chrono::milliseconds patience{60000};
  int stop_after_ms = 0;  ///< 0: not at all
  std::vector<std::string> domains;
};

Options read_options(const std::vector<std::string>& arguments) {
  Options options;
  std::size_t i = 0;
  for (; i + 1 < arguments.size() && arguments[i].starts_with("--"); i += 2) {
    const std::string& name = arguments[i];
    const std::string& value = arguments[i + 1];
    const int number = std::atoi(value.c_str());
    if (name == "--network") options.fetcher.networks.push_back(value);
    if (name == "--nameserver") options.dns.nameservers.push_back(value);
    if (name == "--timeout") options.fetcher.timeout = std::chrono::seconds{number};
    if (name == "--dns-timeout") options.dns.timeout_ms = number;
    if (name == "--authorities") options.fetcher.authorities = value;
    if (name == "--port") options.fetcher.port = static_cast<std::uint16_t>(number);
    if (name == "--database") options.cache.database = value;
    if (name == "--patience") options.patience = std::chrono::milliseconds{number};
    if (name == "--stop-after") options.stop_after_ms = number;
  }
  options.domains.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
  return options;
}

void print(const std::optional<StsPolicy>& policy, const std::optional<PolicyProblem>& problem,
           const std::string& id, bool unknown) {
  json object = {
      {"id", id},          {"mode", nullptr},   {"lines", nullptr},  {"result_type", nullptr},
      {"reason", nullptr}, {"detail", nullptr}, {"unknown", unknown}};
  if (policy) {
    object["mode"] = to_word(policy->mode);
    object["lines"] = policy->lines;
  }
  if (problem) {
    object["result_type"] = problem->result_type;
    object["reason"] = problem->reason_code;
    object["detail"] = problem->detail;
  }
  const std::string line = object.dump(-1, ' ', true, json::error_handler_t::replace);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void fetch_all(const Options& options, StsFetcher& fetcher) {
  for (const std::string& domain : options.domains) {
    auto fetched = fetcher.fetch(domain);
    if (fetched) {
      print(*fetched, std::nullopt, "", false);
    } else {
      print(std::nullopt, fetched.error(), "", false);
    }
  }
}

int find_all(const Options& options, const StsParts& parts) {
  const auto policies = make_sts_policies(options.cache, parts);
  if (!policies) return EXIT_FAILURE;
  for (const std::string& domain : options.domains) {
    const StsStanding standing = (*policies)->find(domain, options.patience);
    print(standing.policy, standing.problem, standing.id, standing.unknown);
  }
  return EXIT_SUCCESS;
}

int complain(const Error& error) {
  std::fprintf(stderr, "%s\n", error.detail.c_str());
  return EXIT_FAILURE;
}

int run(const std::vector<std::string>& arguments) {
  const Options options = read_options(arguments);
  const auto library = CurlLibrary::start();
  if (!library) return complain(library.error());
  const auto dns = make_dns(options.dns);
  if (!dns) return complain(dns.error());
  const auto log = make_log(
      {.program = "sts_tool", .syslog = false, .facility = "mail", .level = LogLevel::info});
  if (!log) return complain(log.error());
  auto stop = StopSignal::create();
  if (!stop) return complain(stop.error());
  std::jthread stopper;
  if (options.stop_after_ms != 0) {
    stopper = std::jthread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds{options.stop_after_ms});
      stop->request();
    });
  }
  const auto fetcher = make_curl_sts_fetcher(options.fetcher, **dns, *stop);
  const SystemClock clock;
  if (!options.cache.database.empty())
    return find_all(options, StsParts{**dns, *fetcher, clock, **log, *stop});
  fetch_all(options, *fetcher);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tlsrpt::sender

int main(int argc, char** argv) {
  return tlsrpt::sender::run(std::vector<std::string>(argv + 1, argv + argc));
}
