// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_command.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/config.hpp"
#include "common/domain_name.hpp"
#include "sender/destination_text.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

namespace {

Result<Day> parse_day_word(std::string_view word, Day today) {
  if (word == "today") return today;
  if (word == "yesterday") return today - std::chrono::days(1);
  if (const auto day = parse_day(word)) return *day;
  return fail(ErrorCode::invalid_argument,
              "\"{}\" is no day; write YYYY-MM-DD, today or yesterday (UTC)", word);
}

Result<std::string> domain_word(std::string_view word) {
  return normalize_domain(word).map_error([&](const Error& error) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("\"{}\" is no domain: {}", word, error.detail)};
  });
}

Result<void> normalize_domains(std::vector<std::string>& domains) {
  for (std::string& domain : domains) {
    auto normal = domain_word(domain);
    if (!normal) return tl::unexpected(normal.error());
    domain = std::move(*normal);
  }
  return {};
}

Result<void> take_no_operands(const SplitCommandLine& line) {
  if (line.operands.empty()) return {};
  return fail(ErrorCode::invalid_argument, "\"{}\" is too much: {} takes no such arguments",
              line.operands.front(), command_info(line.kind).name);
}

Result<void> read_send(const SplitCommandLine& line, ReporterCommand& command) {
  command.domains = line.operands;
  command.dry_run = line.has("--dry-run");
  const auto to = line.value("--to");
  if (!to && !command.day_given) {
    return fail(ErrorCode::invalid_argument,
                "send needs --day, or --to for a rehearsal to an address of yours");
  }
  if (!to) return {};
  if (command.dry_run) {
    return fail(ErrorCode::invalid_argument,
                "--to sends nothing to those who asked for reports; leave --dry-run away");
  }
  if (command.domains.empty()) {
    return fail(ErrorCode::invalid_argument, "send --to needs the domains to send a report about");
  }
  auto rua = parse_destination(*to);
  if (!rua) return tl::unexpected(rua.error());
  if (rua->scheme != Rua::Scheme::mailto) {
    return fail(ErrorCode::invalid_argument, "--to takes an address; rehearsals go by mail");
  }
  command.rehearsal_to = std::move(*rua);
  return {};
}

Result<void> read_states(std::string_view list, ReporterCommand& command) {
  command.states.clear();
  if (list == "all") return {};
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const auto state = delivery_state(list.substr(0, end));
    if (!state) {
      return fail(
          ErrorCode::invalid_argument,
          "\"{}\" is no state; there are all, waiting, sending, deferred, delivered, failed, "
          "expired, bounced, suppressed, excluded and unsupported",
          list.substr(0, end));
    }
    command.states.push_back(*state);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  if (!command.states.empty()) return {};
  return fail(ErrorCode::invalid_argument, "--state needs a state, such as deferred");
}

Result<void> read_queue(const SplitCommandLine& line, ReporterCommand& command) {
  command.domains = line.operands;
  command.json = line.has("--json");
  command.states = {DeliveryState::waiting, DeliveryState::sending, DeliveryState::deferred};
  if (const auto states = line.value("--state")) {
    if (auto read = read_states(*states, command); !read) return read;
  }
  return normalize_domains(command.domains);
}

Result<void> read_status(const SplitCommandLine& line, ReporterCommand& command) {
  command.prometheus = line.has("--prometheus");
  const auto domain = line.value("--explain");
  if (command.prometheus && (domain || command.day_given)) {
    return fail(ErrorCode::invalid_argument, "--prometheus goes with neither --explain nor --day");
  }
  if (domain) {
    auto normal = domain_word(*domain);
    if (!normal) return tl::unexpected(normal.error());
    command.explain = std::move(*normal);
  }
  return take_no_operands(line);
}

Result<void> read_retry(const SplitCommandLine& line, ReporterCommand& command) {
  command.domains = line.operands;
  const bool some = command.day_given || !command.domains.empty();
  if (line.has("--all") == some) {
    return fail(ErrorCode::invalid_argument, "retry needs a day or domains, or else --all");
  }
  return normalize_domains(command.domains);
}

Result<void> read_suppress_time(std::string_view text, ReporterCommand& command) {
  Config config;  // the same words and bounds as SuppressTime
  if (const auto set = config.set(Key::suppress_time, text); !set) {
    return fail(ErrorCode::invalid_argument, "--for: {}", set.error().detail);
  }
  command.suppress_time = config.duration(Key::suppress_time);
  return {};
}

Result<SuppressAction> suppress_action(const std::vector<std::string>& operands) {
  if (operands.empty() || operands.front() == "list") return SuppressAction::list;
  if (operands.front() == "add") return SuppressAction::add;
  if (operands.front() == "remove") return SuppressAction::remove;
  return fail(ErrorCode::invalid_argument, "suppress has list, add and remove, but no \"{}\"",
              operands.front());
}

Result<void> read_suppress(const SplitCommandLine& line, ReporterCommand& command) {
  const auto action = suppress_action(line.operands);
  if (!action) return tl::unexpected(action.error());
  command.suppress = *action;
  if (*action != SuppressAction::add && !line.given.empty()) {
    return fail(ErrorCode::invalid_argument, "{} goes with suppress add", line.given.front().first);
  }
  for (std::size_t i = 1; i < line.operands.size(); ++i) {
    auto name = suppression_name(std::string_view(line.operands[i]));
    if (!name) return tl::unexpected(name.error());
    command.destinations.push_back(std::move(*name));
  }
  if (*action == SuppressAction::list && !command.destinations.empty()) {
    return fail(ErrorCode::invalid_argument, "suppress list shows all; it takes no arguments");
  }
  if (*action != SuppressAction::list && command.destinations.empty()) {
    return fail(ErrorCode::invalid_argument, "suppress {} needs an address or URI",
                line.operands.front());
  }
  command.reason = line.value("--reason").value_or("");
  if (const auto time = line.value("--for")) return read_suppress_time(*time, command);
  return {};
}

void read_genkey(const SplitCommandLine& line, ReporterCommand& command) {
  for (const auto& [name, value] : line.given) {
    command.genkey_words.push_back(fmt::format("{}={}", name, value));
  }
  command.genkey_words.insert(command.genkey_words.end(), line.operands.begin(),
                              line.operands.end());
}

Result<void> read_own_arguments(const SplitCommandLine& line, ReporterCommand& command) {
  switch (line.kind) {
    case CommandKind::preview:
      command.domains = line.operands;
      return {};
    case CommandKind::send:
      return read_send(line, command);
    case CommandKind::queue:
      return read_queue(line, command);
    case CommandKind::status:
      return read_status(line, command);
    case CommandKind::retry:
      return read_retry(line, command);
    case CommandKind::suppress:
      return read_suppress(line, command);
    case CommandKind::genkey:
      read_genkey(line, command);
      return {};
    case CommandKind::daemon:
    case CommandKind::bounce:
    case CommandKind::testkey:
      return take_no_operands(line);
  }
  return {};
}

}  // namespace

Result<ReporterCommand> parse_reporter_command(int argc, char** argv, Day today) {
  auto line = split_command_line(argc, argv);
  if (!line) return tl::unexpected(line.error());
  ReporterCommand command;
  command.options = line->options;
  command.kind = line->kind;
  const auto day = parse_day_word(line->value("--day").value_or("yesterday"), today);
  if (!day) return tl::unexpected(day.error());
  command.day = *day;
  command.day_given = line->has("--day");
  if (auto read = read_own_arguments(*line, command); !read) return tl::unexpected(read.error());
  return command;
}

}  // namespace tlsrpt::sender
