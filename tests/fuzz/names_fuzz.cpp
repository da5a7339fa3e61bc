// SPDX-License-Identifier: BSD-2-Clause

// Small texts of strangers: domain names, mailboxes, addresses, points in time. What was normalised
// once is not changed by normalising it again.

#include <optional>
#include <string>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "common/mailbox.hpp"
#include "common/utc_time.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;

void check_domain(std::string_view text) {
  if (const auto domain = normalize_domain(text)) {
    fuzz::require(!domain->empty() && domain->size() <= 253, "a name has a name's length");
    fuzz::require(normalize_domain(*domain) == *domain, "a normalised name stays as it is");
    fuzz::require(is_aligned(*domain, *domain), "a name is aligned with itself");
    const auto address = "a@" + *domain;
    fuzz::require(domain_of_address(address) == *domain, "an address has its domain");
  }
  if (const auto pattern = normalize_mx_pattern(text)) {
    fuzz::require(normalize_mx_pattern(*pattern) == *pattern,
                  "a normalised pattern stays as it is");
  }
}

void check_mailbox(std::string_view text) {
  const auto address = only_mailbox(text);
  if (address) domain_of_address(*address);
  if (!is_plain_address(text)) return;
  fuzz::require(text.find_first_of("\r\n<> ") == std::string_view::npos || text[0] == '"',
                "only a quoted local part may hold what ends an address");
  fuzz::require(text.find_first_of("\r\n") == std::string_view::npos, "an address is one line");
  fuzz::require(!address || *address == text, "a plain address is no mailbox but its own");
}

void check_ip(std::string_view text) {
  const auto address = canonical_ip(text);
  if (!address) return;
  fuzz::require(canonical_ip(*address) == *address, "a canonical address stays as it is");
}

void check_time(std::string_view text) {
  if (const auto read = read_date_time(text)) {
    const auto again = read_date_time(format_rfc3339(read->time));
    fuzz::require(again && again->time == read->time && !again->deviates,
                  "a time that was written reads back equal");
    fuzz::require(!format_rfc5322(read->time).empty(), "a time can stand in a Date header");
  }
  if (const auto day = parse_day(text)) {
    fuzz::require(format_day(*day) == text, "a day has one spelling");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  check_domain(text);
  check_mailbox(text);
  check_ip(text);
  check_time(text);
  return 0;
}
