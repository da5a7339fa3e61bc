// SPDX-License-Identifier: BSD-2-Clause
#include "milter/serve_settings.hpp"

#include <algorithm>

#include "common/file.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxPemBytes = 1u << 20;
constexpr std::string_view kHealthPath = "/health";

class Checker {
 public:
  Checker(const Config& config, const std::string& file, std::vector<ConfigProblem>& problems)
      : config_(config), file_(file), problems_(problems) {}

  void problem(Key key, std::string_view text) {
    ConfigProblem found = config_.problem(key, text);
    if (found.file.empty()) found.file = file_;  // the value is a default
    problems_.push_back(std::move(found));
  }

  /// The value, or a problem and the default.
  template <typename T>
  T take(Key key, Result<T> result) {
    if (result) return std::move(*result);
    problem(key, result.error().detail);
    return {};
  }

 private:
  const Config& config_;
  const std::string& file_;
  std::vector<ConfigProblem>& problems_;
};

bool is_plain_path(std::string_view path) {
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) {
           return c > ' ' && c <= '~' && std::string_view("?#%").find(c) == std::string_view::npos;
         });
}

void read_certificate_files(const Config& config, ServeSettings& settings, Checker& check) {
  settings.certificate_file = config.text(Key::http_certificate);
  settings.key_file = config.text(Key::http_key);
  if (settings.certificate_file.empty() == settings.key_file.empty()) return;
  if (settings.key_file.empty()) {
    check.problem(Key::http_certificate, "needs its private key as well: set HTTPKey");
  } else {
    check.problem(Key::http_key, "needs its certificate as well: set HTTPCertificate");
  }
}

void read_endpoint(const Config& config, ServeSettings& settings, Checker& check) {
  // The body is the report itself: one of more bytes than a report may have, packed or not, would
  // be refused anyway.
  settings.endpoint.max_body = config.bytes(Key::maximum_report_size);
  if (const std::size_t other = config.bytes(Key::maximum_message_size);
      other < settings.endpoint.max_body) {
    settings.endpoint.max_body = other;
    settings.endpoint.max_body_key = key_info(Key::maximum_message_size).name;
  }
  settings.endpoint.posts_per_minute = static_cast<unsigned>(config.integer(Key::http_rate));
  settings.endpoint.trusted_proxies =
      check.take(Key::trusted_proxies, parse_trusted_proxies(config.list(Key::trusted_proxies)));
  settings.path = config.text(Key::http_path);
  if (!is_plain_path(settings.path)) {
    check.problem(Key::http_path, "must begin with / and have no blank, ?, # or %");
  } else if (settings.path == kHealthPath) {
    check.problem(Key::http_path, "is the path of the health check; take another");
  }
}

}  // namespace

ServeSettings serve_settings(const Config& config, const std::string& file,
                             std::vector<ConfigProblem>& problems) {
  Checker check(config, file, problems);
  ServeSettings settings;
  settings.socket =
      check.take(Key::http_socket, parse_stream_socket(config.text(Key::http_socket)));
  read_certificate_files(config, settings, check);
  read_endpoint(config, settings, check);
  settings.server.max_connections = static_cast<unsigned>(config.integer(Key::http_connections));
  settings.server.max_per_source =
      static_cast<std::size_t>(config.integer(Key::http_connections_per_source));
  settings.server.unbounded = settings.endpoint.trusted_proxies;
  settings.server.timeout = config.duration(Key::http_timeout);
  settings.intake = intake_settings(config);
  settings.store = store_limits(config);
  settings.store_path = check.take(Key::database, received_path(config.text(Key::database)));
  settings.identity = check.take(Key::user_id, find_identity(config.text(Key::user_id)));
  if (const std::string& group = config.text(Key::socket_group); !group.empty()) {
    settings.socket_group = check.take(Key::socket_group, find_group(group));
  }
  settings.spool_bytes = config.bytes(Key::maximum_spool_size);
  if (settings.spool_bytes < settings.endpoint.max_body) {
    check.problem(Key::maximum_spool_size,
                  "is smaller than the largest body, so a report of that size could never be read");
  }
  settings.retention = std::chrono::days(config.integer(Key::keep_days));
  settings.umask = static_cast<unsigned>(config.integer(Key::umask));
  return settings;
}

Result<std::optional<HttpCertificate>> read_certificate(const ServeSettings& settings) {
  if (settings.certificate_file.empty()) return std::optional<HttpCertificate>();
  HttpCertificate found;
  for (const auto& [file, text] : {std::pair(&settings.certificate_file, &found.certificate),
                                   std::pair(&settings.key_file, &found.key)}) {
    auto bytes = read_file(*file, kMaxPemBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    *text = std::move(*bytes);
  }
  if (auto usable = check_certificate(found); !usable) {
    return tl::unexpected(usable.error().context(
        fmt::format("{} and {}", settings.certificate_file, settings.key_file)));
  }
  return std::optional<HttpCertificate>(std::move(found));
}

}  // namespace tlsrpt::milter
