// SPDX-License-Identifier: BSD-2-Clause

// The commands parse and import: inputs are read one after the other, opened by several confined
// readers side by side, and stored and printed in their order.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <mutex>

#include "common/confined_opener.hpp"
#include "milter/import_batch.hpp"
#include "milter/input_stream.hpp"
#include "milter/ordered_work.hpp"
#include "milter/progress.hpp"
#include "milter/reports_commands.hpp"
#include "milter/reports_import.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

// On their way from reading to the store. One input of the largest size is let in anyhow.
constexpr std::size_t kMaxWaitingBytes = 32u << 20;
constexpr std::size_t kWaitingPerThread = 8;

/// root may import before the milter has run; the file must then still belong to the milter.
void hand_to_owner_of_folder(const std::string& path) {
  struct stat folder {};
  const std::string parent = std::filesystem::path(path).parent_path().native();
  if (::geteuid() != 0 || ::stat(parent.c_str(), &folder) != 0) return;
  if (::chown(path.c_str(), folder.st_uid, folder.st_gid) != 0) {
    complain(fmt::format("{} could not be given to the owner of its folder", path));
  }
}

Result<ReceivedStore> open_to_write(const std::string& path) {
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  auto store = ReceivedStore::open(path, SqliteMode::read_write_create);
  if (store && is_new) hand_to_owner_of_folder(path);
  return store;
}

/// Opened with the first mail: files that hold a bare report need no resolver. Threads: any.
class LazyDns {
 public:
  explicit LazyDns(const Config& config) : config_(config) {}

  Result<Dns*> get() {
    const std::lock_guard lock(mutex_);
    if (!dns_) {
      DnsSettings settings;
      settings.nameservers = config_.list(Key::nameserver);
      settings.timeout_ms = static_cast<int>(config_.duration(Key::dns_timeout).count() * 1000);
      auto opened = make_dns(settings);
      if (!opened) return tl::unexpected(opened.error());
      dns_ = std::move(*opened);
    }
    return dns_.get();
  }

 private:
  const Config& config_;
  std::mutex mutex_;
  std::unique_ptr<Dns> dns_;
};

/// What a thread has made of one input.
struct Examined {
  InputName name;
  Result<ExaminedInput> examined;
  bool unreadable = false;  ///< the error is about the input, and the others go on
  StoreItem item;
};

/// Goes through the inputs; what went wrong is remembered, and the others go on.
class InputRun {
 public:
  InputRun(const ReportsOptions& options, const Config& config, const Clock& clock)
      : options_(options),
        config_(config),
        clock_(clock),
        importing_(options.command == Command::import_files),
        dns_(config) {
    settings_.intake = intake_settings(config);
    settings_.intake.require_dkim = options.require_dkim;
    settings_.limits = message_limits(config);
    settings_.authenticate = importing_;
    if (options.pipe) settings_.source = "pipe";
  }

  Exit run() {
    for (const auto step : {&InputRun::start_opener, &InputRun::open_store}) {
      if (auto done = (this->*step)(); !done) {
        complain(done.error().detail);
        return exit_for(done.error());
      }
    }
    const StopSignals stop;
    InputStream inputs(find_inputs(), settings_.limits.max_message_bytes, stop,
                       options_.pipe ? FromLine::precedes_one_mail : FromLine::begins_mbox);
    if (const auto fault = read_all(inputs, stop); fault && !fault_) fault_ = fault;
    return finish(inputs, stop);
  }

 private:
  using Work = OrderedWork<Examined>;

  /// Comes first: the process has one thread and no descriptor that a reader should not inherit.
  Result<void> start_opener() {
    threads_ = std::clamp(std::thread::hardware_concurrency(), 2u, 8u);
    ConfinedSettings settings = confined_settings(config_);
    settings.waiting_readers = options_.pipe ? 1 : threads_;
    auto opener = ConfinedMessageOpener::start_tried(settings);
    if (!opener) return tl::unexpected(opener.error());
    opener_ = std::move(*opener);
    return {};
  }

  Result<void> open_store() {
    if (!importing_) return {};
    const auto path = received_path(config_.text(Key::database));
    if (!path) return tl::unexpected(path.error());
    if (options_.dry_run) {
      auto dry_run = DryRun::start(*path);
      if (!dry_run) return tl::unexpected(dry_run.error());
      dry_run_.emplace(std::move(*dry_run));
      if (options_.rejected) return open_rejected(*path, SqliteMode::read_only);
      return {};
    }
    auto store = open_to_write(*path);
    if (!store) return tl::unexpected(store.error());
    StoreLimits limits = store_limits(config_);
    // Of the files of an administrator, as many as he likes.
    if (!options_.pipe) limits.max_reports_per_day = 0;
    batch_.emplace(std::move(*store), limits);
    if (options_.rejected) return open_rejected(*path, SqliteMode::read_only);
    return {};
  }

  /// A connection of its own, so that rows can be removed while others are read.
  Result<void> open_rejected(const std::string& path, SqliteMode mode) {
    auto store = ReceivedStore::open(path, mode);
    if (!store) return tl::unexpected(store.error());
    rejected_.emplace(std::move(*store));
    return {};
  }

  std::vector<InputFile> find_inputs() {
    std::vector<InputFile> files;
    for (const std::string& argument : options_.inputs) {
      auto found = input_files(argument);
      if (!found) {
        unreadable(found.error());
        continue;
      }
      std::move(found->files.begin(), found->files.end(), std::back_inserter(files));
      for (const std::string& text : found->skipped) complain(text);
      for (const Error& error : found->unreadable) unreadable(error);
    }
    return files;
  }

  void unreadable(const Error& error) {
    progress_.clear();
    complain(error.detail);
    unreadable_ = true;
  }

  /// The next task for a thread; nothing at the end.
  Result<bool> add_next(InputStream& inputs, const StopSignals& stop, Work& work) {
    if (rejected_) return add_rejected(stop, work);
    auto item = inputs.next();
    if (!item) return false;
    const std::size_t bytes = item->bytes.size();
    work.add(bytes, [this, input = std::make_shared<InputItem>(std::move(*item))] {
      return examine(*input);
    });
    return true;
  }

  Result<bool> add_rejected(const StopSignals& stop, Work& work) {
    if (stop.came()) return false;
    auto kept = rejected_->refused_after(last_rejected_);
    if (!kept) return tl::unexpected(kept.error());
    if (!*kept) return false;
    last_rejected_ = (*kept)->id;
    const std::size_t bytes = (*kept)->input.bytes.size();
    work.add(bytes, [this, refusal = std::make_shared<KeptRefusal>(std::move(**kept))] {
      return examine(*refusal);
    });
    return true;
  }

  /// In one of the threads.
  Examined examine(InputItem& input) {
    if (input.unreadable) return {input.name, tl::unexpected(*input.unreadable), true, {}};
    Examined done{input.name,
                  examine_input(
                      input, settings_, *opener_, [this] { return dns_.get(); }, clock_),
                  false,
                  {}};
    if (!importing_ || !done.examined) return done;
    done.item.at = clock_.now();
    done.item.reports = accepted_reports(*done.examined);
    if (options_.record_refused) done.item.refused = refused_input(*done.examined, input.bytes);
    if (options_.pipe) ++done.item.counters["mails_seen"];
    return done;
  }

  Examined examine(KeptRefusal& refusal) {
    Examined done{{fmt::format("refused:{}", refusal.id), 0},
                  examine_refused(
                      refusal.input, settings_, *opener_, [this] { return dns_.get(); }, clock_),
                  false,
                  {}};
    if (!done.examined) return done;
    done.item.at = clock_.now();
    done.item.reports = accepted_reports(*done.examined);
    // What is still refused in it keeps the row.
    if (refused_input(*done.examined, {}).empty()) done.item.instead_of_refused = refusal.id;
    return done;
  }

  /// An exit code if there is no sense in going on.
  std::optional<Exit> read_all(InputStream& inputs, const StopSignals& stop) {
    Work work(threads_);
    bool more = true;
    while (!fault_) {
      while (more && work.count() < threads_ * kWaitingPerThread &&
             (work.count() == 0 || work.bytes() < kMaxWaitingBytes)) {
        const auto added = add_next(inputs, stop, work);
        if (!added) return give_up(added.error());
        more = *added;
      }
      if (work.count() == 0) break;
      if (auto fault = take_one(work)) return fault;
      show_progress(inputs);
    }
    return fault_;
  }

  std::optional<Exit> take_one(Work& work) {
    const bool waiting = batch_ && !batch_->empty();
    auto done = work.take(waiting ? batch_->due() : std::chrono::steady_clock::now() + 1s);
    if (!done) return waiting ? commit() : std::nullopt;
    if (!done->examined && done->unreadable) {
      unreadable(done->examined.error());
      return std::nullopt;
    }
    if (!done->examined) {
      return give_up(done->examined.error().context(done->name.in_words() + " was not read"));
    }
    if (!done->examined->come_again.empty()) {
      progress_.clear();
      complain(fmt::format("{} is to be read again later: {}", done->name.in_words(),
                           done->examined->come_again));
      come_again_ = true;
      return std::nullopt;
    }
    return keep({std::move(done->name), std::move(*done->examined), std::move(done->item)});
  }

  std::optional<Exit> keep(DoneInput input) {
    if (batch_) {
      batch_->add(std::move(input));
      return batch_->full() || std::chrono::steady_clock::now() >= batch_->due() ? commit()
                                                                                 : std::nullopt;
    }
    StoredReports stored;
    if (dry_run_) {
      auto found = dry_run_->look_up(input.item);
      if (!found) return give_up(found.error());
      stored = std::move(*found);
    }
    return print_lines(lines_about(input, stored, dry_run_.has_value(), totals_));
  }

  std::optional<Exit> commit() {
    const auto committed = batch_->commit(totals_);
    if (auto fault = print_lines(committed.lines)) return fault;
    for (const Error& error : committed.failed) give_up(error);
    return fault_;
  }

  std::optional<Exit> print_lines(const std::string& lines) {
    if (options_.quiet || lines.empty()) return std::nullopt;
    progress_.clear();
    if (!print(lines)) fault_ = Exit::io;
    return fault_;
  }

  std::optional<Exit> give_up(const Error& error) {
    progress_.clear();
    complain(error.detail);
    if (!fault_) fault_ = exit_for(error);
    return fault_;
  }

  ProgressFacts facts(const InputStream& inputs) const {
    ProgressFacts facts;
    facts.files = inputs.files();
    facts.files_done = inputs.files_done();
    facts.bytes = inputs.bytes();
    facts.bytes_done = inputs.bytes_done();
    facts.fresh = totals_.fresh;
    facts.duplicates = totals_.duplicates;
    facts.refused = totals_.refused;
    return facts;
  }

  [[nodiscard]] bool watched() const { return !options_.quiet && !options_.rejected; }

  void show_progress(const InputStream& inputs) {
    if (watched()) progress_.show(facts(inputs));
  }

  Exit finish(const InputStream& inputs, const StopSignals& stop) {
    // What was read before a fault is as good as ever, if only there is somebody to tell.
    if (batch_ && !batch_->empty() && fault_ != Exit::io) static_cast<void>(commit());
    if (importing_ && watched()) progress_.close(facts(inputs));
    progress_.clear();
    if (stop.came()) {
      complain(
          fmt::format("stopped after {} of {} files; importing them again stores nothing twice",
                      inputs.files_done(), inputs.files()));
      std::fflush(stdout);  // the signal ends us when it is let through
      return Exit::temporary;
    }
    if (fault_) return *fault_;
    if (come_again_) return Exit::temporary;
    if (unreadable_) return Exit::no_input;
    // What was recorded is not lost, and whoever sent it is not to be told.
    return totals_.refused > 0 && !options_.pipe ? Exit::some_refused : Exit::ok;
  }

  const ReportsOptions& options_;
  const Config& config_;
  const Clock& clock_;
  const bool importing_;
  ExamineSettings settings_;
  LazyDns dns_;
  unsigned threads_ = 2;
  std::unique_ptr<MessageOpener> opener_;
  std::optional<ImportBatch> batch_;       ///< of import
  std::optional<DryRun> dry_run_;          ///< of import --dry-run
  std::optional<ReceivedStore> rejected_;  ///< of import --rejected: the inputs
  std::int64_t last_rejected_ = 0;
  ImportTotals totals_;
  Progress progress_;
  std::optional<Exit> fault_;
  bool unreadable_ = false;
  bool come_again_ = false;
};

}  // namespace

Exit read_reports_command(const ReportsOptions& options, const Config& config, const Clock& clock) {
  return InputRun(options, config, clock).run();
}

}  // namespace tlsrpt::milter
