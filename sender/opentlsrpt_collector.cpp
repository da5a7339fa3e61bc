// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-collector(8): reads options and configuration, builds the parts and runs them.

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "sender/collector.hpp"
#include "sender/collector_config.hpp"
#include "sender/curl_library.hpp"
#include "sender/test_datagram.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::string_view kProgram = "opentlsrpt-collector";
constexpr std::string_view kUsage =
    "usage: opentlsrpt-collector [-flnVv] [-c file] [-P pidfile] [-p socket] [-u user[:group]]\n"
    "       opentlsrpt-collector --test-datagram [-c file] [-p socket] [-u user[:group]]\n";
constexpr std::string_view kTestDatagram = "--test-datagram";

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

std::string sqlite_version() {
  auto database = Sqlite::open(":memory:", SqliteMode::read_only, {});
  if (!database) return "unknown";
  auto query = database->prepare("SELECT sqlite_version()");
  if (!query) return "unknown";
  const auto row = query->step();
  return row && *row ? query->text(0) : "unknown";
}

void print_version() {
  print(stdout, fmt::format("{} {}\n{}\nSQLite {}\nfmt {}.{}.{}\nnlohmann/json {}.{}.{}\n",
                            kProgram, OPENTLSRPT_VERSION, OpenSSL_version(OPENSSL_VERSION),
                            sqlite_version(), FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
                            FMT_VERSION % 100, NLOHMANN_JSON_VERSION_MAJOR,
                            NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH));
}

/// What is needed before the process is alone: all that may fail while the user still looks.
struct Parts {
  std::unique_ptr<Log> log;
  std::optional<PidFile> pid_file;
  std::vector<OutcomeSocket> sockets;
  Inherited inherited;
  std::optional<SignalFd> signals;
  std::unique_ptr<Journal> journal;
  SystemClock clock;
  std::unique_ptr<Storer> storer;
  std::optional<CurlLibrary> curl;  ///< for MTA-STS policies
  std::unique_ptr<LogFollowing> logs;
};

Result<void> bind_sockets(const Config& config, Parts& parts) {
  const auto all = socket_settings(config, parts.inherited);
  if (!all) return tl::unexpected(all.error());
  for (const SocketSettings& settings : *all) {
    SocketWarnings warnings;
    auto socket = OutcomeSocket::bind(settings, warnings);
    if (!socket) return tl::unexpected(socket.error());
    for (const std::string& warning : warnings) {
      parts.log->warning(LogLine("socket-permission").add("detail", warning));
    }
    parts.sockets.push_back(std::move(*socket));
  }
  if (parts.inherited.datagram) return {};
  if (const auto warning = check_queue_length()) {
    parts.log->warning(LogLine("queue-short").add("detail", *warning));
  }
  return {};
}

Result<void> build_logs(const LogFollowingSettings& settings, Parts& parts) {
  if (!settings.wanted()) return {};
  auto curl = CurlLibrary::start();
  if (!curl) return tl::unexpected(curl.error());
  parts.curl.emplace(std::move(*curl));
  auto logs =
      LogFollowing::create(settings, *parts.journal, *parts.storer, parts.clock, *parts.log);
  if (!logs) return tl::unexpected(logs.error());
  parts.logs = std::move(*logs);
  return {};
}

/// The sockets are made as root, since only root may give them to the group of the MTA; journal and
/// database as the user that writes to them.
Result<void> build(const Config& config, Parts& parts) {
  ::umask(static_cast<mode_t>(config.integer(Key::umask)));
  if (const std::string path = pid_file_path(config, kProgram); !path.empty()) {
    auto pid_file = PidFile::create(path);
    if (!pid_file) return tl::unexpected(pid_file.error());
    parts.pid_file.emplace(std::move(*pid_file));
  }
  if (auto bound = bind_sockets(config, parts); !bound) return bound;
  if (auto done = become(config.text(Key::user_id)); !done) return done;
  const CollectorSettings settings = collector_settings(config);
  parts.journal = Journal::open(settings.journal);
  auto signals = SignalFd::create();
  if (!signals) return tl::unexpected(signals.error());
  parts.signals.emplace(std::move(*signals));
  parts.storer = std::make_unique<Storer>(settings.storer, *parts.journal, parts.clock, *parts.log);
  if (auto opened = parts.storer->open(); !opened) return opened;
  return build_logs(settings.logs, parts);
}

std::string join(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

Exit serve(const Config& config, Parts& parts) {
  const JournalFolder& folder = parts.journal->folder();
  parts.log->notice(LogLine("collector-started")
                        .add("version", OPENTLSRPT_VERSION)
                        .add("socket", parts.inherited.datagram
                                           ? std::string("inherited")
                                           : join(config.list(Key::outcome_socket)))
                        .add("database", config.text(Key::database))
                        .add("journal", folder.usable() ? folder.folder() : "none"));
  notify_systemd("READY=1");
  Collector collector(collector_settings(config), std::move(parts.sockets), *parts.signals,
                      *parts.journal, *parts.storer, parts.clock, *parts.log);
  if (parts.logs) collector.follow(*parts.logs);
  const Exit result = collector.run();
  notify_systemd("STOPPING=1");
  parts.log->notice(LogLine("collector-stopped").add("status", exit_code(result)));
  return result;
}

/// One socket: whether what an MTA would send there arrives in the database.
Exit test_socket(const std::string& path, OutboundStore& store, std::chrono::seconds patience) {
  const std::string domain = test_domain();
  if (auto sent = send_test_datagram(path, domain); !sent) {
    print(stderr, fmt::format("{}: {}\n", kProgram, sent.error().detail));
    return exit_for(sent.error());
  }
  const auto counted =
      wait_until_counted(store, domain, std::chrono::steady_clock::now() + patience);
  if (!counted) {
    print(stderr, fmt::format("{}: sent to {}; {}\n", kProgram, path, counted.error().detail));
    return exit_for(counted.error());
  }
  if (*counted) {
    print(stdout, fmt::format("{}: an outcome for {} arrived and was counted\n", path, domain));
    return Exit::ok;
  }
  print(stderr,
        fmt::format("{}: {} took the outcome, but it was not counted within {} s; is the collector "
                    "that reads it the one of this Database? See its log.\n",
                    kProgram, path, patience.count()));
  return Exit::temporary;
}

/// The database is opened first: the user whom -u names, that of an MTA, may not read it.
Exit run_test(const DaemonOptions& options) {
  constexpr std::chrono::seconds kPatience{10};  // besides FlushInterval
  const ReadConfig read = load_config(options, Key::outcome_socket);
  print_problems(read.problems);
  if (!read.problems.empty()) return Exit::config;
  const auto path = outbound_path(read.config.text(Key::database));
  auto store = path ? OutboundStore::open(*path, SqliteMode::read_only)
                    : Result<OutboundStore>(tl::unexpected(path.error()));
  if (!store) {
    print(stderr, fmt::format("{}: {}\n", kProgram, store.error().detail));
    return exit_for(store.error());
  }
  if (options.user) {
    if (auto done = become(*options.user); !done) {
      print(stderr, fmt::format("{}: {}\n", kProgram, done.error().detail));
      return exit_for(done.error());
    }
  }
  Exit result = Exit::ok;
  for (const std::string& socket : read.config.list(Key::outcome_socket)) {
    const Exit one =
        test_socket(socket, *store, read.config.duration(Key::flush_interval) + kPatience);
    if (one != Exit::ok) result = one;
  }
  return result;
}

Exit run(int argc, char** argv) {
  std::vector<char*> words(argv, argv + argc);
  const bool test =
      std::erase_if(words, [](const char* word) { return word == kTestDatagram; }) > 0;
  const auto options =
      parse_daemon_options(static_cast<int>(words.size()), words.data(), "cfnpuPlvV");
  if (!options || !options->arguments.empty()) {
    const std::string problem = options ? "there are no arguments" : options.error().detail;
    print(stderr, fmt::format("{}: {}\n{}", kProgram, problem, kUsage));
    return Exit::usage;
  }
  if (options->version) {
    print_version();
    return Exit::ok;
  }
  if (test) return run_test(*options);
  Parts parts;
  auto inherited = OutcomeSocket::inherit();
  if (!inherited) {
    print(stderr, fmt::format("{}: {}\n", kProgram, inherited.error().detail));
    return Exit::config;
  }
  for (OutcomeSocket& socket : *inherited) {
    (socket.kind() == SocketKind::stream ? parts.inherited.stream : parts.inherited.datagram) =
        true;
    parts.sockets.push_back(std::move(socket));
  }
  ReadConfig read = load_config(*options, Key::outcome_socket);
  for (ConfigProblem& problem : check_collector_config(read.config, parts.inherited)) {
    read.problems.push_back(std::move(problem));
  }
  print_problems(read.problems);
  if (!read.problems.empty()) return Exit::config;
  if (options->check_only) return Exit::ok;
  auto log = make_log(log_settings(read.config, *options, kProgram));
  if (!log) {
    print(stderr, fmt::format("{}: {}\n", kProgram, log.error().detail));
    return Exit::config;
  }
  parts.log = std::move(*log);
  const Config& config = read.config;
  return run_daemon(
      config.boolean(Key::background) && !options->foreground, *parts.log,
      [&] { return build(config, parts); }, [&] { return serve(config, parts); });
}

}  // namespace
}  // namespace tlsrpt::sender

int main(int argc, char** argv) {
  try {
    return tlsrpt::exit_code(tlsrpt::sender::run(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "opentlsrpt-collector: %s\n", error.what());
    return tlsrpt::exit_code(tlsrpt::Exit::software);
  }
}
