// SPDX-License-Identifier: BSD-2-Clause
#include "sender/private_networks.hpp"

#include "common/ip_network.hpp"

namespace tlsrpt::sender {

std::vector<ConfigProblem> check_private_networks(const Config& config) {
  std::vector<ConfigProblem> problems;
  const std::vector<std::string>& networks = config.list(Key::post_networks);
  for (std::size_t i = 0; i < networks.size(); ++i) {
    if (IpNetwork::parse(networks[i])) continue;
    problems.push_back(config.problem(
        Key::post_networks,
        fmt::format("\"{}\" is no address or network such as 192.0.2.0/24", networks[i]), i));
  }
  return problems;
}

}  // namespace tlsrpt::sender
