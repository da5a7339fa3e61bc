// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What serve makes of its configuration: checked once, at start and by --check.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/daemon.hpp"
#include "milter/http_server.hpp"
#include "milter/intake.hpp"
#include "common/stream_socket.hpp"
#include "milter/report_endpoint.hpp"

namespace tlsrpt::milter {

struct ServeSettings {
  StreamSocket socket;
  HttpServerSettings server;  ///< without the certificate, which is read from its files
  EndpointSettings endpoint;
  IntakeSettings intake;
  StoreLimits store;
  std::string certificate_file;  ///< empty: plain HTTP
  std::string key_file;
  std::string path;
  std::string store_path;
  std::optional<Identity> identity;
  std::optional<unsigned> socket_group;
  std::size_t spool_bytes = 0;
  std::chrono::days retention{};  ///< 0: for ever
  unsigned umask = 0007;
};

/// Problems are added to 'problems', at the place of the value; those of a default concern 'file'.
/// The settings are of use only if none was added.
ServeSettings serve_settings(const Config& config, const std::string& file,
                             std::vector<ConfigProblem>& problems);

/// The certificate and key of the settings; nothing for plain HTTP.
Result<std::optional<HttpCertificate>> read_certificate(const ServeSettings& settings);

}  // namespace tlsrpt::milter
