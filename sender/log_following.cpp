// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_following.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "sender/certificate_probe.hpp"
#include "sender/file_log_source.hpp"
#include "sender/outbound_store.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/systemd_log_source.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::seconds kProbeTime{30};

/// The authorities are read each time, so that it is those of today that count; that is seldom.
ProbeResult probe(const ProbeTarget& target, const std::string& trust_file, int stop_fd) {
  auto trust = load_trust_store(trust_file);
  if (!trust) {
    ProbeResult result;
    result.session.mx_host = target.mx_host;
    result.session.receiving_ip = target.address;
    result.trouble = trust.error().detail;
    return result;
  }
  const ProbeSettings settings{local_host_name(), trust->get()};
  return probe_starttls(target, settings, {std::chrono::steady_clock::now() + kProbeTime, stop_fd});
}

}  // namespace

Result<std::unique_ptr<LogFollowing>> LogFollowing::create(const LogFollowingSettings& settings,
                                                           Journal& journal, Storer& storer,
                                                           const Clock& clock, Log& log) {
  auto stop = StopSignal::create();
  if (!stop) return tl::unexpected(stop.error());
  std::unique_ptr<LogFollowing> following(
      new LogFollowing(settings.database, storer, clock, log, std::move(*stop)));
  if (auto built = following->build(settings, journal); !built) {
    return tl::unexpected(built.error());
  }
  return following;
}

LogFollowing::LogFollowing(std::string database, Storer& storer, const Clock& clock, Log& log,
                           StopSignal stop)
    : database_(std::move(database)),
      storer_(storer),
      clock_(clock),
      log_(log),
      stop_(std::move(stop)) {}

LogFollowing::~LogFollowing() { stop(); }

Result<void> LogFollowing::build_witness(const LogFollowingSettings& settings) {
  if (!settings.probe) return {};
  // Whether it can be read is better known now.
  if (auto trust = load_trust_store(settings.trust_file); !trust) {
    return tl::unexpected(trust.error());
  }
  witness_ = std::make_unique<CertificateProbe>(
      CertificateProbeSettings{},
      CertificateProbeParts{[file = settings.trust_file, fd = stop_.fd()](
                                const ProbeTarget& target) { return probe(target, file, fd); },
                            [this] { storer_.count("log-probes", 1); }, clock_, log_});
  return {};
}

Result<void> LogFollowing::build(const LogFollowingSettings& settings, Journal& journal) {
  auto dns = make_dns(settings.dns);
  if (!dns) return tl::unexpected(dns.error());
  dns_ = std::move(*dns);
  fetcher_ = make_curl_sts_fetcher(settings.fetcher, *dns_, stop_);
  auto sts = make_sts_policies(settings.sts, {*dns_, *fetcher_, clock_, log_, stop_});
  if (!sts) return tl::unexpected(sts.error());
  sts_ = std::move(*sts);
  finder_ = std::make_unique<LivePolicyFinder>(settings.finder, *dns_, *sts_, clock_, log_);
  if (auto built = build_witness(settings); !built) return built;
  PolicyLookupSettings lookups;
  lookups.witness_testing_only = settings.follower.testing_only;
  lookups_ = std::make_unique<PolicyLookups>(*finder_, lookups, witness_.get());
  const auto count = [this](const std::string& name, std::uint64_t events) {
    storer_.count(name, events);
  };
  const LogFollowerParts parts{*lookups_,
                               journal,
                               clock_,
                               log_,
                               [this] { return is_ready(); },
                               [this](const std::string& source, const std::string& end) {
                                 return load_position(source, end);
                               },
                               count};
  for (const std::string& path : settings.files) {
    FileLogSettings file;
    file.path = path;
    auto source = std::make_unique<FileLogSource>(std::move(file), log_, count);
    if (auto added = add(settings.follower, std::move(source), parts); !added) return added;
  }
  if (!settings.journal) return {};
  auto source = SystemdLogSource::open();
  if (!source) return tl::unexpected(source.error());
  return add(settings.follower, std::move(*source), parts);
}

Result<void> LogFollowing::add(const LogFollowerSettings& settings,
                               std::unique_ptr<LogSource> source, const LogFollowerParts& parts) {
  auto follower = LogFollower::create(settings, std::move(source), parts);
  if (!follower) return tl::unexpected(follower.error());
  followers_.push_back(std::move(*follower));
  return {};
}

/// Only one process may follow logs for a database; the next one waits until it has gone.
bool LogFollowing::is_ready() {
  const std::lock_guard lock(mutex_);
  if (!lock_) {
    const std::string path = database_ + "-logs.lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      const bool held = errno == EWOULDBLOCK;
      const Error error = fail_errno(errno, "cannot lock " + path).value();
      if (lock_limit_.allow(clock_.now())) {
        log_.warning(LogLine("log-waits")
                         .add(error)
                         .add("hint", held ? "another collector follows logs for this database"
                                           : "the user of the collector must own that file"));
      }
      return false;
    }
    lock_ = std::move(fd);
  }
  return storer_.has_replayed();
}

Result<std::optional<LogPosition>> LogFollowing::load_position(const std::string& source,
                                                               const std::string& end) const {
  auto store = OutboundStore::open(database_, SqliteMode::read_write_create);
  if (!store) return tl::unexpected(store.error());
  return store->claim_log(source, end, clock_.now());
}

void LogFollowing::start() {
  threads_.emplace_back([this] { finder_->check_resolver(); });
  for (const auto& follower : followers_) {
    threads_.emplace_back([this, &follower = *follower] {
      // Without memory a log cannot be followed; datagrams still can be counted.
      try {
        follower.run();
      } catch (const std::exception& error) {
        log_.error(LogLine("log-failed")
                       .add("detail", error.what())
                       .add("hint", "the log is not followed until the next start"));
      }
    });
  }
}

void LogFollowing::stop() {
  stop_.request();
  for (const auto& follower : followers_) follower->stop();
  threads_.clear();
}

}  // namespace tlsrpt::sender
