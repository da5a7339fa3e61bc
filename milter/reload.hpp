// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// SIGUSR1 and SIGHUP: which settings does the file change in a filter that runs, and which would
// need a restart?

#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/daemon.hpp"
#include "common/log.hpp"
#include "milter/milter_settings.hpp"

namespace tlsrpt::milter {

/// Whether a changed value takes effect at a reload. The others are bound to what is made once: the
/// socket, the identity, the database, the resolver, the process that starts readers.
bool is_reloadable(Key key);

/// What a reload came to.
struct Reload {
  Config config;                                ///< in use from now on
  std::vector<std::string_view> changed;        ///< names of keys that take effect
  std::vector<std::string_view> needs_restart;  ///< names of keys that keep their value
};

/// What is in use after 'fresh' was read while 'running' was in use. Keys of other programs do not
/// matter.
Reload merge_reload(const Config& running, const Config& fresh);

/// Reads the configuration again when it is told to. Threads: one at a time.
class Reloader {
 public:
  /// options: of the command line, whose values win over the file's at every reload.
  Reloader(DaemonOptions options, Config running, Log& log)
      : options_(std::move(options)), running_(std::move(running)), log_(log) {}

  /// The settings to use now, or nothing if the configuration has problems, all of which are
  /// logged; then everything stays as it is.
  std::optional<MilterSettings> reload();

  [[nodiscard]] const Config& config() const { return running_; }

 private:
  DaemonOptions options_;
  Config running_;
  Log& log_;
};

}  // namespace tlsrpt::milter
