// SPDX-License-Identifier: BSD-2-Clause
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "common/daemon.hpp"
#include "common/file.hpp"

namespace tlsrpt {

namespace {

bool takes_value(char letter) {
  return std::string_view("cepuPt").find(letter) != std::string_view::npos;
}

void split_files(std::string_view value, std::vector<std::string>& files) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    if (end > 0) files.emplace_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

void store(DaemonOptions& options, char letter, const std::string& value) {
  switch (letter) {
    case 'c':
      options.config_file = value;
      break;
    case 'e':
      options.key = value;
      break;
    case 'f':
      options.foreground = true;
      break;
    case 'n':
      options.check_only = true;
      break;
    case 'l':
      options.to_syslog = true;
      break;
    case 'V':
      options.version = true;
      break;
    case 'v':
      ++options.verbose;
      break;
    case 'p':
      options.socket = value;
      break;
    case 'u':
      options.user = value;
      break;
    case 'P':
      options.pid_file = value;
      break;
    case 't':
      split_files(value, options.test_files);
      break;
    default:
      break;  // the caller has checked the letter
  }
}

void override_key(ReadConfig& read, Key key, const std::optional<std::string>& value, char letter) {
  if (!value) return;
  const ConfigPlace place{fmt::format("option -{}", letter), 0};
  read.config.clear(key);
  if (auto set = read.config.set(key, *value, place); !set) {
    read.problems.push_back({place.file, 0, set.error().detail});
  }
}

}  // namespace

Result<DaemonOptions> parse_daemon_options(int argc, char** argv, std::string_view letters) {
  DaemonOptions options;
  int i = 1;
  for (; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--") {
      ++i;
      break;
    }
    if (argument.size() < 2 || argument.front() != '-') break;
    for (std::size_t at = 1; at < argument.size(); ++at) {
      const char letter = argument[at];
      if (letters.find(letter) == std::string_view::npos) {
        return fail(ErrorCode::invalid_argument, "unknown option \"{}\"", argument);
      }
      if (!takes_value(letter)) {
        store(options, letter, {});
        continue;
      }
      std::string value(argument.substr(at + 1));
      if (value.empty()) {
        if (++i >= argc)
          return fail(ErrorCode::invalid_argument, "option -{} needs a value", letter);
        value = argv[i];
      }
      store(options, letter, value);
      break;
    }
  }
  for (; i < argc; ++i) options.arguments.emplace_back(argv[i]);
  return options;
}

ReadConfig load_config(const DaemonOptions& options, Key socket_key) {
  ReadConfig read;
  const std::string default_file(kDefaultConfigFile);
  if (!options.config_file.empty()) {
    read = read_config_file(options.config_file);
  } else if (::access(default_file.c_str(), F_OK) == 0) {
    read = read_config_file(default_file);
  }
  override_key(read, socket_key, options.socket, 'p');
  override_key(read, Key::user_id, options.user, 'u');
  override_key(read, Key::pid_file, options.pid_file, 'P');
  return read;
}

std::string config_file_of(const DaemonOptions& options) {
  return options.config_file.empty() ? std::string(kDefaultConfigFile) : options.config_file;
}

void print_problems(const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems) {
    const std::string line = problem.to_string() + "\n";
    std::fputs(line.c_str(), stderr);
  }
}

LogSettings log_settings(const Config& config, const DaemonOptions& options,
                         std::string_view program) {
  LogSettings settings;
  settings.program = program;
  settings.syslog = options.to_syslog || config.boolean(Key::syslog);
  settings.facility = config.text(Key::syslog_facility);
  const std::string& level = config.text(Key::syslog_level);
  if (level == "err") settings.level = LogLevel::error;
  if (level == "warning") settings.level = LogLevel::warning;
  if (level == "notice") settings.level = LogLevel::notice;
  if (level == "debug" || options.verbose > 0) settings.level = LogLevel::debug;
  return settings;
}

}  // namespace tlsrpt
