// SPDX-License-Identifier: BSD-2-Clause
#include <unistd.h>

#include <cerrno>

#include "milter/reports_commands.hpp"
#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

/// What arrived before that time is to go.
Result<Seconds> cutoff(const ReportsOptions& options, const Config& config, const Clock& clock) {
  if (options.before) return Seconds(*options.before);
  const auto days = options.keep ? std::int64_t{*options.keep} : config.integer(Key::keep_days);
  if (days == 0) {
    return fail(ErrorCode::invalid_argument,
                "KeepDays is 0, by which everything is kept: --keep or --before says what is not");
  }
  return clock.now() - std::chrono::days(days);
}

Result<Pruned> prune(const ReportsOptions& options, const Config& config, Seconds before) {
  const auto path = received_path(config.text(Key::database));
  if (!path) return tl::unexpected(path.error());
  // Made by who writes reports, not by who removes them.
  if (::access(path->c_str(), F_OK) != 0) return fail_errno(errno, "cannot open " + *path);
  const auto mode = options.dry_run ? SqliteMode::read_only : SqliteMode::read_write_create;
  auto store = ReceivedStore::open(*path, mode);
  if (!store) return tl::unexpected(store.error());
  return options.dry_run ? store->count_older(before) : store->prune(before);
}

}  // namespace

Exit prune_command(const ReportsOptions& options, const Config& config, const Clock& clock) {
  const auto before = cutoff(options, config, clock);
  if (!before) {
    complain(before.error().detail);
    return Exit::usage;
  }
  const auto pruned = prune(options, config, *before);
  if (!pruned) {
    complain(pruned.error().detail);
    return exit_for(pruned.error());
  }
  const bool written =
      print(fmt::format("{} report{} and {} refused mail{} that arrived before {} {} removed.\n",
                        group_digits(pruned->reports), pruned->reports == 1 ? "" : "s",
                        group_digits(pruned->refused), pruned->refused == 1 ? "" : "s",
                        format_rfc3339(*before), options.dry_run ? "would be" : "were"));
  return written ? Exit::ok : Exit::io;
}

}  // namespace tlsrpt::milter
