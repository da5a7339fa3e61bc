// SPDX-License-Identifier: BSD-2-Clause

// Gives a test our DKIM signer and verifier as a program:
//
//   dkim_tool pubkey --key FILE
//   dkim_tool sign --key FILE --domain D --selector S [--header-canon C] [--body-canon C]
//             [--headers From:To:...] [--time SECONDS] < message > signed message
//   dkim_tool verify [--txt NAME=RECORD]... [--aligned D] [--time SECONDS] < message
//
// verify prints "STATUS REASON" for the message, then one line for each signature:
// "STATUS REASON DOMAIN SELECTOR ALGORITHM", with "-" for what is empty.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "common/dkim.hpp"
#include "tests/unit/fake_dns.hpp"

namespace tlsrpt {
namespace {

constexpr const char* kDefaultHeaders =
    "From:From:To:Subject:Date:Message-ID:MIME-Version:Content-Type:TLS-Report-Domain:"
    "TLS-Report-Domain:TLS-Report-Submitter:TLS-Report-Submitter";

using Options = std::map<std::string, std::vector<std::string>>;

std::string option(const Options& options, const std::string& name, std::string fallback) {
  const auto it = options.find(name);
  return it == options.end() ? std::move(fallback) : it->second.back();
}

std::string slurp(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

Canonicalization canonicalization(const std::string& word) {
  return word == "simple" ? Canonicalization::simple : Canonicalization::relaxed;
}

Seconds time_option(const Options& options) {
  return Seconds{std::chrono::seconds{std::stoll(option(options, "--time", "1772323200"))}};
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t colon = std::min(list.find(':', at), list.size());
    names.push_back(list.substr(at, colon - at));
    at = colon + 1;
  }
  return names;
}

Result<DkimKey> load_key(const Options& options) {
  std::ifstream file(option(options, "--key", ""));
  return DkimKey::from_pem(slurp(file));
}

int complain(const std::string& text) {
  std::cerr << "dkim_tool: " << text << '\n';
  return EXIT_FAILURE;
}

int print_public_key(const Options& options) {
  const Result<DkimKey> key = load_key(options);
  if (!key) return complain(key.error().detail);
  std::cout << key->public_key_base64() << '\n';
  return EXIT_SUCCESS;
}

int sign(const Options& options) {
  const Result<DkimKey> key = load_key(options);
  if (!key) return complain(key.error().detail);
  SignSettings settings;
  settings.domain = option(options, "--domain", "");
  settings.selector = option(options, "--selector", "");
  settings.header = canonicalization(option(options, "--header-canon", "relaxed"));
  settings.body = canonicalization(option(options, "--body-canon", "relaxed"));
  settings.signed_headers = split(option(options, "--headers", kDefaultHeaders));
  settings.timestamp = time_option(options);
  const std::string message = slurp(std::cin);
  const Result<std::string> field = dkim_sign(message, *key, settings);
  if (!field) return complain(field.error().detail);
  std::cout << *field << message;
  return EXIT_SUCCESS;
}

std::string shown(const std::string& text) { return text.empty() ? "-" : text; }

int verify(const Options& options) {
  FakeDns dns;
  const auto records = options.find("--txt");
  if (records != options.end()) {
    for (const std::string& record : records->second) {
      const std::size_t equals = record.find('=');
      if (equals == std::string::npos) return complain("--txt NAME=RECORD");
      dns.add_txt(record.substr(0, equals), record.substr(equals + 1));
    }
  }
  VerifySettings settings;
  settings.aligned_with = option(options, "--aligned", "");
  settings.now = time_option(options);
  const DkimVerdict verdict = dkim_verify(slurp(std::cin), dns, settings);
  std::cout << to_word(verdict.status) << ' ' << shown(verdict.best.reason) << '\n';
  for (const SignatureVerdict& one : verdict.signatures) {
    std::cout << to_word(one.status) << ' ' << shown(one.reason) << ' ' << shown(one.domain) << ' '
              << shown(one.selector) << ' ' << shown(one.algorithm) << '\n';
  }
  return EXIT_SUCCESS;
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    options[arguments[i]].push_back(arguments[i + 1]);
  }
  const std::string command = arguments.empty() ? "" : arguments.front();
  if (command == "pubkey") return print_public_key(options);
  if (command == "sign") return sign(options);
  if (command == "verify") return verify(options);
  return complain("pubkey, sign or verify?");
}

}  // namespace
}  // namespace tlsrpt

int main(int argc, char** argv) {
  try {
    std::ios::sync_with_stdio(false);
    return tlsrpt::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "dkim_tool: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
