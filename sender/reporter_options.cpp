// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_options.hpp"

#include <algorithm>
#include <array>

namespace tlsrpt::sender {

namespace {

using enum CommandKind;

constexpr std::string_view kCommon = "cuvlV";
constexpr std::string_view kLettersWithValue = "cuP";

constexpr std::array<CommandInfo, 10> kCommands = {{
    {daemon, "", "cfnuPlvV", "[-flnvV] [-c file] [-u user] [-P pidfile]"},
    {preview, "preview", kCommon, "[--day day] [domain ...]"},
    {send, "send", kCommon,
     "--day day [--dry-run] [domain ...]\n"
     "       opentlsrpt-reporter send --to address [--day day] domain ..."},
    {queue, "queue", kCommon, "[--day day] [--state state,...] [--json] [domain ...]"},
    {status, "status", kCommon, "[--day day] [--prometheus | --explain domain]"},
    {retry, "retry", kCommon, "[--day day] [domain ...] | --all"},
    {suppress, "suppress", kCommon,
     "[list | add [--for time] [--reason text] destination ... | remove destination ...]"},
    {bounce, "bounce", kCommon, "< bounce"},
    {genkey, "genkey", kCommon,
     "[--type rsa|ed25519] [--bits n] [--domain domain] [--output file] selector"},
    {testkey, "testkey", kCommon, ""},
}};

struct OptionInfo {
  std::string_view name;
  bool takes_value;
  std::uint32_t commands;  ///< those that have it
};

constexpr std::uint32_t bit(CommandKind kind) { return 1u << static_cast<unsigned>(kind); }

constexpr std::array<OptionInfo, 14> kOptions = {{
    {"--all", false, bit(retry)},
    {"--bits", true, bit(genkey)},
    {"--day", true, bit(preview) | bit(send) | bit(queue) | bit(status) | bit(retry)},
    {"--domain", true, bit(genkey)},
    {"--dry-run", false, bit(send)},
    {"--explain", true, bit(status)},
    {"--for", true, bit(suppress)},
    {"--json", false, bit(queue)},
    {"--output", true, bit(genkey)},
    {"--prometheus", false, bit(status)},
    {"--reason", true, bit(suppress)},
    {"--state", true, bit(queue)},
    {"--to", true, bit(send)},
    {"--type", true, bit(genkey)},
}};

const OptionInfo* find_option(std::string_view name) {
  const auto found = std::find_if(kOptions.begin(), kOptions.end(),
                                  [&](const OptionInfo& one) { return one.name == name; });
  return found == kOptions.end() ? nullptr : &*found;
}

const CommandInfo* find_command(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), [&](const CommandInfo& one) {
    return !name.empty() && one.name == name;
  });
  return found == kCommands.end() ? nullptr : &*found;
}

/// True if a cluster of letters such as "-fc" takes the next argument as its value.
bool takes_next(std::string_view cluster) {
  const std::size_t letter = cluster.find_first_of(kLettersWithValue, 1);
  return letter != std::string_view::npos && letter + 1 == cluster.size();
}

/// The arguments by their kinds; what belongs to which command is seen when all are known.
struct Parts {
  std::vector<std::string> clusters;  ///< of letters, with their values
  std::vector<std::pair<const OptionInfo*, std::string>> options;
  std::vector<std::string> words;  ///< the command and its operands
};

Result<void> take_option(std::span<char*>& rest, Parts& parts) {
  const std::string_view argument(rest.front());
  const std::size_t equals = std::min(argument.find('='), argument.size());
  const OptionInfo* option = find_option(argument.substr(0, equals));
  if (option == nullptr) {
    return fail(ErrorCode::invalid_argument, "unknown option \"{}\"", argument.substr(0, equals));
  }
  const bool has_value = equals < argument.size();
  if (has_value && !option->takes_value) {
    return fail(ErrorCode::invalid_argument, "{} takes no value", option->name);
  }
  std::string value;
  if (has_value) {
    value = argument.substr(equals + 1);
  } else if (option->takes_value) {
    if (rest.size() < 2) {
      return fail(ErrorCode::invalid_argument, "{} needs a value", option->name);
    }
    rest = rest.subspan(1);
    value = rest.front();
  }
  parts.options.emplace_back(option, std::move(value));
  return {};
}

Result<Parts> take_apart(std::span<char*> rest) {
  Parts parts;
  for (; !rest.empty(); rest = rest.subspan(1)) {
    const std::string_view argument(rest.front());
    if (argument == "--") {
      parts.words.insert(parts.words.end(), rest.begin() + 1, rest.end());
      break;
    }
    if (argument.starts_with("--")) {
      if (auto taken = take_option(rest, parts); !taken) return tl::unexpected(taken.error());
    } else if (argument.size() > 1 && argument.front() == '-') {
      parts.clusters.emplace_back(argument);
      if (!takes_next(argument) || rest.size() < 2) continue;
      rest = rest.subspan(1);
      parts.clusters.emplace_back(rest.front());
    } else {
      parts.words.emplace_back(argument);
    }
  }
  return parts;
}

std::string name_of(const CommandInfo& command) {
  return command.kind == daemon ? "the daemon" : std::string(command.name);
}

Result<DaemonOptions> read_letters(std::vector<std::string>& clusters, const CommandInfo& command) {
  std::string program = "opentlsrpt-reporter";
  std::vector<char*> arguments = {program.data()};
  for (std::string& one : clusters) arguments.push_back(one.data());
  auto options =
      parse_daemon_options(static_cast<int>(arguments.size()), arguments.data(), command.letters);
  if (options || command.kind == daemon) return options;
  return tl::unexpected(options.error().context(name_of(command)));
}

}  // namespace

std::span<const CommandInfo> command_table() { return kCommands; }

const CommandInfo& command_info(CommandKind kind) {
  return kCommands[static_cast<std::size_t>(kind)];
}

std::string reporter_usage() {
  std::string text;
  for (const CommandInfo& command : kCommands) {
    text += text.empty() ? "usage: opentlsrpt-reporter" : "       opentlsrpt-reporter";
    for (const std::string_view part : {command.name, command.synopsis}) {
      if (!part.empty()) text += fmt::format(" {}", part);
    }
    text += '\n';
  }
  return text + "Each command takes [-lv] [-c file] [-u user] as well.\n";
}

bool SplitCommandLine::has(std::string_view option) const { return value(option).has_value(); }

std::optional<std::string> SplitCommandLine::value(std::string_view option) const {
  const auto found = std::find_if(given.rbegin(), given.rend(),
                                  [&](const auto& one) { return one.first == option; });
  return found == given.rend() ? std::nullopt : std::optional(found->second);
}

Result<SplitCommandLine> split_command_line(int argc, char** argv) {
  auto parts = take_apart(std::span(argv + 1, argv + argc));
  if (!parts) return tl::unexpected(parts.error());
  const CommandInfo* command =
      parts->words.empty() ? &command_info(daemon) : find_command(parts->words.front());
  if (command == nullptr) {
    return fail(ErrorCode::invalid_argument, "unknown command \"{}\"", parts->words.front());
  }
  SplitCommandLine line;
  line.kind = command->kind;
  auto options = read_letters(parts->clusters, *command);
  if (!options) return tl::unexpected(options.error());
  line.options = std::move(*options);
  for (auto& [option, value] : parts->options) {
    if ((option->commands & bit(command->kind)) == 0) {
      return fail(ErrorCode::invalid_argument, "{} does not go with {}", option->name,
                  name_of(*command));
    }
    line.given.emplace_back(option->name, std::move(value));
  }
  if (!parts->words.empty()) line.operands.assign(parts->words.begin() + 1, parts->words.end());
  return line;
}

}  // namespace tlsrpt::sender
