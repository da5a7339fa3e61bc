// SPDX-License-Identifier: BSD-2-Clause
#include "milter/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "common/ascii.hpp"
#include "common/ip_address.hpp"

namespace tlsrpt::milter {

namespace {

// More proxies in a row than anybody has.
constexpr int kMaxHops = 20;

/// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711", quoted or not.
std::optional<std::string> node_address(std::string_view node) {
  node = trimmed(node);
  if (node.size() >= 2 && node.starts_with('"') && node.ends_with('"')) {
    node = node.substr(1, node.size() - 2);
  }
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return canonical_ip(node.substr(1, end - 1));
  }
  if (std::count(node.begin(), node.end(), ':') == 1) node = node.substr(0, node.find(':'));
  return canonical_ip(node);
}

/// The for= of one element of Forwarded: "for=192.0.2.1;proto=https".
std::string_view for_of(std::string_view element) {
  while (!element.empty()) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view pair = trimmed(element.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && equal_ignoring_case(pair.substr(0, equals), "for")) {
      return pair.substr(equals + 1);
    }
    element.remove_prefix(std::min(end + 1, element.size()));
  }
  return {};
}

/// From the right, until an address is not trusted. node_of: the address in one element.
template <typename NodeOf>
std::string nearest_stranger(std::string_view list, std::string_view peer, const PeerList& trusted,
                             NodeOf node_of) {
  std::string last(peer);
  for (int hop = 0; hop < kMaxHops && !list.empty(); ++hop) {
    const std::size_t comma = list.rfind(',');
    const std::string_view element =
        comma == std::string_view::npos ? list : list.substr(comma + 1);
    auto address = node_address(node_of(element));
    if (!address) return last;
    last = std::move(*address);
    if (!trusted.contains("", last)) return last;
    list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  return last;
}

}  // namespace

Result<PeerList> parse_trusted_proxies(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::string_view text = std::string_view(entry).substr(entry.starts_with('!') ? 1 : 0);
    if (!canonical_ip(text.substr(0, text.find('/')))) {
      return fail(ErrorCode::invalid_argument, "\"{}\" is neither an address nor a network", entry);
    }
  }
  return PeerList::parse(entries);
}

std::string client_address(std::string_view peer, std::string_view x_forwarded_for,
                           std::string_view forwarded, const PeerList& trusted) {
  if (!peer.empty() && !trusted.contains("", peer)) return std::string(peer);
  const std::string by_list = nearest_stranger(x_forwarded_for, peer, trusted,
                                               [](std::string_view element) { return element; });
  const std::string by_rfc = nearest_stranger(forwarded, peer, trusted, for_of);
  if (forwarded.empty()) return by_list;
  if (x_forwarded_for.empty() || by_list == by_rfc) return by_rfc;
  return std::string(peer);
}

std::string source_key(std::string_view address) {
  if (address.empty()) return "local";
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  std::array<char, INET6_ADDRSTRLEN> prefix{};
  ::inet_ntop(AF_INET6, bytes.data(), prefix.data(), prefix.size());
  return std::string(prefix.data()) + "/64";
}

}  // namespace tlsrpt::milter
