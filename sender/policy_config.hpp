// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What opentlsrpt-policy takes from the configuration, and whether it can be used on this machine.

#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/dns.hpp"
#include "common/stream_socket.hpp"
#include "sender/outcome_socket.hpp"
#include "sender/policy_knowledge.hpp"
#include "sender/policy_service.hpp"

namespace tlsrpt::sender {

struct PolicySettings {
  std::vector<StreamSocket> sockets;
  std::vector<SocketSettings> local;  ///< those of 'sockets' that are local
  DnsSettings dns;
  std::string database;  ///< policies.db
  std::string trust_file;
  std::vector<std::string> private_networks;  ///< where policy hosts may be
  std::chrono::seconds fetch_timeout{60};
  KnowledgeSettings knowledge;
  PolicyServiceSettings service;
  std::vector<std::string> outcome_sockets;
};

struct ReadPolicySettings {
  PolicySettings settings;              ///< only without problems
  std::vector<ConfigProblem> problems;  ///< with the places of the values
};

/// inherited: systemd passed the sockets, and their paths do not matter.
ReadPolicySettings read_policy_settings(const Config& config, bool inherited);

}  // namespace tlsrpt::sender
