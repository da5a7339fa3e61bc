// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the benchmarks of the store share: reports as real senders make them, a folder that goes
// away, and medians.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/report_writer.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter::bench {

/// A folder in OPENTLSRPT_BENCH_FOLDER, or in the folder for temporary files: figures are about
/// the disk that it lies on.
class Folder {
 public:
  Folder() {
    const char* chosen = std::getenv("OPENTLSRPT_BENCH_FOLDER");
    const auto top =
        chosen == nullptr ? std::filesystem::temp_directory_path() : std::filesystem::path(chosen);
    std::string name = (top / "opentlsrpt-bench-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The number-th report of a year: every fifth has failures; 300 reporters, of whom one sends a
/// third of all, and 50 domains.
inline ReceivedReport sample(std::uint64_t number, std::uint64_t reports_a_day) {
  const std::uint64_t reporter = number % 3 == 0 ? 0 : number % 300;
  const std::string from = fmt::format("mail{}.example", reporter);
  const Seconds start{std::chrono::hours(24) * static_cast<std::int64_t>(number / reports_a_day) +
                      std::chrono::seconds(1735689600)};
  ReceivedReport received;
  Provenance& provenance = received.provenance;
  provenance.source = "milter";
  provenance.received_at = start + std::chrono::hours(31);
  provenance.dkim = DkimStatus::pass;
  provenance.dkim_domain = provenance.from_domain = provenance.submitter = from;
  provenance.dkim_selector = "s2026";
  provenance.queue_id = "4fXyZ1abcd";
  provenance.message_id = fmt::format("<{}@{}>", number, from);
  Report& report = received.report;
  report.organization_name = fmt::format("Mail Provider {} Inc.", reporter);
  report.contact_info = "smtp-tls-reporting@" + from;
  report.report_id = fmt::format("{}_{:016x}", number, number * 0x9e3779b97f4a7c15u);
  report.date_range = {start, start + std::chrono::seconds(86399)};
  PolicyResult result;
  result.policy.policy_type = "sts";
  result.policy.policy_domain = fmt::format("domain{}.example", number % 50);
  result.policy.policy_string = {"version: STSv1", "mode: enforce", "mx: mx1.domain.example",
                                 "max_age: 604800"};
  result.policy.mx_host = {"mx1.domain.example"};
  result.total_successful_session_count = 1 + number % 1000;
  if (number % 5 == 0) {
    FailureDetails details;
    details.result_type = number % 10 == 0 ? "certificate-expired" : "starttls-not-supported";
    details.sending_mta_ip = "192.0.2.1";
    details.receiving_mx_hostname = "mx1.domain.example";
    details.receiving_ip = "198.51.100.7";
    details.failed_session_count = 1 + number % 7;
    result.total_failure_session_count = details.failed_session_count;
    result.failure_details = {details};
  }
  report.policies = {result};
  received.json = write_report(report);
  return received;
}

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

}  // namespace tlsrpt::milter::bench
