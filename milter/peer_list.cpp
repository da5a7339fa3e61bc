// SPDX-License-Identifier: BSD-2-Clause
#include "milter/peer_list.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "common/domain_name.hpp"

namespace tlsrpt::milter {

namespace {

using Bytes = std::array<std::uint8_t, 16>;

std::optional<Bytes> parse_address(std::string_view text, bool& is_ipv4) {
  if (text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated(text);
  Bytes bytes{};
  in_addr ipv4{};
  is_ipv4 = ::inet_pton(AF_INET, terminated.c_str(), &ipv4) == 1;
  if (is_ipv4) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(&bytes[12], &ipv4, sizeof ipv4);
    return bytes;
  }
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = (0xff00u >> (bits % 8)) & 0xffu;
  return ((a.at(whole) ^ b.at(whole)) & mask) == 0;
}

}  // namespace

Result<void> PeerList::add(std::string_view entry) {
  const bool listed = !entry.starts_with('!');
  const std::string_view what = listed ? entry : entry.substr(1);
  const std::size_t slash = what.find('/');
  bool is_ipv4 = false;
  const auto address = parse_address(what.substr(0, slash), is_ipv4);
  if (address) {
    Network network{*address, 128, listed};
    if (slash != std::string_view::npos) {
      const std::string_view digits = what.substr(slash + 1);
      const unsigned most = is_ipv4 ? 32 : 128;
      unsigned bits = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      if (error != std::errc{} || end != digits.data() + digits.size() || bits > most) {
        return fail(ErrorCode::invalid_argument, "\"{}\": the prefix must be 0 to {}", entry, most);
      }
      network.prefix = bits + (128 - most);
    }
    networks_.push_back(network);
    return {};
  }
  const bool is_parent = what.starts_with('.');
  auto name = normalize_domain(is_parent ? what.substr(1) : what);
  if (!name) {
    return tl::unexpected(name.error().context(
        fmt::format("\"{}\" is neither an address, a network nor a name", entry)));
  }
  names_.insert_or_assign(is_parent ? "." + *name : *name, listed);
  return {};
}

Result<PeerList> PeerList::parse(const std::vector<std::string>& entries) {
  PeerList list;
  for (const std::string& entry : entries) {
    if (auto added = list.add(entry); !added) return tl::unexpected(added.error());
  }
  std::stable_sort(list.networks_.begin(), list.networks_.end(),
                   [](const Network& a, const Network& b) { return a.prefix > b.prefix; });
  return list;
}

bool PeerList::contains(std::string_view host, std::string_view address) const {
  if (const auto name = normalize_domain(host); name && !names_.empty()) {
    if (const auto found = names_.find(*name); found != names_.end()) return found->second;
    for (std::size_t dot = name->find('.'); dot != std::string::npos;
         dot = name->find('.', dot + 1)) {
      const auto found = names_.find(std::string_view(*name).substr(dot));
      if (found != names_.end()) return found->second;
    }
  }
  bool is_ipv4 = false;
  const auto bytes = parse_address(address, is_ipv4);
  if (!bytes) return false;
  // ::/0 says nothing about IPv4, although those addresses are kept in a corner of it.
  constexpr Bytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool mapped = same_prefix(*bytes, kMapped, 96);
  const auto found = std::find_if(networks_.begin(), networks_.end(), [&](const Network& network) {
    return !(mapped && network.prefix < 96) && same_prefix(network.address, *bytes, network.prefix);
  });
  return found != networks_.end() && found->listed;
}

}  // namespace tlsrpt::milter
