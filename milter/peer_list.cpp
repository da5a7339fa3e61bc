// SPDX-License-Identifier: BSD-2-Clause
#include "milter/peer_list.hpp"

#include <algorithm>

#include "common/domain_name.hpp"

namespace tlsrpt::milter {

Result<void> PeerList::add(std::string_view entry) {
  const bool listed = !entry.starts_with('!');
  const std::string_view what = listed ? entry : entry.substr(1);
  auto network = IpNetwork::parse(what);
  if (network) {
    networks_.push_back({*network, listed});
    return {};
  }
  if (network.error().code != ErrorCode::not_found) {
    return tl::unexpected(network.error());
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
  std::stable_sort(
      list.networks_.begin(), list.networks_.end(),
      [](const Listed& a, const Listed& b) { return a.network.prefix > b.network.prefix; });
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
  const auto bytes = parse_ip(address);
  if (!bytes) return false;
  const auto found = std::find_if(networks_.begin(), networks_.end(), [&](const Listed& entry) {
    return entry.network.contains(*bytes);
  });
  return found != networks_.end() && found->listed;
}

}  // namespace tlsrpt::milter
