// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a server answers to a POST, as it comes in, and what that means for the report. Only the
// header means anything; the body is read to keep the connection, and only as far as it is short.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/utc_time.hpp"
#include "sender/hand_over.hpp"

namespace tlsrpt::sender {

class HttpAnswer {
 public:
  static constexpr std::size_t kMaxHeader = 64u << 10;  ///< octets, interim answers included
  static constexpr std::size_t kMaxBody = 64u << 10;    ///< octets, trailers included

  /// One line of the header, status line and blank line included, with its line end. False if that
  /// is more than the limit, and the connection has to be dropped; likewise below.
  bool take_header(std::string_view line);
  bool take_body(std::size_t size);

  /// The header of the final answer is there, so that the server has decided.
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool header_too_large() const { return header_size_ > kMaxHeader; }

  /// Of a complete answer (R160-R163, R168): 2xx accepted; 408, 425, 429, 5xx and what no HTTP
  /// server says temporary; redirects and other 4xx permanent.
  [[nodiscard]] HandOverResult verdict(Seconds now) const;

 private:
  void take_status_line(std::string_view line);
  void take_field(std::string_view line);

  std::size_t header_size_ = 0;
  std::size_t body_size_ = 0;
  bool complete_ = false;
  int status_ = 0;
  std::string status_text_;  ///< "404 Not Found"
  std::string location_;
  std::string retry_after_;
};

}  // namespace tlsrpt::sender
