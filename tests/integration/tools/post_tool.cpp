// SPDX-License-Identifier: BSD-2-Clause
//
// Posts the file to each URI, one after the other, for post_test.py:
//   post_tool [OPTION VALUE]... FILE URI...
//     --network NETWORK, --nameserver ADDRESS   each any number of times
//     --timeout SECONDS, --dns-timeout MS, --authorities FILE
//     --certificate tolerate|refuse
//     --stop-after MS
// Prints a JSON object for each, in a line:
//   {"verdict", "detail", "destination_refused", "retry_after" (null if none)}

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/dns.hpp"
#include "common/file.hpp"
#include "sender/curl_http_poster.hpp"
#include "sender/curl_library.hpp"

namespace tlsrpt::sender {
namespace {

using nlohmann::json;

struct Options {
  PostSettings post;
  DnsSettings dns;
  std::string authorities;
  int stop_after_ms = 0;  ///< 0: not at all
  std::string file;
  std::vector<std::string> uris;
};

Options read_options(const std::vector<std::string>& arguments) {
  Options options;
  std::size_t i = 0;
  for (; i + 1 < arguments.size() && arguments[i].starts_with("--"); i += 2) {
    const std::string& name = arguments[i];
    const std::string& value = arguments[i + 1];
    const int number = std::atoi(value.c_str());
    if (name == "--network") options.post.networks.push_back(value);
    if (name == "--nameserver") options.dns.nameservers.push_back(value);
    if (name == "--timeout") options.post.timeout = std::chrono::seconds{number};
    if (name == "--dns-timeout") options.dns.timeout_ms = number;
    if (name == "--authorities") options.authorities = value;
    if (name == "--certificate") options.post.tolerate_certificate_errors = value == "tolerate";
    if (name == "--stop-after") options.stop_after_ms = number;
  }
  if (i < arguments.size()) options.file = arguments[i++];
  options.uris.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
  return options;
}

std::string_view to_word(HandOver verdict) {
  switch (verdict) {
    case HandOver::accepted:
      return "accepted";
    case HandOver::temporary:
      return "temporary";
    case HandOver::permanent:
      return "permanent";
    case HandOver::aborted:
      return "aborted";
  }
  return "";
}

void print(const HandOverResult& result) {
  json object = {{"verdict", to_word(result.verdict)},
                 {"detail", result.detail},
                 {"destination_refused", result.destination_refused},
                 {"retry_after", nullptr}};
  if (result.retry_after) object["retry_after"] = result.retry_after->count();
  const std::string line = object.dump(-1, ' ', true, json::error_handler_t::replace);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int complain(const Error& error) {
  std::fprintf(stderr, "%s\n", error.detail.c_str());
  return EXIT_FAILURE;
}

int run(const std::vector<std::string>& arguments) {
  const Options options = read_options(arguments);
  const auto library = CurlLibrary::start();
  if (!library) return complain(library.error());
  const auto body = read_file(options.file, 64u << 20);
  if (!body) return complain(body.error());
  const auto dns = make_dns(options.dns);
  if (!dns) return complain(dns.error());
  auto stop = StopSignal::create();
  if (!stop) return complain(stop.error());
  std::jthread stopper;
  if (options.stop_after_ms != 0) {
    stopper = std::jthread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds{options.stop_after_ms});
      stop->request();
    });
  }
  const auto poster = make_curl_http_poster(options.post, **dns, *stop, options.authorities);
  for (const std::string& uri : options.uris) print(poster->post(uri, *body));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tlsrpt::sender

int main(int argc, char** argv) {
  return tlsrpt::sender::run(std::vector<std::string>(argv + 1, argv + argc));
}
