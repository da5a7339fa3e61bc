// SPDX-License-Identifier: BSD-2-Clause
#include "common/ip_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace tlsrpt {

namespace {

constexpr IpBytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

bool same_prefix(const IpBytes& a, const IpBytes& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = (0xff00u >> (bits % 8)) & 0xffu;
  return ((a.at(whole) ^ b.at(whole)) & mask) == 0;
}

}  // namespace

std::optional<IpBytes> parse_ip(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated(text);
  IpBytes bytes = kMapped;
  in_addr ipv4{};
  if (::inet_pton(AF_INET, terminated.c_str(), &ipv4) == 1) {
    std::memcpy(&bytes[12], &ipv4, sizeof ipv4);
    return bytes;
  }
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

bool is_ipv4(const IpBytes& address) { return same_prefix(address, kMapped, kMappedBits); }

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view place = text.substr(0, slash);
  const auto address = parse_ip(place);
  if (!address) return fail(ErrorCode::not_found, "\"{}\" is no address", place);
  IpNetwork network{*address, 128};
  if (slash == std::string_view::npos) return network;
  const std::string_view digits = text.substr(slash + 1);
  const unsigned most = place.find(':') == std::string_view::npos ? 32 : 128;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > most) {
    return fail(ErrorCode::invalid_argument, "\"{}\": the prefix must be 0 to {}", text, most);
  }
  network.prefix = bits + (128 - most);
  return network;
}

bool IpNetwork::contains(const IpBytes& other) const {
  if (prefix < kMappedBits && is_ipv4(other)) return false;
  return same_prefix(address, other, prefix);
}

}  // namespace tlsrpt
