// SPDX-License-Identifier: BSD-2-Clause
#include "sender/check_command.hpp"

#include <getopt.h>

#include <array>
#include <charconv>

#include "common/domain_name.hpp"
#include "common/ip_network.hpp"
#include "sender/relay.hpp"

namespace tlsrpt::sender {

namespace {

enum LongOption : int {
  kJson = 256,
  kNoConnect,
  kConnect,
  kPort,
  kPublish,
  kTimeout,
  kNameserver,
  kTrustFile,
};

constexpr std::array kLongOptions = {option{"json", no_argument, nullptr, kJson},
                                     option{"no-connect", no_argument, nullptr, kNoConnect},
                                     option{"connect", required_argument, nullptr, kConnect},
                                     option{"port", required_argument, nullptr, kPort},
                                     option{"publish", no_argument, nullptr, kPublish},
                                     option{"timeout", required_argument, nullptr, kTimeout},
                                     option{"nameserver", required_argument, nullptr, kNameserver},
                                     option{"trust-file", required_argument, nullptr, kTrustFile},
                                     option{nullptr, 0, nullptr, 0}};

Result<int> read_number(std::string_view option, std::string_view text, int maximum) {
  int number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || number < 1 ||
      number > maximum) {
    return fail(ErrorCode::invalid_argument, "{} wants a number from 1 to {}, not \"{}\"", option,
                maximum, text);
  }
  return number;
}

Result<void> set_connect(CheckSettings& settings, const std::string& text) {
  const auto relay = parse_relay(text);
  if (!relay || !relay->path.empty() || relay->protocol != Relay::Protocol::smtp) {
    return fail(ErrorCode::invalid_argument, "--connect wants HOST or HOST:PORT, not \"{}\"", text);
  }
  settings.connect_to = relay->host;
  settings.connect_port = static_cast<std::uint16_t>(relay->port);
  return {};
}

Result<void> take(CheckCommand& command, int letter, const std::string& value) {
  CheckSettings& settings = command.settings;
  switch (letter) {
    case 'c':
      command.config_file = value;
      break;
    case 'q':
      command.quiet = true;
      break;
    case 'V':
      command.version = true;
      break;
    case '4':
      settings.family = AddressFamily::ipv4;
      break;
    case '6':
      settings.family = AddressFamily::ipv6;
      break;
    case kJson:
      command.json = true;
      break;
    case kNoConnect:
      settings.connect = false;
      break;
    case kConnect:
      return set_connect(settings, value);
    case kPublish:
      command.publish = true;
      break;
    case kNameserver:
      command.nameservers.push_back(value);
      break;
    case kTrustFile:
      command.trust_file = value;
      break;
    case kPort: {
      const auto number = read_number("--port", value, 65535);
      if (!number) return tl::unexpected(number.error());
      settings.port = static_cast<std::uint16_t>(*number);
      break;
    }
    case kTimeout: {
      const auto number = read_number("--timeout", value, 600);
      if (!number) return tl::unexpected(number.error());
      settings.timeout = std::chrono::seconds(*number);
      break;
    }
    default:
      break;
  }
  return {};
}

}  // namespace

Result<CheckCommand> parse_check_command(int argc, char** argv) {
  CheckCommand command;
  optind = 0;
  opterr = 0;
  while (true) {
    const int letter = ::getopt_long(argc, argv, "c:qV46", kLongOptions.data(), nullptr);
    if (letter == -1) break;
    if (letter == '?') {
      // A short one may stand in the middle of its word.
      const std::string word = optopt != 0 && optopt < kJson
                                   ? fmt::format("-{}", static_cast<char>(optopt))
                                   : std::string(argv[optind - 1]);
      return fail(ErrorCode::invalid_argument, "the option {} is not known, or lacks its value",
                  word);
    }
    auto taken = take(command, letter, optarg != nullptr ? optarg : "");
    if (!taken) return tl::unexpected(taken.error());
  }
  for (int i = optind; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (parse_ip(word)) {
      return fail(ErrorCode::invalid_argument,
                  "\"{}\" is an address, and policies belong to domains", word);
    }
    auto domain = normalize_domain(word);
    if (!domain) {
      return fail(ErrorCode::invalid_argument, "\"{}\" is no domain: {}", argv[i],
                  domain.error().detail);
    }
    command.domains.push_back(std::move(*domain));
  }
  if (command.version) return command;
  if (command.domains.empty()) return fail(ErrorCode::invalid_argument, "no domain is given");
  if (!command.settings.connect && (!command.settings.connect_to.empty())) {
    return fail(ErrorCode::invalid_argument, "--connect and --no-connect exclude each other");
  }
  if (command.json && command.publish) {
    return fail(ErrorCode::invalid_argument, "--json and --publish exclude each other");
  }
  return command;
}

std::string check_usage() {
  return "usage: opentlsrpt-check [-46qV] [-c file] [--connect host[:port] | --no-connect]\n"
         "                        [--json | --publish] [--nameserver address] [--port number]\n"
         "                        [--timeout seconds] [--trust-file file] domain ...";
}

}  // namespace tlsrpt::sender
