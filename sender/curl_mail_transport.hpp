// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// SMTP through libcurl. TLS is used when the server offers it and never required: a report must
// arrive whatever is wrong with TLS (R136-R141).

#include <memory>
#include <utility>

#include "common/error.hpp"
#include "sender/destinations.hpp"
#include "sender/mail_transport.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// libcurl's global state; one object in main, made before any thread starts.
class CurlLibrary {
 public:
  static Result<CurlLibrary> start();
  CurlLibrary(CurlLibrary&& other) noexcept : started_(std::exchange(other.started_, false)) {}
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
  CurlLibrary& operator=(CurlLibrary&&) = delete;
  ~CurlLibrary();

 private:
  CurlLibrary() = default;
  bool started_ = true;
};

/// 'stop' is asked about once a second and at every step of a transfer; true aborts it.
std::unique_ptr<MailTransport> make_curl_mail_transport(const SmtpSettings& settings,
                                                        StopRequested stop);

}  // namespace tlsrpt::sender
