// SPDX-License-Identifier: BSD-2-Clause
#include "milter/summary_counters.hpp"

#include "milter/text_table.hpp"

namespace tlsrpt::milter {

const std::vector<LossCounter>& loss_counters() {
  static const std::vector<LossCounter> counters = {
      {"put_off_over_limit",
       "mails and posts told to come again: sender over MaximumReportsPerDay"},
      {"put_off_dns", "mails told to come again: a DKIM key could not be looked up"},
      {"put_off_fault", "mails and posts told to come again: a fault here, such as a full disk"},
      {"not_a_report", "mails to a report address that are no reports: see On-Default"},
      {"refused_bytes_dropped",
       "refused mails whose bytes made place for others: MaximumRefusedSize"},
      {"refused_forgotten", "refused mails that made place for others altogether"},
      {"https_rate_limited", "posts beyond the HTTPRate of a source: 429"},
      {"https_refused_busy", "posts that found no memory, see MaximumSpoolSize: 503"},
      {"https_refused_too_large", "posts larger than MaximumReportSize: 413"},
      {"https_refused_type", "posts of a media type that is no report's: 415"},
      {"https_refused_encoding", "posts in a content coding other than gzip: 415"},
      {"https_refused_method", "requests other than POST: 405"},
      {"https_not_found", "requests for another path than HTTPPath: 404"},
      {"https_turned_away", "connections over HTTPConnectionsPerSource: closed"},
      {"https_timeouts", "connections over HTTPTimeout: closed"},
  };
  return counters;
}

std::string losses_text(const std::map<std::string, std::uint64_t>& counters) {
  TextTable table({{"COUNT", true}, {"WHAT", false, 80}});
  for (const LossCounter& loss : loss_counters()) {
    const auto found = counters.find(std::string(loss.name));
    if (found == counters.end() || found->second == 0) continue;
    table.add({group_digits(found->second), std::string(loss.meaning)});
  }
  if (table.empty()) return {};
  return "\nNOT TAKEN: what came on these days besides; the log says more\n" + table.text();
}

}  // namespace tlsrpt::milter
