// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where a domain wants its reports now: its TLSRPT record at report time, or what the MTA saw if
// DNS cannot tell.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dns.hpp"
#include "common/rua.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

enum class RecordStatus : std::uint8_t {
  usable,          ///< at least one destination
  no_record,       ///< the domain asks for no reports (any more)
  invalid_record,  ///< there is a record, but it does not follow the grammar
  no_usable_rua,   ///< a record without any URI that can be served
  dns_failure,     ///< nothing is known, neither from DNS nor from the MTA: ask again later (R35)
};
std::string_view to_word(RecordStatus status);

struct Destinations {
  RecordStatus status = RecordStatus::dns_failure;
  std::vector<Rua> rua;               ///< in the record's order
  std::vector<std::string> warnings;  ///< about the record; not escaped
  std::string detail;                 ///< why it is not usable; not escaped
  bool from_mta = false;              ///< DNS failed, the record is the one an MTA saw
};

/// One question to DNS at most.
Destinations find_destinations(Dns& dns, const RecordSettings& settings, std::string_view domain,
                               std::string_view record_seen_by_mta);

/// The same by the record that an MTA saw, without a question; 'detail' says why.
Destinations destinations_without_dns(const RecordSettings& settings,
                                      std::string_view record_seen_by_mta, std::string_view detail);

using StopRequested = std::function<bool()>;  ///< asked often; true ends the work early

}  // namespace tlsrpt::sender
