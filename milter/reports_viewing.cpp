// SPDX-License-Identifier: BSD-2-Clause
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <limits>

#include "milter/explanation.hpp"
#include "milter/intake.hpp"
#include "milter/ndjson.hpp"
#include "milter/report_list.hpp"
#include "milter/report_view.hpp"
#include "milter/reports_commands.hpp"
#include "milter/summary_text.hpp"
#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

Result<ReceivedStore> open_to_read(const Config& config) {
  const auto path = received_path(config.text(Key::database));
  if (!path) return tl::unexpected(path.error());
  if (::access(path->c_str(), F_OK) != 0 && errno == ENOENT) {
    return fail(ErrorCode::not_found,
                "there is no {} yet: the milter makes it when it starts, import when it is given "
                "report files; --database or -c chooses another place",
                *path);
  }
  if (::access(path->c_str(), R_OK) != 0) return fail_errno(errno, "cannot read " + *path);
  auto store = ReceivedStore::open(*path, SqliteMode::read_only);
  if (store || store.error().code != ErrorCode::permission) return store;
  // While nobody has it open, SQLite must make a file beside it, even to read.
  const std::string folder = std::filesystem::path(*path).parent_path().native();
  if (::access(folder.c_str(), W_OK) == 0) return store;
  return fail(ErrorCode::permission,
              "{}: {}; while the milter is not running, only those who may write to {} can look "
              "at it",
              *path, store.error().detail, folder);
}

/// Days of the command line as the times of the filter. A range that ends with the midnight at
/// which a day begins is not about that day, so a second is added.
ReportFilter filter_of(const ReportsOptions& options, const Config& config) {
  ReportFilter filter;
  if (options.since) filter.since = Seconds(*options.since) + (options.refused ? 0s : 1s);
  if (options.until) filter.until = Seconds(*options.until + std::chrono::days(1));
  filter.domain = options.domain;
  filter.reporter = options.reporter;
  filter.result_type = options.type;
  filter.failures_only = options.failures;
  filter.policy_domains = intake_settings(config).policy_domains;
  filter.quarantined = options.quarantined;
  filter.limit = options.limit == 0 ? std::numeric_limits<std::size_t>::max() : options.limit;
  return filter;
}

Exit failed(const Error& error) {
  complain(error.detail);
  return exit_for(error);
}

Exit printed(std::string_view text) { return print(text) ? Exit::ok : Exit::io; }

/// For a list that ends where --limit says.
std::string more_of(const ReportsOptions& options, std::size_t shown) {
  if (options.limit == 0 || shown < options.limit) return {};
  return "There may be more: --limit N shows N of them.\n";
}

Exit list_refused(const ReportsOptions& options, const Config& config, ReceivedStore& store) {
  const auto listed = store.list_refused(filter_of(options, config));
  if (!listed) return failed(listed.error());
  if (!options.json) return printed(refusal_list_text(*listed) + more_of(options, listed->size()));
  for (const ListedRefusal& one : *listed) {
    if (!print(listed_line(one))) return Exit::io;
  }
  return Exit::ok;
}

/// What a list of reports leaves unsaid: that there are more, and those about others' domains.
Result<std::string> after_list(const ReportsOptions& options, ReportFilter filter,
                               std::size_t shown, ReceivedStore& store) {
  std::string text = more_of(options, shown);
  if (options.quarantined) {
    if (filter.policy_domains.empty()) {
      text += "PolicyDomains is not set, so all domains are taken for yours.\n";
    }
    return text;
  }
  constexpr std::size_t kMostCounted = 10'000;
  filter.quarantined = true;
  filter.with_policies = false;
  filter.limit = kMostCounted;
  std::size_t count = 0;
  if (auto done = store.visit(filter, [&](const ListedReport&) { ++count; }); !done) {
    return tl::unexpected(done.error());
  }
  if (count > 0) {
    text += fmt::format(
        "{}{} report{} about domains that are not yours: opentlsrpt-reports list --quarantined\n",
        group_digits(count), count == kMostCounted ? " or more" : "", count == 1 ? "" : "s");
  }
  return text;
}

Exit list_command(const ReportsOptions& options, const Config& config, ReceivedStore& store) {
  if (options.refused) return list_refused(options, config, store);
  const ReportFilter filter = filter_of(options, config);
  if (options.json) {
    bool written = true;
    const auto done = store.visit(
        filter, [&](const ListedReport& one) { written = written && print(listed_line(one)); });
    if (!done) return failed(done.error());
    return written ? Exit::ok : Exit::io;
  }
  const auto listed = store.list(filter);
  if (!listed) return failed(listed.error());
  const auto after = after_list(options, filter, listed->size(), store);
  if (!after) return failed(after.error());
  return printed(report_list_text(*listed) + *after);
}

Exit show_refused(const ReportsOptions& options, ReceivedStore& store) {
  const auto refused = store.refused(options.id);
  if (!refused) return failed(refused.error());
  if (!refused->has_value()) {
    return failed({ErrorCode::not_found, fmt::format("no refused mail {}", options.id)});
  }
  return printed(options.raw ? (*refused)->bytes : refusal_view(options.id, **refused));
}

Exit show_command(const ReportsOptions& options, const Config& config, ReceivedStore& store) {
  if (options.refused) return show_refused(options, store);
  const auto report = store.report(options.id);
  if (!report) return failed(report.error());
  if (!report->has_value()) {
    return failed({ErrorCode::not_found, fmt::format("no report {}", options.id)});
  }
  return printed(options.raw
                     ? (*report)->json
                     : report_view(options.id, **report, intake_settings(config).policy_domains));
}

SummaryQuestion question_of(const ReportsOptions& options, const Config& config,
                            const Clock& clock) {
  SummaryQuestion question;
  question.now = clock.now();
  const Day since = options.since.value_or(options.until.value_or(clock.today()) -
                                           std::chrono::days(static_cast<int>(options.days)));
  question.since = Seconds(since);
  if (options.until) question.until = Seconds(*options.until + std::chrono::days(1));
  question.domain = options.domain;
  question.policy_domains = intake_settings(config).policy_domains;
  return question;
}

/// For a summary without reports: are there none at all, or only older ones?
Result<std::string> why_empty(ReceivedStore& store) {
  ReportFilter newest;
  newest.limit = 1;
  const auto reports = store.list(newest);
  if (!reports) return tl::unexpected(reports.error());
  if (reports->empty()) {
    return std::string(
        "\nNo report was ever stored. They come by mail to the address in the rua of your\n"
        "_smtp._tls TXT record, a day after the sessions; opentlsrpt(7) shows how to set it up.\n");
  }
  return fmt::format(
      "\nThe newest stored report ends {}; --since or --days reaches further back.\n",
      format_rfc3339(reports->front().report.date_range.end_datetime));
}

/// Who used to report before the time in question, as long again: told by the reports' ends alone.
Result<void> add_earlier(const SummaryQuestion& question, ReceivedStore& store,
                         SummaryBuilder& builder) {
  ReportFilter filter;
  filter.domain = question.domain;
  filter.since = question.since - (question.until.value_or(question.now) - question.since);
  filter.until = question.since;
  filter.policy_domains = question.policy_domains;
  filter.limit = std::numeric_limits<std::size_t>::max();
  filter.with_policies = false;
  return store.visit(filter, [&](const ListedReport& listed) {
    // One that reaches into the time in question comes with its policies.
    if (listed.report.date_range.end_datetime <= question.since) builder.add(listed);
  });
}

/// Those of the days on which something came.
Result<void> add_counters(const SummaryQuestion& question, ReceivedStore& store,
                          SummaryBuilder& builder) {
  using std::chrono::days;
  const Day until = question.until ? std::chrono::ceil<days>(*question.until) : Day::max();
  auto counters = store.counters(std::chrono::floor<days>(question.since), until);
  if (!counters) return tl::unexpected(counters.error());
  builder.set_counters(std::move(*counters));
  return {};
}

/// The reports that a summary is about.
ReportFilter filter_of(const SummaryQuestion& question) {
  ReportFilter filter;
  filter.domain = question.domain;
  filter.since = question.since + 1s;
  filter.until = question.until;
  filter.limit = std::numeric_limits<std::size_t>::max();
  return filter;
}

Exit explain_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    const auto failure = parse_failure_words(word);
    if (!failure) {
      complain("explain: " + failure.error().detail);
      return Exit::usage;
    }
    text += (text.empty() ? "" : "\n") + explain(*failure);
  }
  return printed(text);
}

Exit summary_command(const ReportsOptions& options, const Config& config, const Clock& clock,
                     ReceivedStore& store) {
  const SummaryQuestion question = question_of(options, config, clock);
  SummaryBuilder builder(question);
  const ReportFilter filter = filter_of(question);
  auto done = store.visit(filter, [&](const ListedReport& listed) { builder.add(listed); });
  if (done) done = add_earlier(question, store, builder);
  if (!done) return failed(done.error());
  ReportFilter refused = filter;
  refused.since = question.since;
  const auto refusals = store.list_refused(refused);
  if (!refusals) return failed(refusals.error());
  for (const ListedRefusal& refusal : *refusals) builder.add(refusal);
  if (done = add_counters(question, store, builder); !done) return failed(done.error());
  const Summary summary = builder.finish();
  if (options.json) return printed(summary_json(summary));
  std::string text = summary_text(summary);
  if (summary.reports == 0) {
    const auto why = why_empty(store);
    if (!why) return failed(why.error());
    text += *why;
  }
  return printed(text);
}

}  // namespace

Exit explain_command(const ReportsOptions& options, const Config& config, const Clock& clock) {
  if (!options.words.empty()) return explain_words(options.words);
  auto store = open_to_read(config);
  if (!store) return failed(store.error());
  const SummaryQuestion question = question_of(options, config, clock);
  SummaryBuilder builder(question);
  const auto done =
      store->visit(filter_of(question), [&](const ListedReport& listed) { builder.add(listed); });
  return done ? printed(explain(builder.finish())) : failed(done.error());
}

Exit view_command(const ReportsOptions& options, const Config& config, const Clock& clock) {
  auto store = open_to_read(config);
  if (!store) return failed(store.error());
  switch (options.command) {
    case Command::list:
      return list_command(options, config, *store);
    case Command::show:
      return show_command(options, config, *store);
    case Command::summary:
      return summary_command(options, config, clock, *store);
    case Command::none:
    case Command::parse:
    case Command::import_files:
    case Command::explain:
    case Command::serve:
    case Command::prune:
      break;
  }
  return Exit::software;
}

}  // namespace tlsrpt::milter
