// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_settings.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "common/domain_name.hpp"
#include "common/file.hpp"
#include "sender/outbound_store.hpp"
#include "sender/private_networks.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxKeyBytes = 64u << 10;
constexpr std::size_t kMaxSelector = 63;
constexpr std::size_t kMaxKeys = 2;
constexpr std::size_t kMaxPasswordFile = 4096;

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
    settings.maximum_age = config_.duration(Key::maximum_age);
    settings.limits = {static_cast<int>(config_.integer(Key::destination_connections)),
                       static_cast<int>(config_.integer(Key::destination_rate))};
    settings.suppression = {static_cast<int>(config_.integer(Key::bounce_limit)),
                            config_.duration(Key::suppress_time)};
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
    read_smtp();
    read_post();
    settings.rules_file = config_.text(Key::destination_rules);
  }

  void read_smtp() {
    SmtpSettings& smtp = result_.settings.smtp;
    const std::vector<std::string>& relays = config_.list(Key::smtp_server);
    for (std::size_t i = 0; i < relays.size(); ++i) {
      if (auto relay = parse_relay(relays[i])) {
        smtp.relays.push_back(std::move(*relay));
      } else {
        entry_problem(Key::smtp_server, relay.error().detail, i);
      }
    }
    smtp.connections = static_cast<int>(config_.integer(Key::smtp_connections));
    smtp.timeout = config_.duration(Key::smtp_timeout);
    smtp.ehlo_name = result_.settings.host_name;
    const std::string& tls = config_.text(Key::smtp_tls);
    smtp.tls = tls == "verify"    ? RelayTls::verify
               : tls == "encrypt" ? RelayTls::encrypt
                                  : RelayTls::may;
    smtp.sendmail_path = config_.text(Key::sendmail_path);
    smtp.user = config_.text(Key::smtp_user);
    if (!smtp.user.empty()) read_password(config_.text(Key::smtp_password_file));
  }

  void read_password(const std::string& path) {
    if (path.empty()) {
      problem(Key::smtp_password_file, "must be given with SMTPUser");
      return;
    }
    const auto text = read_file(path, kMaxPasswordFile);
    if (!text) {
      problem(Key::smtp_password_file, "{}", text.error().detail);
      return;
    }
    std::string password = text->substr(0, text->find_first_of("\r\n"));
    if (password.empty()) problem(Key::smtp_password_file, "{}: its first line is empty", path);
    warn_if_public(path);
    result_.settings.smtp.password = std::move(password);
  }

  void read_post() {
    PostSettings& post = result_.settings.post;
    post.connections = static_cast<int>(config_.integer(Key::post_connections));
    post.timeout = config_.duration(Key::post_timeout);
    post.tolerate_certificate_errors = config_.text(Key::post_certificate_errors) == "tolerate";
    post.networks = config_.list(Key::post_networks);
    for (ConfigProblem& bad : check_private_networks(config_)) {
      result_.problems.push_back(std::move(bad));
    }
  }

  void entry_problem(Key key, std::string_view text, std::size_t entry) {
    result_.problems.push_back(config_.problem(key, text, entry));
  }

  /// Each by itself, so that the line of each bad one is named.
  void check_nameservers(const DnsSettings& settings) {
    DnsSettings one = settings;
    for (std::size_t i = 0; i < settings.nameservers.size(); ++i) {
      one.nameservers = {settings.nameservers[i]};
      if (const auto dns = make_dns(one); !dns) {
        entry_problem(Key::nameserver, dns.error().detail, i);
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
    const std::vector<std::string>& selectors = config_.list(Key::selector);
    const std::vector<std::string>& files = config_.list(Key::key_file);
    if (selectors.empty()) problem(Key::selector, "must be given: reports are signed with DKIM");
    if (files.empty()) problem(Key::key_file, "must be given: reports are signed with DKIM");
    if (files.size() > kMaxKeys) problem(Key::key_file, "more than {} keys", kMaxKeys);
    if (!files.empty() && !selectors.empty() && files.size() != selectors.size()) {
      problem(Key::selector, "{} for {} of KeyFile; each key needs its own", selectors.size(),
              files.size());
    }
    for (std::size_t i = 0; i < std::max(files.size(), selectors.size()); ++i) {
      const auto selector = i < selectors.size() ? check_selector(selectors[i], i) : std::nullopt;
      auto key = i < files.size() ? load_key(files[i], i) : std::nullopt;
      if (selector && key) result_.keys.push_back({*selector, std::move(*key)});
    }
    if (result_.keys.size() == 2 && result_.keys[0].selector == result_.keys[1].selector) {
      entry_problem(Key::selector, "two keys cannot have the same selector", 1);
    }
  }

  std::optional<std::string> check_selector(const std::string& selector, std::size_t entry) {
    auto normal = normalize_domain(selector);
    if (normal && selector.size() <= kMaxSelector) return std::move(*normal);
    entry_problem(Key::selector, fmt::format("\"{}\" cannot be a selector", selector), entry);
    return std::nullopt;
  }

  std::optional<DkimKey> load_key(const std::string& path, std::size_t entry) {
    if (!path.starts_with('/')) {
      entry_problem(Key::key_file, fmt::format("\"{}\" is not an absolute path", path), entry);
      return std::nullopt;
    }
    const auto pem = read_file(path, kMaxKeyBytes);
    if (!pem) {
      entry_problem(Key::key_file,
                    fmt::format("{}; opentlsrpt-reporter genkey makes one", pem.error().detail),
                    entry);
      return std::nullopt;
    }
    auto key = DkimKey::from_pem(*pem);
    if (!key) {
      entry_problem(Key::key_file, fmt::format("{}: {}", path, key.error().detail), entry);
      return std::nullopt;
    }
    warn_if_public(path);
    return std::move(*key);
  }

  void warn_if_public(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & (S_IROTH | S_IWOTH)) == 0) return;
    result_.warnings.push_back(
        fmt::format("{} can be read or changed by everyone; take these rights away", path));
  }

  const Config& config_;
  ReadSettings result_;
};

}  // namespace

ReadSettings read_reporter_settings(const Config& config, Purpose purpose,
                                    const std::string& host_name) {
  return Checker(config).read(purpose, host_name);
}

std::string local_host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  return normalize_domain(buffer.data()).value_or("localhost");
}

}  // namespace tlsrpt::sender
