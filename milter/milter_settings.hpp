// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the milter makes of its configuration: checked once, at start and by -n.

#include <chrono>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/dns.hpp"
#include "milter/intake.hpp"
#include "common/stream_socket.hpp"
#include "milter/session.hpp"

namespace tlsrpt::milter {

struct MilterSettings {
  SessionSettings session;
  IntakeSettings intake;
  StoreLimits store;
  DnsSettings dns;
  StreamSocket socket;
  std::optional<Identity> identity;
  std::optional<unsigned> socket_group;
  std::string store_path;
  std::size_t spool_bytes = 0;
  std::chrono::days retention{};  ///< 0: for ever
  unsigned umask = 0007;
  int debug = 0;
};

/// Problems are added to 'problems' as "KEY: what is wrong", at the place of the value; those of a
/// value that is nowhere concern 'file' as a whole. The settings are of use only if none was added.
MilterSettings milter_settings(const Config& config, const std::string& file,
                               std::vector<ConfigProblem>& problems);

/// That of a configuration without ReportAddress, which a filter needs.
ConfigProblem missing_report_address(const Config& config);

/// For -n -v: what is used, and the lines for the MTA's files.
std::string describe_settings(const MilterSettings& settings);

}  // namespace tlsrpt::milter
