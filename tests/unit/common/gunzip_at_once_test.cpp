// SPDX-License-Identifier: BSD-2-Clause
#include "common/gunzip_at_once.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tlsrpt {
namespace {

constexpr std::string_view kText = R"({"organization-name":"Sender Example"})";

std::string with_byte(std::string bytes, std::size_t at, int change) {
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ change);
  return bytes;
}

/// A name in the header, as gzip(1) writes it.
std::string with_name(std::string bytes) {
  bytes.at(3) = '\x08';
  bytes.insert(10, std::string("report.json") + '\0');
  return bytes;
}

/// Of exactly that size, and like a report in what it packs to.
std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ',';
  text.resize(size);
  return text;
}

TEST(GunzipAtOnce, takes_the_gzip_that_nearly_everybody_sends) {
  const std::string good = gzip(kText);
  EXPECT_EQ(gunzip_at_once(good, {}), kText);
  EXPECT_EQ(gunzip_at_once(with_name(good), {}), kText);
  const std::string large = numbers(3u << 20);
  EXPECT_EQ(gunzip_at_once(gzip(large), {}), large);
}

TEST(GunzipAtOnce, leaves_everything_else_to_the_way_step_by_step) {
  const std::string good = gzip(kText);
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"nothing", ""},
      {"a header only", good.substr(0, 10)},
      {"another format", std::string(64, '{')},
      {"another method", with_byte(good, 2, 1)},
      {"a header with a checksum", with_byte(good, 3, 0x02)},
      {"a header with more", with_byte(good, 3, 0x04)},
      {"reserved flag", with_byte(good, 3, 0x20)},
      {"damage in the middle", with_byte(good, good.size() / 2, 0x10)},
      {"wrong CRC", with_byte(good, good.size() - 8, 1)},
      {"wrong length", with_byte(good, good.size() - 4, 1)},
      {"huge length", with_byte(good, good.size() - 1, 0x40)},
      {"cut trailer", good.substr(0, good.size() - 1)},
      {"two members", good + good},
      {"bytes behind it", good + "\r\n"},
      {"no content", gzip("")},
      {"a length that no report packs to", gzip(std::string(3u << 20, 'x'))},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_FALSE(gunzip_at_once(test.bytes, {}));
  }
}

TEST(GunzipAtOnce, makes_nothing_beyond_a_limit) {  // R231
  const std::string packed = gzip(numbers(50'000));
  EXPECT_TRUE(gunzip_at_once(packed, {.max_bytes = 50'000}));
  EXPECT_FALSE(gunzip_at_once(packed, {.max_bytes = 49'999}));
  EXPECT_TRUE(gunzip_at_once(packed, {.max_ratio = 1, .ratio_floor = 50'000}));
  EXPECT_FALSE(gunzip_at_once(packed, {.max_ratio = 1, .ratio_floor = 49'999}));
}

}  // namespace
}  // namespace tlsrpt
