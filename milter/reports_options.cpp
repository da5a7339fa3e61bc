// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reports_options.hpp"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/domain_name.hpp"

namespace tlsrpt::milter {

namespace {

struct CommandInfo {
  Command command;
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
};

constexpr std::array kCommands = {
    CommandInfo{Command::parse, "parse", "FILE...",
                "Reads report files and mails and prints what is in them. Nothing is stored."},
    CommandInfo{Command::import_files, "import", "FILE...",
                "The same, and puts the reports into the database."},
    CommandInfo{Command::list, "list", "", "Lists stored reports, or refused mails."},
    CommandInfo{Command::show, "show", "ID", "Shows one of them."},
    CommandInfo{Command::summary, "summary", "",
                "Sums up some days: failures, domains, reporters."},
    CommandInfo{Command::serve, "serve", "", "Takes reports by HTTPS, until it is stopped."},
    CommandInfo{Command::prune, "prune", "",
                "Removes old reports and refused mails: those that KeepDays says, or others."}};

/// The commands that take an option, by letter: n(one yet), p(arse), i(mport), l(ist), (sho)w,
/// s(ummary), (serv)e, (pr)u(ne).
struct OptionInfo {
  int id;
  const char* name;
  std::string_view value;  ///< "" = a switch
  std::string_view commands;
  std::string_view help;
};

constexpr int kRefused = 24;

// Letters are also short options.
constexpr std::array kOptions = {
    OptionInfo{'c', "config", "FILE", "npilwseu", "configuration, instead of /etc/opentlsrpt.conf"},
    OptionInfo{1, "database", "URL", "npilwseu", "the database, instead of the configured one"},
    OptionInfo{'h', "help", "", "npilwseu", "help"},
    OptionInfo{'V', "version", "", "n", "version"},
    OptionInfo{2, "since", "DAY", "ls", "reports about DAY (UTC, YYYY-MM-DD) and later"},
    OptionInfo{3, "until", "DAY", "ls", "reports about DAY and earlier"},
    OptionInfo{4, "days", "N", "s", "the last N days, 7 by default"},
    OptionInfo{5, "domain", "DOMAIN", "ls", "only about this policy domain"},
    OptionInfo{20, "day", "DAY", "ls", "reports about DAY only"},
    OptionInfo{21, "reporter", "NAME", "l", "only of this signer or organization"},
    OptionInfo{22, "type", "TYPE", "l", "only with failures of this result type"},
    OptionInfo{6, "failures", "", "l", "only reports of failures"},
    OptionInfo{23, "quarantined", "", "l", "what is not about your PolicyDomains"},
    OptionInfo{7, "rejected", "", "lw", "refused mails, instead of reports"},
    OptionInfo{kRefused, "refused", "", "lw", "the same"},
    OptionInfo{8, "limit", "N", "l", "at most N, 50 by default; 0 for all"},
    OptionInfo{9, "json", "", "ls", "print JSON"},
    OptionInfo{10, "raw", "", "w", "print the bytes as they came"},
    OptionInfo{11, "check", "", "e", "only check the configuration"},
    OptionInfo{12, "dry-run", "", "iu", "change nothing, only say what would be done"},
    OptionInfo{13, "pipe", "", "i", "for MTAs: one mail on standard input; see the manual"},
    OptionInfo{'q', "quiet", "", "i", "no lines about what was read"},
    OptionInfo{14, "record-refused", "", "i", "keep what is refused, for list --rejected"},
    OptionInfo{15, "rejected", "", "i", "read the refused mails in the database again"},
    OptionInfo{16, "require-dkim", "", "i", "refuse what no signature vouches for"},
    OptionInfo{25, "before", "DAY", "u", "what arrived before DAY"},
    OptionInfo{26, "keep", "N", "u", "what arrived more than N days ago"}};

char letter_of(Command command) {
  switch (command) {
    case Command::none:
      return 'n';
    case Command::parse:
      return 'p';
    case Command::import_files:
      return 'i';
    case Command::list:
      return 'l';
    case Command::show:
      return 'w';
    case Command::summary:
      return 's';
    case Command::serve:
      return 'e';
    case Command::prune:
      return 'u';
  }
  return 'n';
}

bool is_allowed(const OptionInfo& option, Command command) {
  return option.commands.find(letter_of(command)) != std::string_view::npos;
}

std::string_view name_of(Command command) {
  const auto* found = std::find_if(kCommands.begin(), kCommands.end(),
                                   [&](const auto& info) { return info.command == command; });
  return found == kCommands.end() ? "" : found->name;
}

template <typename Number>
Result<Number> read_number(std::string_view text, std::string_view what) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return fail(ErrorCode::invalid_argument, "{}: {} is not a number that can be used", what, text);
  }
  return number;
}

Result<Day> read_day(std::string_view text, std::string_view what) {
  const auto day = parse_day(text);
  if (day) return *day;
  return fail(ErrorCode::invalid_argument, "--{}: {} is not a day such as 2026-03-01", what, text);
}

Result<unsigned> read_days(std::string_view text, std::string_view what) {
  auto days = read_number<unsigned>(text, what);
  if (days && (*days == 0 || *days > 36500)) {
    return fail(ErrorCode::invalid_argument, "{}: between 1 and 36500", what);
  }
  return days;
}

/// "parse, import and list"
std::string names_of_commands(std::string_view last_word) {
  std::string names;
  for (const CommandInfo& info : kCommands) {
    const bool is_last = &info == &kCommands.back();
    if (!names.empty()) names += is_last ? fmt::format(" {} ", last_word) : ", ";
    names += info.name;
  }
  return names;
}

/// One option with its value.
Result<void> take(ReportsOptions& options, const OptionInfo& option, const std::string& value) {
  const auto assign = [](auto& target, auto result) -> Result<void> {
    if (!result) return tl::unexpected(result.error());
    target = *result;
    return {};
  };
  switch (option.id) {
    case 'c':
      options.config_file = value;
      break;
    case 1:
      options.database = value;
      break;
    case 'h':
      options.help = true;
      break;
    case 'V':
      options.version = true;
      break;
    case 2:
      return assign(options.since, read_day(value, option.name));
    case 3:
      return assign(options.until, read_day(value, option.name));
    case 4:
      return assign(options.days, read_days(value, "--days"));
    case 5:
      return assign(options.domain, normalize_domain(value));
    case 6:
      options.failures = true;
      break;
    case 7:
      options.refused = true;
      break;
    case 8:
      return assign(options.limit, read_number<std::size_t>(value, "--limit"));
    case 9:
      options.json = true;
      break;
    case 10:
      options.raw = true;
      break;
    case 20: {
      auto taken = assign(options.since, read_day(value, option.name));
      options.until = options.since;
      return taken;
    }
    case 21:
      options.reporter = value;
      break;
    case 22:
      options.type = value;
      break;
    case 23:
      options.quarantined = true;
      break;
    case kRefused:
      options.refused = true;
      break;
    case 25:
      return assign(options.before, read_day(value, option.name));
    case 26:
      return assign(options.keep, read_days(value, "--keep"));
    case 11:
      options.check = true;
      break;
    case 12:
      options.dry_run = true;
      break;
    case 13:
      options.pipe = options.quiet = options.record_refused = options.require_dkim = true;
      break;
    case 'q':
      options.quiet = true;
      break;
    case 14:
      options.record_refused = true;
      break;
    case 15:
      options.rejected = true;
      break;
    case 16:
      options.require_dkim = true;
      break;
  }
  return {};
}

/// Takes options up to the first argument that is none, and gives the index of that one.
Result<int> take_options(int argc, char** argv, ReportsOptions& options) {
  std::vector<option> table;
  std::string letters = "+:";  // stop at the first argument; tell a missing value from the rest
  for (const OptionInfo& info : kOptions) {
    if (!is_allowed(info, options.command)) continue;
    const int has_value = info.value.empty() ? no_argument : required_argument;
    table.push_back({info.name, has_value, nullptr, info.id});
    if (info.id < ' ') continue;
    letters += static_cast<char>(info.id);
    if (has_value == required_argument) letters += ':';
  }
  table.push_back({nullptr, 0, nullptr, 0});
  opterr = 0;
  optind = 0;
  for (;;) {
    const int last = optind == 0 ? 1 : optind;
    const int id = ::getopt_long(argc, argv, letters.c_str(), table.data(), nullptr);
    if (id == -1) return optind;
    const auto* info = std::find_if(kOptions.begin(), kOptions.end(),
                                    [&](const OptionInfo& one) { return one.id == id; });
    if (info == kOptions.end()) {
      return fail(ErrorCode::invalid_argument, "{}: {}", argv[last],
                  id == ':' ? "a value is missing" : "no such option here, or not with a value");
    }
    if (auto taken = take(options, *info, optarg == nullptr ? "" : optarg); !taken) {
      return tl::unexpected(taken.error());
    }
  }
}

/// Its inputs are in the store, and so are their verdicts.
Result<void> check_rejected(const ReportsOptions& options,
                            const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    return fail(ErrorCode::invalid_argument, "import --rejected: {} is not expected",
                arguments.front());
  }
  if (options.pipe || options.record_refused) {
    return fail(ErrorCode::invalid_argument,
                "import --rejected: goes with --dry-run and --quiet only");
  }
  return {};
}

Result<void> take_arguments(ReportsOptions& options, std::vector<std::string> arguments) {
  const std::string_view name = name_of(options.command);
  switch (options.command) {
    case Command::none:
      return {};
    case Command::parse:
    case Command::import_files:
      if (options.rejected) return check_rejected(options, arguments);
      if (options.pipe && arguments.empty()) arguments.emplace_back("-");
      if (arguments.empty()) {
        return fail(ErrorCode::invalid_argument, "{}: which file? (- for standard input)", name);
      }
      options.inputs = std::move(arguments);
      return {};
    case Command::show: {
      if (arguments.size() != 1) {
        return fail(ErrorCode::invalid_argument, "show: give one ID, as list prints it");
      }
      auto id = read_number<std::int64_t>(arguments.front(), "show");
      if (!id) return tl::unexpected(id.error());
      options.id = *id;
      return {};
    }
    case Command::list:
    case Command::summary:
    case Command::serve:
    case Command::prune:
      if (!arguments.empty()) {
        return fail(ErrorCode::invalid_argument, "{}: {} is not expected", name, arguments.front());
      }
      return {};
  }
  return {};
}

void append_options(std::string& text, Command command) {
  for (const OptionInfo& option : kOptions) {
    if (!is_allowed(option, command)) continue;
    std::string names =
        option.id < ' ' ? "    " : fmt::format("-{}, ", static_cast<char>(option.id));
    names += fmt::format("--{}{}{}", option.name, option.value.empty() ? "" : " ", option.value);
    text += fmt::format("  {:<22} {}\n", names, option.help);
  }
}

}  // namespace

Result<ReportsOptions> parse_reports_options(int argc, char** argv) {
  ReportsOptions options;
  const auto first = take_options(argc, argv, options);
  if (!first) return tl::unexpected(first.error());
  if (*first >= argc) {
    if (options.help || options.version) return options;
    return fail(ErrorCode::invalid_argument, "which command? {}; -h for help",
                names_of_commands("or"));
  }
  const std::string_view name = argv[*first];
  const auto* found = std::find_if(kCommands.begin(), kCommands.end(),
                                   [&](const auto& info) { return info.name == name; });
  if (found == kCommands.end()) {
    return fail(ErrorCode::invalid_argument, "{}: no such command; there are {}", name,
                names_of_commands("and"));
  }
  options.command = found->command;
  // Options and arguments of a command may come in any order.
  std::vector<std::string> arguments;
  int at = *first;
  while (at < argc) {
    const auto next = take_options(argc - at, argv + at, options);
    if (!next) return tl::unexpected(next.error().context(name));
    at += *next;
    const bool only_arguments = std::string_view(argv[at - 1]) == "--";
    while (at < argc && (only_arguments || argv[at][0] != '-' || argv[at][1] == '\0')) {
      arguments.emplace_back(argv[at++]);
    }
    --at;  // getopt takes what comes first for the name of the program
    if (at + 1 >= argc) break;
  }
  if (options.help || options.version) return options;
  if (options.before && options.keep) {
    return fail(ErrorCode::invalid_argument, "prune: --before or --keep, not both");
  }
  if (auto taken = take_arguments(options, std::move(arguments)); !taken) {
    return tl::unexpected(taken.error());
  }
  return options;
}

std::string reports_help(Command command) {
  const auto* found = std::find_if(kCommands.begin(), kCommands.end(),
                                   [&](const auto& info) { return info.command == command; });
  std::string text;
  if (found == kCommands.end()) {
    text =
        "Usage: opentlsrpt-reports [-c FILE] [--database URL] COMMAND ...\n"
        "Reads, keeps and shows the SMTP TLS reports (RFC 8460) that others send about you.\n\n";
    for (const CommandInfo& info : kCommands) {
      text +=
          fmt::format("  {:<22} {}\n", fmt::format("{} {}", info.name, info.arguments), info.help);
    }
    text += '\n';
  } else {
    text = fmt::format("Usage: opentlsrpt-reports {} [OPTION...]{}{}\n{}\n\n", found->name,
                       found->arguments.empty() ? "" : " ", found->arguments, found->help);
  }
  append_options(text, command);
  return text + "\nMore in opentlsrpt-reports(1).\n";
}

}  // namespace tlsrpt::milter
