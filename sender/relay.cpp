// SPDX-License-Identifier: BSD-2-Clause
#include "sender/relay.hpp"

#include <charconv>
#include <utility>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt::sender {

namespace {

constexpr int kSmtpPort = 25;
constexpr int kLmtpPort = 24;          // RFC 2033
constexpr std::size_t kMaxPath = 107;  // sun_path with its NUL

bool read_port(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_ipv6(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

/// "HOST[:PORT]" into the relay.
bool read_place(std::string_view text, Relay& relay) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!is_ipv6(host)) return false;
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
    auto normal = normalize_domain(host);
    if (!normal) return false;
    relay.host = std::move(*normal);
  }
  if (relay.host.empty()) relay.host = host;
  return rest.empty() || (rest.front() == ':' && read_port(rest.substr(1), relay.port));
}

}  // namespace

Result<Relay> parse_relay(std::string_view text) {
  Relay relay;
  std::string_view place = text;
  for (const auto& [word, protocol] :
       {std::pair{std::string_view("smtp:"), Relay::Protocol::smtp},
        std::pair{std::string_view("lmtp:"), Relay::Protocol::lmtp}}) {
    if (!lower_case(place.substr(0, word.size())).starts_with(word)) continue;
    relay.protocol = protocol;
    place.remove_prefix(word.size());
    break;
  }
  relay.port = relay.protocol == Relay::Protocol::lmtp ? kLmtpPort : kSmtpPort;
  if (place.starts_with('/')) {
    if (place.size() > kMaxPath) {
      return fail(ErrorCode::invalid_argument, "\"{}\" is too long for the path of a socket",
                  place);
    }
    relay.path = place;
    relay.port = 0;
    return relay;
  }
  if (read_place(place, relay)) return relay;
  return fail(ErrorCode::invalid_argument,
              "\"{}\" is not a host, host:port, lmtp:host:port or lmtp:/path", text);
}

std::string to_string(const Relay& relay) {
  const std::string_view protocol = relay.protocol == Relay::Protocol::lmtp ? "lmtp:" : "";
  if (!relay.path.empty()) {
    return fmt::format("{}{}", protocol.empty() ? "smtp:" : protocol, relay.path);
  }
  const bool brackets = relay.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}:{}", protocol, brackets ? "[" : "", relay.host, brackets ? "]" : "",
                     relay.port);
}

}  // namespace tlsrpt::sender
