// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reload.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace tlsrpt::milter {

namespace {

constexpr std::array kReloadable = {
    Key::add_header,       Key::dkim_timeout,        Key::log_why,           Key::on_bad_report,
    Key::on_default,       Key::on_dns_error,        Key::on_internal_error, Key::on_success,
    Key::peer_list,        Key::policy_domains,      Key::report_address,    Key::report_retention,
    Key::strict_alignment, Key::strict_service_type, Key::syslog_level,
};

std::string joined(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace

bool is_reloadable(Key key) {
  return std::find(kReloadable.begin(), kReloadable.end(), key) != kReloadable.end();
}

Reload merge_reload(const Config& running, const Config& fresh) {
  Reload reload{running, {}, {}};
  for (const KeyInfo& info : config_table()) {
    if (info.programs.find("milter") == std::string_view::npos) continue;
    const bool same = running.value_text(info.key) == fresh.value_text(info.key);
    if (is_reloadable(info.key)) {
      // Also if it is the same: its place in the file may not be.
      reload.config.copy(info.key, fresh);
      if (!same) reload.changed.push_back(info.name);
    } else if (!same) {
      reload.needs_restart.push_back(info.name);
    }
  }
  return reload;
}

std::optional<MilterSettings> Reloader::reload() {
  const std::string file = config_file_of(options_);
  ReadConfig read = load_config(options_, Key::socket);
  milter_settings(read.config, file, read.problems);
  for (const ConfigProblem& problem : read.problems) {
    log_.error(LogLine("reload-problem").add("problem", problem.to_string()));
  }
  if (!read.problems.empty()) {
    log_.error(LogLine("reload-refused")
                   .add("problems", std::uint64_t{read.problems.size()})
                   .add("detail", "the settings of before stay in use"));
    return std::nullopt;
  }
  Reload merged = merge_reload(running_, read.config);
  for (const std::string_view name : merged.needs_restart) {
    log_.warning(LogLine("restart-needed")
                     .add("key", name)
                     .add("detail", "changed in the file, but needs a restart"));
  }
  running_ = std::move(merged.config);
  log_.notice(LogLine("reloaded").add("file", file).add("changed", joined(merged.changed)));
  std::vector<ConfigProblem> none;
  return milter_settings(running_, file, none);
}

}  // namespace tlsrpt::milter
