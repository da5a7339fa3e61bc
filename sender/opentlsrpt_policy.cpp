// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-policy(8): reads options and configuration, builds the parts and runs them.

#include <openssl/crypto.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "common/listen_socket.hpp"
#include "sender/cached_sts_policies.hpp"
#include "sender/curl_library.hpp"
#include "sender/curl_sts_fetcher.hpp"
#include "sender/policy_ask.hpp"
#include "sender/policy_config.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::string_view kProgram = "opentlsrpt-policy";
constexpr std::string_view kUsage =
    "usage: opentlsrpt-policy [-flnVv] [-c file] [-P pidfile] [-p socket] [-u user[:group]]\n"
    "       opentlsrpt-policy --ask [-c file] [-p socket] map domain\n";
constexpr std::string_view kAsk = "--ask";
constexpr std::chrono::seconds kAskPatience{100};  // Postfix's own

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

Exit complain(const Error& error) {
  print(stderr, fmt::format("{}: {}\n", kProgram, error.detail));
  return exit_for(error);
}

/// In the order in which they are made; they go in the other one.
struct Parts {
  std::unique_ptr<Log> log;
  std::optional<PidFile> pid_file;
  std::vector<OutcomeSocket> local;
  std::vector<UniqueFd> inet;
  std::optional<SignalFd> signals;
  std::optional<StopSignal> stop;
  SystemClock clock;
  std::optional<CurlLibrary> curl;
  std::unique_ptr<Dns> dns;
  std::unique_ptr<StsFetcher> fetcher;
  std::unique_ptr<StsPolicies> policies;
};

Result<void> bind_sockets(const PolicySettings& settings, Parts& parts) {
  for (const SocketSettings& one : settings.local) {
    SocketWarnings warnings;
    auto socket = OutcomeSocket::bind(one, warnings);
    if (!socket) return tl::unexpected(socket.error());
    for (const std::string& warning : warnings) {
      parts.log->warning(LogLine("socket-permission").add("detail", warning));
    }
    parts.local.push_back(std::move(*socket));
  }
  for (const StreamSocket& one : settings.sockets) {
    if (one.kind == StreamSocket::Kind::local) continue;
    auto fd = listen_on(one, 0);
    if (!fd) return tl::unexpected(fd.error());
    parts.inet.push_back(std::move(*fd));
  }
  return {};
}

/// Each connection is a descriptor; what the kernel refuses shows as policy-accept-failed.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The sockets are made as root, since only root may give them to the group of the MTA; the
/// database as the user that writes to it.
Result<void> build(const Config& config, const PolicySettings& settings, Parts& parts) {
  ::umask(static_cast<mode_t>(config.integer(Key::umask)));
  raise_descriptor_limit();
  if (const std::string path = pid_file_path(config, kProgram); !path.empty()) {
    auto pid_file = PidFile::create(path);
    if (!pid_file) return tl::unexpected(pid_file.error());
    parts.pid_file.emplace(std::move(*pid_file));
  }
  if (parts.local.empty()) {
    if (auto bound = bind_sockets(settings, parts); !bound) return bound;
  }
  if (auto done = become(config.text(Key::user_id)); !done) return done;
  auto signals = SignalFd::create();
  if (!signals) return tl::unexpected(signals.error());
  parts.signals.emplace(std::move(*signals));
  auto stop = StopSignal::create();
  if (!stop) return tl::unexpected(stop.error());
  parts.stop.emplace(std::move(*stop));
  auto dns = make_dns(settings.dns);
  if (!dns) return tl::unexpected(dns.error());
  parts.dns = std::move(*dns);
  auto curl = CurlLibrary::start();
  if (!curl) return tl::unexpected(curl.error());
  parts.curl.emplace(std::move(*curl));
  StsFetcherSettings fetching;
  fetching.timeout = settings.fetch_timeout;
  fetching.authorities = settings.trust_file;
  fetching.networks = settings.private_networks;
  parts.fetcher = make_curl_sts_fetcher(std::move(fetching), *parts.dns, *parts.stop);
  StsSettings remembering;
  remembering.database = settings.database;
  auto policies = make_sts_policies(
      remembering, {*parts.dns, *parts.fetcher, parts.clock, *parts.log, *parts.stop});
  if (!policies) return tl::unexpected(policies.error());
  parts.policies = std::move(*policies);
  return {};
}

/// Look-ups that do not end are not waited for.
[[noreturn]] void leave_at_once(Exit code) {
  std::fflush(nullptr);
  std::_Exit(exit_code(code));
}

Exit serve(const Config& config, const PolicySettings& settings, Parts& parts) {
  std::vector<int> listeners;
  for (const OutcomeSocket& socket : parts.local) listeners.push_back(socket.fd());
  for (const UniqueFd& fd : parts.inet) listeners.push_back(fd.get());
  std::string names;
  for (const StreamSocket& socket : settings.sockets) {
    names += (names.empty() ? "" : ",") + socket.for_postfix();
  }
  parts.log->notice(LogLine("policy-started")
                        .add("version", OPENTLSRPT_VERSION)
                        .add("socket", names.empty() ? "inherited" : names)
                        .add("database", settings.database)
                        .add("dane", config.boolean(Key::policy_dane) ? "yes" : "no")
                        .add("testing", settings.service.answers.answer_testing ? "yes" : "no"));
  notify_systemd("READY=1");
  PolicyKnowledge knowledge(settings.knowledge, *parts.policies, *parts.dns);
  LookupPool pool(settings.service.threads);
  PolicyService service(settings.service, std::move(listeners), knowledge, pool, *parts.dns,
                        OutcomeSender(settings.outcome_sockets), *parts.signals, *parts.stop,
                        parts.clock, *parts.log);
  const Exit ended = service.run();
  notify_systemd("STOPPING=1");
  parts.local.clear();
  parts.inet.clear();
  parts.log->notice(LogLine("policy-stopped").add("status", exit_code(Exit::ok)));
  if (ended != Exit::ok) {
    parts.pid_file.reset();
    leave_at_once(Exit::ok);
  }
  return Exit::ok;
}

/// What the socket says about itself is for whoever starts the daemon; here it is: nobody answers.
Exit complain_of_answer(const Error& error, const StreamSocket& socket) {
  const Error full = error.context("cannot ask " + socket.for_postfix());
  if (error.code == ErrorCode::permission) return complain(full);
  print(stderr, fmt::format("{}: {}; does the daemon run, with this PolicySocket?\n", kProgram,
                            full.detail));
  return Exit::temporary;
}

/// As postmap(1) -q does: the value, or 1 if there is none.
Exit ask(const DaemonOptions& options) {
  const ReadConfig read = load_config(options, Key::policy_socket);
  print_problems(read.problems);
  if (!read.problems.empty()) return Exit::config;
  const std::vector<std::string>& sockets = read.config.list(Key::policy_socket);
  const auto socket = parse_stream_socket(sockets.empty() ? "" : sockets.front());
  if (!socket) return complain(socket.error());
  const auto reply = ask_policy(*socket, options.arguments[0], options.arguments[1], kAskPatience);
  if (!reply) return complain_of_answer(reply.error(), *socket);
  switch (reply->status) {
    case SocketmapStatus::ok:
      print(stdout, reply->text + "\n");
      return Exit::ok;
    case SocketmapStatus::not_found:
      return Exit::some_refused;
    case SocketmapStatus::temporary:
    case SocketmapStatus::permanent:
      break;
  }
  print(stderr, fmt::format("{}: {}\n", kProgram, to_text(*reply)));
  return Exit::temporary;
}

/// Sockets that systemd passed.
Result<void> inherit(Parts& parts) {
  auto inherited = OutcomeSocket::inherit();
  if (!inherited) return tl::unexpected(inherited.error());
  for (OutcomeSocket& socket : *inherited) {
    if (socket.kind() != SocketKind::stream) {
      return fail(ErrorCode::invalid_argument,
                  "systemd passed a datagram socket; write "
                  "ListenStream= in the unit");
    }
    parts.local.push_back(std::move(socket));
  }
  return {};
}

Exit run(int argc, char** argv) {
  std::vector<char*> words(argv, argv + argc);
  const bool asks = std::erase_if(words, [](const char* word) { return word == kAsk; }) > 0;
  const auto options =
      parse_daemon_options(static_cast<int>(words.size()), words.data(), "cfnpuPlvV");
  if (!options || options->arguments.size() != (asks && !options->version ? 2 : 0)) {
    const std::string problem = !options ? options.error().detail
                                : asks   ? "--ask takes a map and a domain"
                                         : "there are no arguments";
    print(stderr, fmt::format("{}: {}\n{}", kProgram, problem, kUsage));
    return Exit::usage;
  }
  if (options->version) {
    print(stdout, fmt::format("{} {}\n{}\nfmt {}.{}.{}\n", kProgram, OPENTLSRPT_VERSION,
                              OpenSSL_version(OPENSSL_VERSION), FMT_VERSION / 10000,
                              FMT_VERSION / 100 % 100, FMT_VERSION % 100));
    return Exit::ok;
  }
  if (asks) return ask(*options);
  Parts parts;
  if (auto inherited = inherit(parts); !inherited) {
    complain(inherited.error());
    return Exit::config;
  }
  ReadConfig read = load_config(*options, Key::policy_socket);
  ReadPolicySettings settings = read_policy_settings(read.config, !parts.local.empty());
  for (ConfigProblem& problem : settings.problems) read.problems.push_back(std::move(problem));
  print_problems(read.problems);
  if (!read.problems.empty()) return Exit::config;
  if (options->check_only) return Exit::ok;
  auto log = make_log(log_settings(read.config, *options, kProgram));
  if (!log) {
    complain(log.error());
    return Exit::config;
  }
  parts.log = std::move(*log);
  const Config& config = read.config;
  return run_daemon(
      config.boolean(Key::background) && !options->foreground, *parts.log,
      [&] { return build(config, settings.settings, parts); },
      [&] { return serve(config, settings.settings, parts); });
}

}  // namespace
}  // namespace tlsrpt::sender

int main(int argc, char** argv) {
  try {
    return tlsrpt::exit_code(tlsrpt::sender::run(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "opentlsrpt-policy: %s\n", error.what());
    return tlsrpt::exit_code(tlsrpt::Exit::software);
  }
}
