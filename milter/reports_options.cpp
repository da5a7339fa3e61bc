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
    CommandInfo{Command::explain, "explain", "[WORD...]",
                "Says what failures mean and how to mend them: those of some days, or WORDs."},
    CommandInfo{Command::serve, "serve", "", "Takes reports by HTTPS, until it is stopped."},
    CommandInfo{Command::prune, "prune", "",
                "Removes old reports and refused mails: those that KeepDays says, or others."}};

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
    case Command::explain:
      return 'x';
    case Command::serve:
      return 'e';
    case Command::prune:
      return 'u';
  }
  return 'n';
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

template <typename Target, typename Value>
Result<void> assign(Target& target, const Result<Value>& result) {
  if (!result) return tl::unexpected(result.error());
  target = *result;
  return {};
}

/// What an option does with its value, which is "" for a switch.
using Taker = Result<void> (*)(ReportsOptions&, const std::string&);

template <bool ReportsOptions::* Switch>
Result<void> turn_on(ReportsOptions& options, const std::string&) {
  options.*Switch = true;
  return {};
}

template <std::string ReportsOptions::* Text>
Result<void> take_text(ReportsOptions& options, const std::string& value) {
  options.*Text = value;
  return {};
}

Result<void> take_pipe(ReportsOptions& options, const std::string&) {
  options.pipe = options.quiet = options.record_refused = options.require_dkim = true;
  return {};
}

Result<void> take_config(ReportsOptions& options, const std::string& value) {
  options.config_file = value;
  return {};
}

Result<void> take_database(ReportsOptions& options, const std::string& value) {
  options.database = value;
  return {};
}

Result<void> take_since(ReportsOptions& options, const std::string& value) {
  return assign(options.since, read_day(value, "since"));
}

Result<void> take_until(ReportsOptions& options, const std::string& value) {
  return assign(options.until, read_day(value, "until"));
}

Result<void> take_day(ReportsOptions& options, const std::string& value) {
  auto taken = assign(options.since, read_day(value, "day"));
  options.until = options.since;
  return taken;
}

Result<void> take_days(ReportsOptions& options, const std::string& value) {
  return assign(options.days, read_days(value, "--days"));
}

Result<void> take_domain(ReportsOptions& options, const std::string& value) {
  return assign(options.domain, normalize_domain(value));
}

Result<void> take_limit(ReportsOptions& options, const std::string& value) {
  return assign(options.limit, read_number<std::size_t>(value, "--limit"));
}

Result<void> take_before(ReportsOptions& options, const std::string& value) {
  return assign(options.before, read_day(value, "before"));
}

Result<void> take_keep(ReportsOptions& options, const std::string& value) {
  return assign(options.keep, read_days(value, "--keep"));
}

/// The commands that take an option, by letter: n(one yet), p(arse), i(mport), l(ist), (sho)w,
/// s(ummary), e(x)plain, (serv)e, (pr)u(ne).
struct OptionInfo {
  char letter;  ///< of the short option; '\0' = there is none
  const char* name;
  std::string_view value;  ///< "" = a switch
  std::string_view commands;
  std::string_view help;
  Taker take;
};

constexpr std::array kOptions = {
    OptionInfo{'c', "config", "FILE", "npilwsxeu", "configuration, instead of /etc/opentlsrpt.conf",
               take_config},
    OptionInfo{0, "database", "URL", "npilwsxeu", "the database, instead of the configured one",
               take_database},
    OptionInfo{'h', "help", "", "npilwsxeu", "help", turn_on<&ReportsOptions::help>},
    OptionInfo{'V', "version", "", "n", "version", turn_on<&ReportsOptions::version>},
    OptionInfo{0, "since", "DAY", "lsx", "reports about DAY (UTC, YYYY-MM-DD) and later",
               take_since},
    OptionInfo{0, "until", "DAY", "lsx", "reports about DAY and earlier", take_until},
    OptionInfo{0, "days", "N", "sx", "the last N days, 7 by default", take_days},
    OptionInfo{0, "domain", "DOMAIN", "lsx", "only about this policy domain", take_domain},
    OptionInfo{0, "day", "DAY", "lsx", "reports about DAY only", take_day},
    OptionInfo{0, "reporter", "NAME", "l", "only of this signer or organization",
               take_text<&ReportsOptions::reporter>},
    OptionInfo{0, "type", "TYPE", "l", "only with failures of this result type",
               take_text<&ReportsOptions::type>},
    OptionInfo{0, "failures", "", "l", "only reports of failures",
               turn_on<&ReportsOptions::failures>},
    OptionInfo{0, "quarantined", "", "l", "what is not about your PolicyDomains",
               turn_on<&ReportsOptions::quarantined>},
    OptionInfo{0, "rejected", "", "lw", "refused mails, instead of reports",
               turn_on<&ReportsOptions::refused>},
    OptionInfo{0, "refused", "", "lw", "the same", turn_on<&ReportsOptions::refused>},
    OptionInfo{0, "limit", "N", "l", "at most N, 50 by default; 0 for all", take_limit},
    OptionInfo{0, "json", "", "ls", "print JSON", turn_on<&ReportsOptions::json>},
    OptionInfo{0, "raw", "", "w", "print the bytes as they came", turn_on<&ReportsOptions::raw>},
    OptionInfo{0, "check", "", "e", "only check the configuration",
               turn_on<&ReportsOptions::check>},
    OptionInfo{0, "dry-run", "", "iu", "change nothing, only say what would be done",
               turn_on<&ReportsOptions::dry_run>},
    OptionInfo{0, "pipe", "", "i", "for MTAs: one mail on standard input; see the manual",
               take_pipe},
    OptionInfo{'q', "quiet", "", "i", "no lines about what was read",
               turn_on<&ReportsOptions::quiet>},
    OptionInfo{0, "record-refused", "", "i", "keep what is refused, for list --rejected",
               turn_on<&ReportsOptions::record_refused>},
    OptionInfo{0, "rejected", "", "i", "read the refused mails in the database again",
               turn_on<&ReportsOptions::rejected>},
    OptionInfo{0, "require-dkim", "", "i", "refuse what no signature vouches for",
               turn_on<&ReportsOptions::require_dkim>},
    OptionInfo{0, "before", "DAY", "u", "what arrived before DAY", take_before},
    OptionInfo{0, "keep", "N", "u", "what arrived more than N days ago", take_keep}};

bool is_allowed(const OptionInfo& option, Command command) {
  return option.commands.find(letter_of(command)) != std::string_view::npos;
}

/// Above every letter: getopt_long says the index of an option by kFirstOption + index.
constexpr int kFirstOption = 256;

struct OptionTable {
  std::vector<option> longs;
  std::string letters = "+:";  ///< stop at the first argument; tell a missing value from the rest
};

OptionTable option_table(Command command) {
  OptionTable table;
  for (std::size_t i = 0; i < kOptions.size(); ++i) {
    const OptionInfo& info = kOptions.at(i);
    if (!is_allowed(info, command)) continue;
    const int has_value = info.value.empty() ? no_argument : required_argument;
    table.longs.push_back({info.name, has_value, nullptr, kFirstOption + static_cast<int>(i)});
    if (info.letter == '\0') continue;
    table.letters += info.letter;
    if (has_value == required_argument) table.letters += ':';
  }
  table.longs.push_back({nullptr, 0, nullptr, 0});
  return table;
}

const OptionInfo* find_option(int id) {
  if (id >= kFirstOption) return &kOptions.at(static_cast<std::size_t>(id - kFirstOption));
  const auto* found = std::find_if(kOptions.begin(), kOptions.end(),
                                   [&](const OptionInfo& one) { return one.letter == id; });
  return found == kOptions.end() ? nullptr : found;
}

/// Takes options up to the first argument that is none, and gives the index of that one.
Result<int> take_options(int argc, char** argv, ReportsOptions& options) {
  const OptionTable table = option_table(options.command);
  opterr = 0;
  optind = 0;
  for (;;) {
    const int last = optind == 0 ? 1 : optind;
    const int id = ::getopt_long(argc, argv, table.letters.c_str(), table.longs.data(), nullptr);
    if (id == -1) return optind;
    const OptionInfo* info = find_option(id);
    if (info == nullptr) {
      return fail(ErrorCode::invalid_argument, "{}: {}", argv[last],
                  id == ':' ? "a value is missing" : "no such option here, or not with a value");
    }
    if (auto taken = info->take(options, optarg == nullptr ? "" : optarg); !taken) {
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

/// Of a refused mail neither domains nor failures are known.
Result<void> check_list_of_refused(const ReportsOptions& options) {
  const bool about_reports =
      !options.domain.empty() || !options.type.empty() || options.failures || options.quarantined;
  if (!options.refused || !about_reports) return {};
  return fail(ErrorCode::invalid_argument,
              "list --rejected: --domain, --type, --failures and --quarantined are about reports");
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
    case Command::explain:
      options.words = std::move(arguments);
      return {};
    case Command::list:
      if (auto fits = check_list_of_refused(options); !fits) return fits;
      [[fallthrough]];
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
    std::string names = option.letter == '\0' ? "    " : fmt::format("-{}, ", option.letter);
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
