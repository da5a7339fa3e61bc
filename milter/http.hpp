// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What an HTTP request is to those who answer it: values, without any library behind them.

#include <cstdint>
#include <memory>
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

/// What a handler keeps of a connection from one request to the next.
class HttpVisitor {
 public:
  virtual ~HttpVisitor() = default;
};

/// Empty before the first request of a connection, and whenever nothing was kept. One connection
/// may ask several handlers: what is found here may be another's, and is replaced then.
using HttpVisit = std::unique_ptr<HttpVisitor>;

/// Threads: any number at once, but only one for each connection. Nothing is thrown.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual HttpAdmission admit(const HttpRequest& request) = 0;
  /// body: whole, cut at max_body, or without bytes because all bodies together have used up their
  /// memory.
  virtual HttpResponse answer(const HttpRequest& request, const SpooledMessage& body,
                              HttpVisit& visit) = 0;
};

}  // namespace tlsrpt::milter
