// SPDX-License-Identifier: BSD-2-Clause

// Puts outcomes into a store as the collector would, but on a day of the test's choice:
//
//   outcome_tool FOLDER/outbound.db YYYY-MM-DD < datagrams, one a line

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {
namespace {

int run(const std::string& path, const std::string& day_text) {
  const auto day = parse_day(day_text);
  auto store = OutboundStore::open(path, SqliteMode::read_write_create);
  if (!day || !store) return 1;
  std::vector<CountedOutcome> outcomes;
  for (std::string line; std::getline(std::cin, line);) {
    ReadOutcomeResult read = read_outcome(line);
    if (!read.bad.empty()) return 1;
    outcomes.push_back({*day, std::move(read.outcome), 1});
  }
  return store->add(outcomes, {}, {}) ? 0 : 1;
}

}  // namespace
}  // namespace tlsrpt::sender

int main(int argc, char** argv) {
  try {
    return argc == 3 ? tlsrpt::sender::run(argv[1], argv[2]) : 64;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 70;
  }
}
