// SPDX-License-Identifier: BSD-2-Clause
//
// Asks one DNS question through common/dns.hpp and prints the answer as JSON, for dns_test.py:
//   dns_tool [--server ADDRESS]... [--timeout MS] [--threads N] txt|mx|tlsa|a|aaaa NAME
// With --threads, N threads ask the same question through the same object; one line for each.

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/dns.hpp"

namespace tlsrpt {
namespace {

using nlohmann::json;

std::string_view to_word(DnsStatus status) {
  switch (status) {
    case DnsStatus::found:
      return "found";
    case DnsStatus::no_name:
      return "no_name";
    case DnsStatus::no_data:
      return "no_data";
    case DnsStatus::failed:
      return "failed";
  }
  return "";
}

json to_json(const std::string& text) { return text; }

json to_json(const MxRecord& mx) { return json::array({mx.preference, mx.host}); }

json to_json(const TlsaRecord& tlsa) {
  std::string hex;
  for (const char c : tlsa.data)
    hex += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return json::array({tlsa.usage, tlsa.selector, tlsa.matching_type, hex});
}

template <typename Record>
std::string print(const DnsAnswer<Record>& answer) {
  json object = {{"status", to_word(answer.status)},
                 {"authenticated", answer.authenticated},
                 {"ttl", answer.ttl},
                 {"detail", answer.detail},
                 {"records", json::array()}};
  for (const Record& record : answer.records) object["records"].push_back(to_json(record));
  return object.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

std::string ask(Dns& dns, const std::string& type, const std::string& name) {
  if (type == "txt") return print(dns.txt(name));
  if (type == "mx") return print(dns.mx(name));
  if (type == "tlsa") return print(dns.tlsa(name));
  if (type == "a") return print(dns.a(name));
  if (type == "aaaa") return print(dns.aaaa(name));
  return "unknown type";
}

int run(const std::vector<std::string>& arguments) {
  DnsSettings settings;
  std::size_t thread_count = 1;
  std::size_t i = 0;
  for (; i + 1 < arguments.size() && arguments[i].starts_with("--"); i += 2) {
    const std::string& value = arguments[i + 1];
    if (arguments[i] == "--server") settings.nameservers.push_back(value);
    if (arguments[i] == "--timeout") settings.timeout_ms = std::atoi(value.c_str());
    if (arguments[i] == "--threads") thread_count = std::strtoul(value.c_str(), nullptr, 10);
  }
  if (i + 2 != arguments.size()) return 64;
  const auto dns = make_dns(settings);
  if (!dns) {
    std::fprintf(stderr, "%s\n", dns.error().detail.c_str());
    return 78;
  }
  std::vector<std::string> answers(thread_count);
  {
    std::vector<std::jthread> threads;
    for (std::string& answer : answers)
      threads.emplace_back([&] { answer = ask(**dns, arguments[i], arguments[i + 1]); });
  }
  for (const std::string& answer : answers) std::printf("%s\n", answer.c_str());
  return 0;
}

}  // namespace
}  // namespace tlsrpt

int main(int argc, char** argv) {
  return tlsrpt::run(std::vector<std::string>(argv + 1, argv + argc));
}
