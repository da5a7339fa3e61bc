// SPDX-License-Identifier: BSD-2-Clause
// The configuration table, opentlsrpt.conf(5) and the sample file must name the same keys.
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "common/config.hpp"
#include "common/file.hpp"

namespace tlsrpt {
namespace {

std::set<std::string> keys_of_page() {
  const auto page = read_file(std::string(TEST_SOURCE_DIR) + "/man/opentlsrpt.conf.5", 1u << 20);
  std::set<std::string> keys;
  std::istringstream lines(page.value_or(""));
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kItem = ".It Cm ";
    if (line.compare(0, kItem.size(), kItem) != 0) continue;
    const std::string key = line.substr(kItem.size(), line.find(' ', kItem.size()) - kItem.size());
    EXPECT_TRUE(keys.insert(key).second) << key << " stands twice in the page";
  }
  return keys;
}

TEST(ConfigPage, names_exactly_the_keys_of_the_table) {
  std::set<std::string> table;
  for (const KeyInfo& info : config_table()) table.insert(std::string(info.name));
  EXPECT_EQ(keys_of_page(), table);
}

TEST(ConfigSample, the_file_in_contrib_is_what_the_table_says) {
  const auto file = read_file(std::string(TEST_SOURCE_DIR) + "/contrib/opentlsrpt.conf", 1u << 20);
  ASSERT_TRUE(file) << file.error().detail;
  EXPECT_EQ(*file, sample_config());
}

}  // namespace
}  // namespace tlsrpt
