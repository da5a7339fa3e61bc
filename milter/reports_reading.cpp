// SPDX-License-Identifier: BSD-2-Clause
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/confined_opener.hpp"
#include "milter/input_files.hpp"
#include "milter/ndjson.hpp"
#include "milter/reports_commands.hpp"
#include "milter/reports_import.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kManyInputs = 100;

/// A count on a terminal, where a person waits for many inputs.
class Progress {
 public:
  explicit Progress(std::size_t inputs)
      : inputs_(inputs), shown_(inputs >= kManyInputs && ::isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step() {
    if (shown_ && ++done_ % kManyInputs == 0) std::fprintf(stderr, "\r%zu of %zu", done_, inputs_);
  }

 private:
  std::size_t inputs_;
  std::size_t done_ = 0;
  bool shown_;
};

/// root may import before the milter has run; the file must then still belong to the milter.
void hand_to_owner_of_folder(const std::string& path) {
  struct stat folder {};
  const std::string parent = std::filesystem::path(path).parent_path().native();
  if (::geteuid() != 0 || ::stat(parent.c_str(), &folder) != 0) return;
  if (::chown(path.c_str(), folder.st_uid, folder.st_gid) != 0) {
    complain(fmt::format("{} could not be given to the owner of its folder", path));
  }
}

Result<ReceivedStore> open_to_write(const Config& config) {
  const auto path = received_path(config.text(Key::database));
  if (!path) return tl::unexpected(path.error());
  const bool is_new = ::access(path->c_str(), F_OK) != 0;
  auto store = ReceivedStore::open(*path, SqliteMode::read_write_create);
  if (store && is_new) hand_to_owner_of_folder(*path);
  return store;
}

Result<std::unique_ptr<Dns>> configured_dns(const Config& config) {
  DnsSettings settings;
  settings.nameservers = config.list(Key::nameserver);
  settings.timeout_ms = static_cast<int>(config.duration(Key::dns_timeout).count() * 1000);
  return make_dns(settings);
}

/// Goes through the inputs; what went wrong is remembered, and the others go on.
class InputRun {
 public:
  InputRun(const ReportsOptions& options, const Config& config, const Clock& clock)
      : options_(options),
        config_(config),
        clock_(clock),
        settings_(intake_settings(config)),
        limits_(message_limits(config)) {}

  /// Comes first: the process has one thread and no descriptor that a reader should not inherit.
  Result<void> start_opener() {
    ConfinedSettings settings;
    settings.limits = limits_;
    settings.timeout = config_.duration(Key::reader_timeout);
    auto opener = ConfinedMessageOpener::start(settings);
    if (!opener) return tl::unexpected(opener.error());
    opener_ = std::move(*opener);
    return {};
  }

  /// For import only.
  Result<void> open_store() {
    auto store = open_to_write(config_);
    if (!store) return tl::unexpected(store.error());
    store_.emplace(std::move(*store));
    return {};
  }

  Exit run() {
    std::vector<std::string> files;
    for (const std::string& argument : options_.inputs) {
      auto found = input_files(argument);
      if (found) {
        files.insert(files.end(), found->begin(), found->end());
      } else {
        unreadable(found.error());
      }
    }
    Progress progress(files.size());
    for (const std::string& file : files) {
      if (auto fault = take(file)) return *fault;
      progress.step();
    }
    if (unreadable_) return Exit::no_input;
    return refused_ ? Exit::some_refused : Exit::ok;
  }

 private:
  /// Opened with the first mail: files that hold a bare report need no resolver.
  Result<Dns*> dns() {
    if (!dns_) {
      auto opened = configured_dns(config_);
      if (!opened) return tl::unexpected(opened.error());
      dns_ = std::move(*opened);
    }
    return dns_.get();
  }

  void unreadable(const Error& error) {
    complain(error.detail);
    unreadable_ = true;
  }

  /// An exit code if there is no sense in going on.
  std::optional<Exit> take(const std::string& file) {
    const auto bytes = read_input(file, config_.bytes(Key::maximum_message_size));
    Result<std::vector<InputOutcome>> outcomes;
    if (!bytes && bytes.error().code == ErrorCode::limit_exceeded) {
      ReadOutcome too_large;
      too_large.refusal = Refusal::too_large;
      too_large.detail = bytes.error().detail;
      outcomes->push_back({std::move(too_large), {}});
    } else if (!bytes) {
      unreadable(bytes.error());
      return std::nullopt;
    } else if (store_) {
      outcomes = authenticate_input(
          *bytes, settings_, limits_, *opener_, [this] { return dns(); }, clock_);
    } else {
      outcomes = examine_input(*bytes, settings_, *opener_, clock_);
    }
    if (!outcomes) {
      complain(fmt::format("{} was not read: {}", file, outcomes.error().detail));
      return exit_for(outcomes.error());
    }
    return report(file, *outcomes);
  }

  std::optional<Exit> report(const std::string& file, const std::vector<InputOutcome>& outcomes) {
    std::vector<StoredReport> stored;
    if (store_) {
      auto result = store_input(outcomes, *store_);
      if (!result) {
        complain(fmt::format("{} was not stored: {}", file, result.error().detail));
        return exit_for(result.error());
      }
      stored = std::move(*result);
    }
    std::size_t accepted = 0;
    for (const InputOutcome& one : outcomes) {
      std::optional<ImportFacts> facts;
      if (!one.outcome.accepted()) {
        refused_ = true;
      } else if (store_) {
        facts = ImportFacts{stored.at(accepted++), one.provenance.dkim};
      }
      if (!print(outcome_line(file, one.outcome, facts))) return Exit::io;
    }
    return std::nullopt;
  }

  const ReportsOptions& options_;
  const Config& config_;
  const Clock& clock_;
  IntakeSettings settings_;
  MessageLimits limits_;
  std::unique_ptr<MessageOpener> opener_;
  std::optional<ReceivedStore> store_;
  std::unique_ptr<Dns> dns_;
  bool unreadable_ = false;
  bool refused_ = false;
};

}  // namespace

Exit read_reports_command(const ReportsOptions& options, const Config& config, const Clock& clock) {
  InputRun run(options, config, clock);
  if (auto started = run.start_opener(); !started) {
    complain(started.error().detail);
    return exit_for(started.error());
  }
  if (options.command == Command::import_files) {
    if (auto opened = run.open_store(); !opened) {
      complain(opened.error().detail);
      return exit_for(opened.error());
    }
  }
  return run.run();
}

}  // namespace tlsrpt::milter
