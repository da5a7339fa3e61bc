// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_command.hpp"

#include <optional>
#include <string_view>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kLetters = "cfnuPlvV";
constexpr std::string_view kLettersWithValue = "cuP";

/// The command line taken apart, in the order of each kind.
struct Words {
  std::vector<std::string> options;  ///< those of DaemonOptions, with their values
  std::vector<std::string> words;    ///< command and domains
  std::optional<std::string> day;
  bool prometheus = false;
};

/// True if a cluster of letters such as "-fc" takes the next argument as its value.
bool takes_next(std::string_view cluster) {
  for (std::size_t i = 1; i < cluster.size(); ++i) {
    if (kLettersWithValue.find(cluster[i]) != std::string_view::npos) {
      return i + 1 == cluster.size();
    }
  }
  return false;
}

Result<Words> take_apart(int argc, char** argv) {
  constexpr std::string_view kDayEquals = "--day=";
  Words result;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument.starts_with(kDayEquals)) {
      result.day = argument.substr(kDayEquals.size());
    } else if (argument == "--day") {
      if (++i == argc) return fail(ErrorCode::invalid_argument, "--day needs a value");
      result.day = argv[i];
    } else if (argument == "--prometheus") {
      result.prometheus = true;
    } else if (argument.starts_with("--") && !result.words.empty() &&
               result.words.front() == "genkey") {
      result.words.emplace_back(argument);
    } else if (argument.size() > 1 && argument.front() == '-') {
      result.options.emplace_back(argument);
      if (takes_next(argument) && i + 1 < argc) result.options.emplace_back(argv[++i]);
    } else {
      result.words.emplace_back(argument);
    }
  }
  return result;
}

Result<DaemonOptions> parse_options(std::vector<std::string>& options) {
  std::string program = "opentlsrpt-reporter";
  std::vector<char*> arguments = {program.data()};
  for (std::string& option : options) arguments.push_back(option.data());
  return parse_daemon_options(static_cast<int>(arguments.size()), arguments.data(), kLetters);
}

Result<Day> parse_day_word(std::string_view word, Day today) {
  if (word == "today") return today;
  if (word == "yesterday") return today - std::chrono::days(1);
  if (const auto day = parse_day(word)) return *day;
  return fail(ErrorCode::invalid_argument,
              "\"{}\" is no day; write YYYY-MM-DD, today or yesterday (UTC)", word);
}

Result<CommandKind> parse_kind(std::string_view name) {
  if (name == "preview") return CommandKind::preview;
  if (name == "send") return CommandKind::send;
  if (name == "status") return CommandKind::status;
  if (name == "genkey") return CommandKind::genkey;
  if (name == "testkey") return CommandKind::testkey;
  return fail(ErrorCode::invalid_argument, "unknown command \"{}\"", name);
}

}  // namespace

Result<ReporterCommand> parse_reporter_command(int argc, char** argv, Day today) {
  auto words = take_apart(argc, argv);
  if (!words) return tl::unexpected(words.error());
  auto options = parse_options(words->options);
  if (!options) return tl::unexpected(options.error());
  ReporterCommand command;
  command.options = std::move(*options);
  command.day = today - std::chrono::days(1);
  if (words->words.empty()) {
    if (words->day) return fail(ErrorCode::invalid_argument, "--day goes with preview or send");
    if (words->prometheus) {
      return fail(ErrorCode::invalid_argument, "--prometheus goes with status");
    }
    return command;
  }
  const auto kind = parse_kind(words->words.front());
  if (!kind) return tl::unexpected(kind.error());
  command.kind = *kind;
  command.prometheus = words->prometheus;
  if (command.kind == CommandKind::status) {
    if (words->day || words->words.size() > 1) {
      return fail(ErrorCode::invalid_argument, "status takes neither a day nor domains");
    }
    return command;
  }
  if (words->prometheus) {
    return fail(ErrorCode::invalid_argument, "--prometheus goes with status");
  }
  command.domains.assign(words->words.begin() + 1, words->words.end());
  if (command.kind == CommandKind::genkey || command.kind == CommandKind::testkey) {
    if (words->day || (command.kind == CommandKind::testkey && !command.domains.empty())) {
      return fail(ErrorCode::invalid_argument, "{} takes no day, testkey no domains either",
                  words->words.front());
    }
    return command;
  }
  if (command.kind == CommandKind::send && !words->day) {
    return fail(ErrorCode::invalid_argument, "send needs --day");
  }
  if (words->day) {
    const auto day = parse_day_word(*words->day, today);
    if (!day) return tl::unexpected(day.error());
    command.day = *day;
  }
  return command;
}

}  // namespace tlsrpt::sender
