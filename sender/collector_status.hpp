// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the collectors of a database have counted and how they are, for people and for Prometheus.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

struct DayStatus {
  Day day;
  std::uint64_t domains = 0;
  Overflow overflow;
};

struct CollectorStatus {
  std::map<std::string, std::uint64_t> counters;
  std::map<std::string, std::uint64_t> gauges;
  std::vector<DayStatus> days;  ///< oldest first
  std::vector<KeptSample> samples;
};

Result<CollectorStatus> read_collector_status(OutboundStore& store);

/// Lines for a terminal; strangers' texts are escaped.
std::string status_text(const CollectorStatus& status, Seconds now);

/// The text format of Prometheus, version 0.0.4, as node_exporter reads it from a file.
std::string prometheus_text(const CollectorStatus& status);

}  // namespace tlsrpt::sender
