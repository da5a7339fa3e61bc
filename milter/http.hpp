// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What an HTTP request is to those who answer it: values, without any library behind them.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "milter/spool.hpp"

namespace tlsrpt::milter {

/// The head of a request, as far as anybody here asks about it. All of it is a stranger's.
struct HttpRequest {
  std::string method;
  std::string path;  ///< without the query
  std::string peer;  ///< canonical address of the other end; empty on a local socket
  std::string content_type;
  std::string content_encoding;
  std::string x_forwarded_for;  ///< all such fields in their order, with ',' between them
  std::string forwarded;        ///< likewise
  std::optional<std::uint64_t> content_length;
};

struct HttpResponse {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  ///< text/plain
};

/// What becomes of a request whose head is there.
struct HttpAdmission {
  std::optional<HttpResponse> refusal;  ///< the answer: nobody asks for the body
  std::size_t max_body = 0;             ///< without refusal: bytes wanted; more are dropped
};

/// Threads: any number at once. Nothing is thrown.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual HttpAdmission admit(const HttpRequest& request) = 0;
  /// body: whole, cut at max_body, or without bytes because all bodies together have used up their
  /// memory.
  virtual HttpResponse answer(const HttpRequest& request, const SpooledMessage& body) = 0;
};

}  // namespace tlsrpt::milter
