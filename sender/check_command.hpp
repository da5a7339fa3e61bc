// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The command line of opentlsrpt-check.

#include <chrono>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "sender/domain_check.hpp"

namespace tlsrpt::sender {

struct CheckCommand {
  std::string config_file;  ///< empty: the default one, which may be missing
  bool version = false;
  bool json = false;
  bool publish = false;
  bool quiet = false;                    ///< prints nothing about domains that are well
  std::vector<std::string> nameservers;  ///< in place of the file's
  std::string trust_file;                ///< in place of the file's
  CheckSettings settings;                ///< as far as the command line says
  std::vector<std::string> domains;      ///< normalised
};

/// The error is the text for the user.
Result<CheckCommand> parse_check_command(int argc, char** argv);

std::string check_usage();

}  // namespace tlsrpt::sender
