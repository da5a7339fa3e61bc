// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-reports serve: builds the HTTPS endpoint and runs it until it is told to stop.

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <memory>

#include "common/confined_opener.hpp"
#include "common/daemon.hpp"
#include "milter/http_routes.hpp"
#include "milter/http_server.hpp"
#include "milter/intake_service.hpp"
#include "common/listen_socket.hpp"
#include "milter/pruner.hpp"
#include "milter/report_endpoint.hpp"
#include "milter/reports_commands.hpp"
#include "milter/serve_settings.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kProgram = "opentlsrpt-reports";
constexpr auto kHousekeeping = 60s;
// systemd kills after 30 s; a report that is being stored may wait for 20 s.
constexpr auto kDrainTime = 25s;

Exit failed(Exit code, const Error& error) {
  complain(error.detail);
  return code;
}

/// serve asks no questions of DNS: there are no signatures over HTTPS (R180).
class NoDns final : public Dns {
 public:
  DnsAnswer<std::string> txt(std::string_view) override { return {}; }
  DnsAnswer<MxRecord> mx(std::string_view) override { return {}; }
  DnsAnswer<TlsaRecord> tlsa(std::string_view) override { return {}; }
  DnsAnswer<std::string> a(std::string_view) override { return {}; }
  DnsAnswer<std::string> aaaa(std::string_view) override { return {}; }
  Result<bool> validates() override { return false; }
};

/// What runs while we serve.
struct Service {
  const ServeSettings& settings;
  const ConfinedMessageOpener& opener;
  IntakeService& intake;
  ReportEndpoint& endpoint;
  HttpRoutes& routes;
  HttpServer& server;
  Pruner& pruner;
  Log& log;
};

void keep_house(Service& service) {
  std::map<std::string, std::uint64_t> counters = service.endpoint.take_counters();
  if (const auto count = service.routes.take_not_found(); count > 0) {
    counters.emplace("https_not_found", count);
  }
  if (const auto count = service.server.take_expired(); count > 0) {
    counters.emplace("https_timeouts", count);
  }
  if (const auto count = service.server.take_turned_away(); count > 0) {
    counters.emplace("https_turned_away", count);
  }
  service.intake.count(counters);
  service.intake.write_counters();
  service.endpoint.tell_suppressed();
  service.pruner.prune_when_due();
}

void reload(Service& service, int signal) {
  const std::string_view name = signal == SIGHUP ? "HUP" : "USR1";
  if (service.settings.certificate_file.empty()) {
    service.log.notice(LogLine("reload-unsupported")
                           .add("signal", name)
                           .add("detail",
                                "there is no HTTPCertificate; restart to read the "
                                "configuration again"));
    return;
  }
  auto certificate = read_certificate(service.settings);
  auto renewed = certificate ? service.server.renew(std::move(**certificate))
                             : Result<void>(tl::unexpected(certificate.error()));
  if (!renewed) {
    service.log.error(LogLine("certificate-kept").add("signal", name).add(renewed.error()));
    return;
  }
  service.log.notice(
      LogLine("certificate-reloaded")
          .add("signal", name)
          .add("file", service.settings.certificate_file)
          .add("detail", "the rest of the configuration is read again at a restart"));
}

/// Waits for signals and keeps house; what it returns is the exit code.
Exit run_until_told(Service& service, const sigset_t& signals) {
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    if (std::chrono::steady_clock::now() >= next) {
      keep_house(service);
      next = std::chrono::steady_clock::now() + kHousekeeping;
    }
    const timespec second{1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) return Exit::ok;
    if (signal == SIGHUP || signal == SIGUSR1) reload(service, signal);
    // Whatever has started us can start us again; a report would be put off for as long as we live.
    if (!service.opener.can_spawn()) {
      service.log.error(
          LogLine("spawner-died")
              .add("detail", "without the spawner of confined readers no report can be read"));
      return Exit::software;
    }
  }
}

/// A connection is a descriptor, and its report's reader another one; whoever started us may have
/// left a low soft limit.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t own_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

Exit serve_until_told(Service service) {
  const Exit code = run_until_told(service, own_signals());
  notify_systemd("STOPPING=1");
  const auto drained = service.server.stop(kDrainTime);
  keep_house(service);
  if (service.settings.socket.kind == StreamSocket::Kind::local) {
    ::unlink(service.settings.socket.path.c_str());
  }
  service.log.notice(LogLine("stopped"));
  // A request that is still at work keeps what it needs until the process is gone.
  if (drained == HttpServer::Drained::no) ::_exit(exit_code(code));
  return code;
}

Exit run_endpoint(const ServeSettings& settings, UniqueFd listener, HttpServerSettings http,
                  const Config& config, Log& log, const Clock& clock) {
  const auto opener =
      ConfinedMessageOpener::start_tried(confined_settings(config));  // while there is one thread
  if (!opener) return failed(Exit::os, opener.error());
  auto store = ReceivedStore::open(settings.store_path, SqliteMode::read_write_create);
  if (!store) return failed(exit_for(store.error()), store.error());
  NoDns dns;
  IntakeService intake(settings.intake, settings.store, {**opener, dns, clock, log},
                       std::move(*store));
  ReportEndpoint endpoint(settings.endpoint, {intake, clock, log});
  HealthPage health([&opener] { return (*opener)->can_spawn(); });
  HttpRoutes routes;
  routes.add("/health", health);
  routes.add(settings.path, endpoint);
  SpoolBudget budget(settings.spool_bytes);
  const auto server = HttpServer::start(std::move(listener), std::move(http), routes, budget);
  if (!server) return failed(Exit::unavailable, server.error());
  Pruner pruner(settings.store_path, settings.retention, clock, log);
  log.notice(LogLine("started")
                 .add("version", OPENTLSRPT_VERSION)
                 .add("socket", settings.socket.for_libmilter())
                 .add("tls", settings.certificate_file.empty() ? "no" : "yes")
                 .add("path", settings.path)
                 .add("store", settings.store_path));
  notify_systemd("READY=1");
  return serve_until_told({settings, **opener, intake, endpoint, routes, **server, pruner, log});
}

/// What has to be done as the user who started us, then as UserID.
Exit start(const ServeSettings& settings, const Config& config, const Clock& clock) {
  auto log = make_log(log_settings(config, {}, kProgram));
  if (!log) return failed(Exit::config, log.error());
  auto certificate = read_certificate(settings);
  if (!certificate) return failed(Exit::config, certificate.error());
  block_signals();
  raise_descriptor_limit();
  ::umask(static_cast<mode_t>(settings.umask));
  std::optional<PidFile> pid_file;
  if (const std::string path = pid_file_path(config, kProgram); !path.empty()) {
    auto created = PidFile::create(path);
    if (!created) return failed(Exit::cannot_create, created.error());
    pid_file.emplace(std::move(*created));
  }
  auto listener = listen_on(settings.socket, settings.umask);
  if (!listener) return failed(Exit::unavailable, listener.error());
  if (auto given = hand_over_socket(settings.socket, settings.identity, settings.socket_group);
      !given) {
    return failed(Exit::permission, given.error());
  }
  if (auto became = become(config.text(Key::user_id)); !became) {
    return failed(Exit::permission, became.error());
  }
  HttpServerSettings http = settings.server;
  http.certificate = std::move(*certificate);
  return run_endpoint(settings, std::move(*listener), std::move(http), config, **log, clock);
}

}  // namespace

Exit serve_command(const ReportsOptions& options, const Config& config, const Clock& clock) {
  const std::string file =
      options.config_file.empty() ? std::string(kDefaultConfigFile) : options.config_file;
  std::vector<ConfigProblem> problems;
  const ServeSettings settings = serve_settings(config, file, problems);
  if (!problems.empty()) {
    print_problems(problems);
    return Exit::config;
  }
  if (!options.check) return start(settings, config, clock);
  const auto certificate = read_certificate(settings);
  return certificate ? Exit::ok : failed(Exit::config, certificate.error());
}

}  // namespace tlsrpt::milter
