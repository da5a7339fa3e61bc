// SPDX-License-Identifier: BSD-2-Clause
#pragma once
#include <string_view>
#include <vector>
namespace tlsrpt::sender {
struct RecordedDifference { std::string_view mta, scenario, log, datagrams, why; };
inline const std::vector<RecordedDifference> kRecordedDifferences = {};
}
