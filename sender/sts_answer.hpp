// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a policy host answers, as it comes in: only 200 and text/plain are read any further.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sender/policy_problem.hpp"

namespace tlsrpt::sender {

class StsAnswer {
 public:
  static constexpr std::size_t kMaxHeader = 64u
                                            << 10;  ///< octets, interim answers and trailers too

  explicit StsAnswer(std::size_t max_body) : max_body_(max_body) {}

  /// One line of the header, status line and blank line included, with its line end. False: no more
  /// of this answer need be read; likewise below.
  bool take_header(std::string_view line);
  bool take_body(std::string_view octets);

  /// What is wrong with it so far (R261, R262, R264, R265).
  [[nodiscard]] const std::optional<PolicyProblem>& problem() const { return problem_; }
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  bool refuse(std::string reason_code, std::string detail);
  bool judge_header();

  const std::size_t max_body_;
  std::size_t header_size_ = 0;
  bool complete_ = false;  ///< the header
  int status_ = 0;
  std::string media_type_;
  std::string location_;
  std::string body_;
  std::optional<PolicyProblem> problem_;
};

/// Is it text/plain, with whatever parameters?
bool is_plain_text(std::string_view content_type);

}  // namespace tlsrpt::sender
