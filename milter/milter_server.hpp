// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// libmilter, and nothing else: turns its callbacks into calls of Session. milter_server.cpp is the
// only file that includes <libmilter/mfapi.h>.

#include <optional>
#include <string>

#include "common/daemon.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "milter/milter_settings.hpp"
#include "milter/session.hpp"

namespace tlsrpt::milter {

/// Registers the filter and opens its socket, with the mode that UMask leaves and the owner and
/// group that are configured. To be called once, before privileges are given up, so that every
/// fault shows at start.
Result<void> open_milter_socket(const MilterSettings& settings);

struct MilterParts {
  const CurrentSettings& settings;
  MailTaker& taker;
  SpoolBudget& budget;
  Log& log;
};

enum class Drained { yes, no };

/// Serves until libmilter is told to stop: TERM and INT go to a thread of its own. When it returns
/// Drained::yes no callback runs or will run with 'parts'; with Drained::no one was still busy
/// after a minute, and the process must end without taking 'parts' apart.
Result<Drained> serve_milter(const MilterParts& parts);

/// Makes serve_milter() return after some seconds, as TERM does. Threads: any.
void stop_milter();

/// Of libmilter's interface, as the library says at run time: "1.0.1" is that of sendmail 8.14
/// to 8.18.
std::string libmilter_version();

}  // namespace tlsrpt::milter
