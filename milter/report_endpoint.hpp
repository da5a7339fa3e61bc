// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The https: rua (RFC 8460 section 5.4): what is answered to a POST, and when it is 201.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "milter/client_address.hpp"
#include "milter/http.hpp"
#include "milter/intake.hpp"
#include "milter/rate_limiter.hpp"

namespace tlsrpt::milter {

/// Takes the body of a POST for good, or says why not. Threads: any.
class BodyTaker {
 public:
  virtual ~BodyTaker() = default;
  virtual IntakeResult take_body(std::string_view body, const MailContext& context) = 0;
  /// The same for the bodies of one client, as MessageOpener::for_client has it. Null: this one
  /// serves all of them.
  virtual std::unique_ptr<BodyTaker> for_bodies_of_client() { return nullptr; }
};

struct EndpointSettings {
  std::size_t max_body = 16u << 20;
  unsigned posts_per_minute = 300;                      ///< of one source; 0: no limit
  PeerList trusted_proxies;
  std::string_view max_body_key = "MaximumReportSize";  ///< the setting that max_body is from
};

/// Lines about strangers' refused requests: so many a minute, the others are counted.
class RefusalLog {
 public:
  RefusalLog(const Clock& clock, Log& log) : clock_(clock), log_(log), lines_(kLinesPerMinute) {}
  void write(LogLevel level, const LogLine& line);
  /// Tells of those that were not written since the last time, if any.
  void tell_suppressed();

 private:
  static constexpr unsigned kLinesPerMinute = 60;
  const Clock& clock_;
  Log& log_;
  RateLimiter lines_;
  std::atomic<std::uint64_t> suppressed_{0};
};

/// 201 once a report is committed, 200 if it was there before. Threads: any.
class ReportEndpoint final : public HttpHandler {
 public:
  struct Parts {
    BodyTaker& taker;
    const Clock& clock;
    Log& log;
  };
  ReportEndpoint(EndpointSettings settings, Parts parts)
      : settings_(std::move(settings)),
        parts_(parts),
        posts_(settings_.posts_per_minute),
        refusals_(parts.clock, parts.log) {}

  HttpAdmission admit(const HttpRequest& request) override;
  HttpResponse answer(const HttpRequest& request, const SpooledMessage& body,
                      HttpVisit& visit) override;

  /// What was answered without the store, by name of the store's counter, since the last call.
  std::map<std::string, std::uint64_t> take_counters();

  /// To be called every minute or so.
  void tell_suppressed() { refusals_.tell_suppressed(); }

 private:
  enum class Refused { method, rate, type, encoding, too_large, no_memory };
  static constexpr std::size_t kRefusedKinds = 6;
  HttpResponse refuse(Refused reason, const HttpRequest& request, HttpResponse response);
  BodyTaker& taker_for(const std::string& source, HttpVisit& visit);
  HttpResponse respond(const IntakeResult& result, const std::string& source);
  [[nodiscard]] std::string source_of(const HttpRequest& request) const;

  EndpointSettings settings_;
  Parts parts_;
  RateLimiter posts_;
  RefusalLog refusals_;
  std::array<std::atomic<std::uint64_t>, kRefusedKinds> refused_{};
};

/// How far a Content-Type is from what RFC 8460 asks for.
enum class ReportType {
  gzip,       ///< says gzip
  json,       ///< says JSON
  zip,        ///< says zip
  anything,   ///< says nothing: none at all, or octet-stream
  mislabels,  ///< a type that tools put on any bytes, such as curl's default
  other,      ///< cannot be a report
};
ReportType report_type(std::string_view content_type);

/// The status of a refused body (R178): 413 for sizes, else 400.
unsigned status_of(Refusal refusal);

}  // namespace tlsrpt::milter
