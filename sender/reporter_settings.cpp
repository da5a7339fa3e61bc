// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_settings.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "common/domain_name.hpp"
#include "common/file.hpp"
#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxKeyBytes = 64u << 10;
constexpr std::size_t kMaxSelector = 63;

/// Collects what is wrong, so that an administrator sees all of it in one run.
class Checker {
 public:
  explicit Checker(const Config& config) : config_(config) {}

  template <typename... Args>
  void problem(Key key, fmt::format_string<Args...> format, Args&&... args) {
    result_.problems.push_back(
        config_.problem(key, fmt::format(format, std::forward<Args>(args)...)));
  }

  ReadSettings read(Purpose purpose, const std::string& host_name) {
    ReporterSettings& settings = result_.settings;
    settings.host_name = host_name;
    read_places();
    read_identity();
    settings.report_success = config_.boolean(Key::report_success);
    settings.send_window = config_.duration(Key::send_window);
    settings.retention = config_.duration(Key::outcome_retention);
    settings.records.mode =
        config_.boolean(Key::strict_records) ? RecordMode::strict : RecordMode::lenient;
    settings.records.max_rua = static_cast<std::size_t>(config_.integer(Key::maximum_rua));
    if (purpose == Purpose::send) read_signature();
    return std::move(result_);
  }

 private:
  void read_places() {
    ReporterSettings& settings = result_.settings;
    auto path = outbound_path(config_.text(Key::database));
    if (path) {
      settings.database = std::move(*path);
    } else {
      problem(Key::database, "{}", path.error().detail);
    }
    settings.dns.nameservers = config_.list(Key::nameserver);
    settings.dns.timeout_ms = static_cast<int>(config_.duration(Key::dns_timeout).count() * 1000);
    check_nameservers(settings.dns);
    auto smtp = parse_smtp_server(config_.text(Key::smtp_server));
    if (smtp) {
      settings.smtp = std::move(*smtp);
    } else {
      problem(Key::smtp_server, "{}", smtp.error().detail);
    }
    settings.smtp.timeout = config_.duration(Key::smtp_timeout);
    settings.smtp.ehlo_name = settings.host_name;
  }

  /// Each by itself, so that the line of each bad one is named.
  void check_nameservers(const DnsSettings& settings) {
    DnsSettings one = settings;
    for (std::size_t i = 0; i < settings.nameservers.size(); ++i) {
      one.nameservers = {settings.nameservers[i]};
      if (const auto dns = make_dns(one); !dns) {
        result_.problems.push_back(config_.problem(Key::nameserver, dns.error().detail, i));
      }
    }
    if (!settings.nameservers.empty()) return;
    if (const auto dns = make_dns(settings); !dns) {
      problem(Key::nameserver, "{}", dns.error().detail);
    }
  }

  /// The normalised domain of an address, or nothing and a problem.
  std::optional<std::string> check_address(Key key, const std::string& address) {
    const auto domain = domain_of_address(address);
    if (!is_plain_address(address) || !domain || domain->find('.') == std::string::npos) {
      problem(key, "\"{}\" is not an address such as tlsrpt@example.com", address);
      return std::nullopt;
    }
    return domain;
  }

  void check_same_domain(Key key, const std::string& domain) {
    const std::string& submitter = result_.settings.identity.submitter;
    if (submitter.empty() || domain == submitter) return;
    problem(key, "the domain is {}, but that of ContactInfo is {}; RFC 8460 wants them equal",
            domain, submitter);
  }

  void read_identity() {
    ReporterIdentity& identity = result_.settings.identity;
    identity.organization_name = config_.text(Key::organization_name);
    if (identity.organization_name.empty()) {
      problem(Key::organization_name, "must be given: it stands in every report");
    }
    identity.contact_info = config_.text(Key::contact_info);
    if (identity.contact_info.empty()) {
      problem(Key::contact_info, "must be given: its domain is the submitter of every report");
    } else if (auto domain = check_address(Key::contact_info, identity.contact_info)) {
      identity.submitter = std::move(*domain);
    }
    identity.from = config_.text(Key::report_from);
    if (identity.from.empty()) {
      identity.from = identity.contact_info;
    } else if (const auto domain = check_address(Key::report_from, identity.from)) {
      check_same_domain(Key::report_from, *domain);
    }
    identity.envelope_sender = config_.text(Key::envelope_sender);
    if (identity.envelope_sender.empty()) {
      identity.envelope_sender = identity.from;
    } else {
      check_address(Key::envelope_sender, identity.envelope_sender);
    }
    const std::string& domain = config_.text(Key::domain);
    if (domain.empty()) return;
    if (const auto normal = normalize_domain(domain)) {
      check_same_domain(Key::domain, *normal);
    } else {
      problem(Key::domain, "\"{}\" is not a domain", domain);
    }
  }

  void read_signature() {
    std::string& selector = result_.settings.selector;
    selector = config_.text(Key::selector);
    const auto normal = normalize_domain(selector);
    if (selector.empty()) {
      problem(Key::selector, "must be given: reports are signed with DKIM");
    } else if (!normal || selector.size() > kMaxSelector) {
      problem(Key::selector, "\"{}\" cannot be a selector", selector);
    } else {
      selector = *normal;
    }
    const std::string& path = config_.text(Key::key_file);
    if (path.empty()) {
      problem(Key::key_file, "must be given: reports are signed with DKIM");
      return;
    }
    load_key(path);
  }

  void load_key(const std::string& path) {
    const auto pem = read_file(path, kMaxKeyBytes);
    if (!pem) {
      problem(Key::key_file, "{}", pem.error().detail);
      return;
    }
    auto key = DkimKey::from_pem(*pem);
    if (!key) {
      problem(Key::key_file, "{}: {}", path, key.error().detail);
      return;
    }
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
      result_.warnings.push_back(
          fmt::format("{} can be read or changed by everyone; take these rights away", path));
    }
    result_.key = std::move(*key);
  }

  const Config& config_;
  ReadSettings result_;
};

}  // namespace

ReadSettings read_reporter_settings(const Config& config, Purpose purpose,
                                    const std::string& host_name) {
  return Checker(config).read(purpose, host_name);
}

Result<SmtpSettings> parse_smtp_server(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid_argument, "\"{}\" is not a host or host:port", text);
  };
  SmtpSettings settings;
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad();
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return bad();
    if (has_port) port = rest.substr(1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return bad();
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  if (!text.starts_with('[') && !normalize_domain(host)) return bad();
  if (host.empty()) return bad();
  if (has_port) {
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), settings.port);
    if (error != std::errc{} || end != port.data() + port.size() || settings.port < 1 ||
        settings.port > 65535) {
      return bad();
    }
  }
  settings.host = host;
  return settings;
}

std::string local_host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  return normalize_domain(buffer.data()).value_or("localhost");
}

}  // namespace tlsrpt::sender
