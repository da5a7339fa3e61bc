// SPDX-License-Identifier: BSD-2-Clause

// opentlsrpt-check: what senders would report about a domain, and how to mend it.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/escape.hpp"
#include "common/sysexits.hpp"
#include "sender/check_command.hpp"
#include "sender/check_text.hpp"
#include "sender/curl_library.hpp"
#include "sender/curl_sts_fetcher.hpp"
#include "sender/progress.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/stop_signal.hpp"
#include "sender/terminal.hpp"
#include "sender/text_table.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr std::string_view kProgram = "opentlsrpt-check";
constexpr Exit kDefect = Exit::some_refused;

void complain(std::string_view text) {
  std::fputs(fmt::format("{}: {}\n", kProgram, escape_terminal(text)).c_str(), stderr);
}

Exit fail_with(Exit code, std::string_view text) {
  complain(text);
  return code;
}

void print(const std::string& line) { std::fputs((line + "\n").c_str(), stdout); }

std::size_t table_width() {
  return is_terminal(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : kNoWidth;
}

void show(const DomainCheck& check, const CheckCommand& command) {
  if (command.quiet && status_of(check) == CheckStatus::good) return;
  if (command.json) {
    print(check_as_json(check));
    return;
  }
  for (const std::string& line : command.publish ? describe_publication(check, SystemClock().now())
                                                 : describe(check, table_width())) {
    print(line);
  }
}

/// The code of all domains: a defect in one wins over what could not be looked at in another.
Exit worst(Exit so_far, CheckStatus status) {
  if (status == CheckStatus::defect) return kDefect;
  if (status == CheckStatus::unknown && so_far == Exit::ok) return Exit::temporary;
  return so_far;
}

struct Tools {
  std::unique_ptr<Dns> dns;
  StopSignal stop;
  TrustStore trust;
  std::unique_ptr<StsFetcher> fetcher;
};

/// Of the configuration, what the command line does not say.
Result<Tools> make_tools(const CheckCommand& command, const Config& config) {
  DnsSettings dns_settings;
  dns_settings.nameservers =
      command.nameservers.empty() ? config.list(Key::nameserver) : command.nameservers;
  dns_settings.timeout_ms =
      static_cast<int>(std::chrono::milliseconds(config.duration(Key::dns_timeout)).count());
  auto dns = make_dns(dns_settings);
  if (!dns) return tl::unexpected(dns.error());
  auto stop = StopSignal::create();
  if (!stop) return tl::unexpected(stop.error());
  const std::string authorities =
      command.trust_file.empty() ? config.text(Key::trust_file) : command.trust_file;
  auto trust = load_trust_store(authorities);
  if (!trust) return tl::unexpected(trust.error());
  return Tools{std::move(*dns), std::move(*stop), std::move(*trust), nullptr};
}

StsFetcherSettings fetcher_settings(const CheckCommand& command, const Config& config) {
  StsFetcherSettings settings;
  settings.timeout = config.duration(Key::fetch_timeout);
  settings.authorities =
      command.trust_file.empty() ? config.text(Key::trust_file) : command.trust_file;
  // Whoever runs this program names the domain, and may connect wherever they like anyway.
  settings.networks = {"0.0.0.0/0", "::/0"};
  return settings;
}

Exit check_all(CheckCommand& command, const Config& config) {
  auto tools = make_tools(command, config);
  if (!tools) return fail_with(exit_for(tools.error()), tools.error().detail);
  const auto curl = CurlLibrary::start();
  if (!curl) return fail_with(exit_for(curl.error()), curl.error().detail);
  tools->fetcher =
      make_curl_sts_fetcher(fetcher_settings(command, config), *tools->dns, tools->stop);
  command.settings.probe = {local_host_name(), tools->trust.get()};
  command.settings.stop_fd = tools->stop.fd();
  Progress progress = Progress::on_terminal();
  Exit exit = Exit::ok;
  std::size_t done = 0;
  for (const std::string& domain : command.domains) {
    progress.update("checking", done++, command.domains.size());
    const DomainCheck check = check_domain(*tools->dns, *tools->fetcher, domain, command.settings);
    progress.hide();
    if (!command.json && done > 1 && !command.quiet) print("");
    show(check, command);
    exit = worst(exit, status_of(check));
    if (std::fflush(stdout) != 0) return fail_with(Exit::io, "cannot write to standard output");
  }
  return exit;
}

Exit run(int argc, char** argv) {
  auto command = parse_check_command(argc, argv);
  if (!command) {
    complain(command.error().detail);
    std::fputs((check_usage() + "\n").c_str(), stderr);
    return Exit::usage;
  }
  if (command->version) {
    print(fmt::format("{} {}", kProgram, OPENTLSRPT_VERSION));
    return Exit::ok;
  }
  std::signal(SIGPIPE, SIG_IGN);
  DaemonOptions options;
  options.config_file = command->config_file;
  const ReadConfig read = load_config(options, Key::socket);
  print_problems(read.problems);
  if (!read.problems.empty()) return Exit::config;
  return check_all(*command, read.config);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return exit_code(run(argc, argv));
  } catch (const std::exception& error) {
    complain(error.what());
    return exit_code(Exit::software);
  }
}
