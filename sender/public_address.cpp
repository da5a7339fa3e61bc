// SPDX-License-Identifier: BSD-2-Clause
#include "sender/public_address.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace tlsrpt::sender {

namespace {

struct Rule {
  IpNetwork network;
  bool is_public = false;
};

constexpr bool kPublic = true;

constexpr IpNetwork v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                       unsigned prefix) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, prefix + 96};
}

/// The first four groups; the others are 0.
constexpr IpNetwork v6(std::array<unsigned, 4> groups, unsigned prefix, std::uint8_t last = 0) {
  IpNetwork network{{}, prefix};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    network.address[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    network.address[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
  }
  network.address[15] = last;
  return network;
}

// The first network that contains the address decides, so exceptions stand before their rule.
constexpr std::array kRules = {
    Rule{v4(0, 0, 0, 0, 8)},               // this network
    Rule{v4(10, 0, 0, 0, 8)},              // private use
    Rule{v4(100, 64, 0, 0, 10)},           // shared, behind carriers' NAT
    Rule{v4(127, 0, 0, 0, 8)},             // loopback
    Rule{v4(169, 254, 0, 0, 16)},          // link-local: metadata of clouds
    Rule{v4(172, 16, 0, 0, 12)},           // private use
    Rule{v4(192, 0, 0, 9, 32), kPublic},   // Port Control Protocol anycast
    Rule{v4(192, 0, 0, 10, 32), kPublic},  // TURN anycast
    Rule{v4(192, 0, 0, 0, 24)},            // protocol assignments
    Rule{v4(192, 0, 2, 0, 24)},            // documentation
    Rule{v4(192, 88, 99, 0, 24)},          // 6to4 relays, deprecated
    Rule{v4(192, 168, 0, 0, 16)},          // private use
    Rule{v4(198, 18, 0, 0, 15)},           // benchmarks
    Rule{v4(198, 51, 100, 0, 24)},         // documentation
    Rule{v4(203, 0, 113, 0, 24)},          // documentation
    Rule{v4(224, 0, 0, 0, 4)},             // multicast
    Rule{v4(240, 0, 0, 0, 4)},             // reserved, and broadcast
    Rule{v4(0, 0, 0, 0, 0), kPublic},

    Rule{v6({0x2001, 1}, 128, 1), kPublic},     // Port Control Protocol anycast
    Rule{v6({0x2001, 1}, 128, 2), kPublic},     // TURN anycast
    Rule{v6({0x2001, 1}, 128, 3), kPublic},     // DNS-SD registration anycast
    Rule{v6({0x2001, 3}, 32), kPublic},         // AMT
    Rule{v6({0x2001, 4, 0x112}, 48), kPublic},  // AS112
    Rule{v6({0x2001, 0x20}, 28), kPublic},      // ORCHIDv2
    Rule{v6({0x2001, 0x30}, 28), kPublic},      // drone remote identifiers
    Rule{v6({0x2001}, 23)},                     // other assignments, Teredo among them
    Rule{v6({0x2001, 0xdb8}, 32)},              // documentation
    Rule{v6({0x3fff}, 20)},                     // documentation
    Rule{v6({0x2000}, 3), kPublic},             // allocated as global unicast
    Rule{v6({}, 0)},                            // all the rest
};

constexpr IpNetwork k6to4 = v6({0x2002}, 16);
constexpr IpNetwork kNat64 = v6({0x64, 0xff9b}, 96);

/// The IPv4 address that a gateway would send the packets on to.
std::optional<IpBytes> embedded_ipv4(const IpBytes& address) {
  const bool is_6to4 = k6to4.contains(address);
  if (!is_6to4 && !kNat64.contains(address)) return std::nullopt;
  IpBytes inner = v4(0, 0, 0, 0, 0).address;
  std::copy_n(address.begin() + (is_6to4 ? 2 : 12), 4, inner.begin() + 12);
  return inner;
}

}  // namespace

bool is_public_address(const IpBytes& address) {
  const IpBytes judged = embedded_ipv4(address).value_or(address);
  const auto contains = [&judged](const Rule& rule) { return rule.network.contains(judged); };
  return std::find_if(kRules.begin(), kRules.end(), contains)->is_public;  // the last has all
}

}  // namespace tlsrpt::sender
