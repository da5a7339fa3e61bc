// SPDX-License-Identifier: BSD-2-Clause
#include "milter/http_routes.hpp"

namespace tlsrpt::milter {

HttpResponse text_response(unsigned status, std::string_view text) {
  HttpResponse response;
  response.status = status;
  response.body.append(text).append("\n");
  return response;
}

HttpResponse method_not_allowed(std::string_view allowed) {
  HttpResponse response = text_response(405, "method-not-allowed");
  response.fields.emplace_back("Allow", allowed);
  return response;
}

void HttpRoutes::add(std::string path, HttpHandler& handler) {
  handlers_.insert_or_assign(std::move(path), &handler);
}

HttpAdmission HttpRoutes::admit(const HttpRequest& request) {
  const auto found = handlers_.find(request.path);
  if (found != handlers_.end()) return found->second->admit(request);
  ++not_found_;
  return {text_response(404, "not-found"), 0};
}

HttpResponse HttpRoutes::answer(const HttpRequest& request, const SpooledMessage& body,
                                HttpVisit& visit) {
  const auto found = handlers_.find(request.path);
  return found == handlers_.end() ? text_response(404, "not-found")
                                  : found->second->answer(request, body, visit);
}

HttpAdmission HealthPage::admit(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {method_not_allowed("GET, HEAD"), 0};
  }
  return {};
}

HttpResponse HealthPage::answer(const HttpRequest&, const SpooledMessage&, HttpVisit&) {
  return is_healthy_() ? text_response(200, "ok") : text_response(503, "unavailable");
}

}  // namespace tlsrpt::milter
