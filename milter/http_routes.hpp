// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Who answers for which path of the HTTP listener.

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "milter/http.hpp"

namespace tlsrpt::milter {

/// Paths are compared as a whole. Everything else is 404, and counted.
class HttpRoutes final : public HttpHandler {
 public:
  /// handler must live longer than the routes. Not while requests are answered.
  void add(std::string path, HttpHandler& handler);

  HttpAdmission admit(const HttpRequest& request) override;
  HttpResponse answer(const HttpRequest& request, const SpooledMessage& body,
                      HttpVisit& visit) override;

  /// Requests for paths that do not exist, since the last call.
  std::uint64_t take_not_found() { return not_found_.exchange(0); }

 private:
  std::map<std::string, HttpHandler*, std::less<>> handlers_;
  std::atomic<std::uint64_t> not_found_{0};
};

/// GET /health: 200 as long as requests are answered and the check says so, else 503.
class HealthPage final : public HttpHandler {
 public:
  explicit HealthPage(std::function<bool()> is_healthy) : is_healthy_(std::move(is_healthy)) {}
  HttpAdmission admit(const HttpRequest& request) override;
  HttpResponse answer(const HttpRequest& request, const SpooledMessage& body,
                      HttpVisit& visit) override;

 private:
  std::function<bool()> is_healthy_;
};

/// A short answer for people: "TEXT\n".
HttpResponse text_response(unsigned status, std::string_view text);

/// 405, with Allow.
HttpResponse method_not_allowed(std::string_view allowed);

}  // namespace tlsrpt::milter
