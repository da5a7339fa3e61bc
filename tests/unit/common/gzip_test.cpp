// SPDX-License-Identifier: BSD-2-Clause
#include "common/gzip.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace tlsrpt {
namespace {

constexpr std::string_view kText = R"({"organization-name":"Sender Example"})";

/// zlib's own wrapper, as an independent second opinion and to make odd streams.
std::string deflated(std::string_view bytes, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  std::string input(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string with_byte(std::string bytes, std::size_t at, int change) {
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ change);
  return bytes;
}

TEST(Gzip, reads_back_what_it_wrote) {
  for (const int level : {-3, 1, 6, 9, 40}) {
    SCOPED_TRACE(level);
    const Gunzipped result = gunzip(gzip(kText, level));
    EXPECT_EQ(result.refusal, Refusal::none);
    EXPECT_EQ(result.bytes, kText);
    EXPECT_FALSE(result.trailing_data);
  }
  EXPECT_EQ(gunzip(gzip("")).refusal, Refusal::none);
}

TEST(Gzip, writes_no_name_no_time_and_the_same_bytes_each_time) {  // R133, R134
  const std::string bytes = gzip(kText);
  EXPECT_EQ(bytes, gzip(kText));
  EXPECT_EQ(bytes.substr(0, 3), "\x1f\x8b\x08");
  EXPECT_EQ(bytes.substr(3, 5), std::string(5, '\0')) << "flags and time";
  EXPECT_EQ(bytes[9], '\xff') << "operating system: unknown";
}

TEST(Gunzip, joins_members_and_ignores_junk_behind_the_last) {  // R232
  const std::string bytes = gzip(kText.substr(0, 10)) + gzip("") + gzip(kText.substr(10));
  EXPECT_EQ(gunzip(bytes).bytes, kText);
  for (const std::string& junk :
       {std::string("\r\n"), std::string(512, '\0'), std::string("\x1f")}) {
    const Gunzipped result = gunzip(bytes + junk);
    EXPECT_EQ(result.refusal, Refusal::none);
    EXPECT_EQ(result.bytes, kText);
    EXPECT_TRUE(result.trailing_data);
  }
}

TEST(Gunzip, reads_a_large_member_behind_small_ones) {  // R232
  const std::string large(1u << 20, ' ');
  const Gunzipped result = gunzip(gzip("") + gzip("a") + gzip(large) + gzip("b") + gzip(large));
  EXPECT_EQ(result.refusal, Refusal::none);
  EXPECT_EQ(result.bytes, "a" + large + "b" + large);
}

TEST(Gunzip, refuses_what_is_damaged) {  // R133, R233, R234
  const std::string good = gzip(kText);
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"nothing", ""},
      {"one byte", "\x1f"},
      {"only the magic", "\x1f\x8b"},
      {"JSON", std::string(kText)},
      {"zlib stream", deflated(kText, 15)},
      {"raw deflate", deflated(kText, -15)},
      {"wrong CRC", with_byte(good, good.size() - 8, 1)},
      {"wrong length", with_byte(good, good.size() - 1, 1)},
      {"reserved flag", with_byte(good, 3, 0x20)},
      {"other method", with_byte(good, 2, 1)},
      {"magic, then garbage", "\x1f\x8bgarbage that is no deflate stream"},
      {"cut trailer", good.substr(0, good.size() - 1)},
      {"second member cut", good + good.substr(0, 12)},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    const Gunzipped result = gunzip(test.bytes);
    EXPECT_EQ(result.refusal, Refusal::gzip_damaged);
    EXPECT_FALSE(result.detail.empty());
    EXPECT_TRUE(result.bytes.empty());
  }
}

TEST(Gunzip, refuses_every_shorter_piece_of_a_stream) {
  const std::string good = gzip(kText);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(gunzip(std::string_view(good).substr(0, size)).refusal, Refusal::gzip_damaged)
        << size;
}

TEST(Gunzip, stops_at_the_first_byte_over_the_limit) {  // R231
  GunzipLimits limits;
  limits.max_bytes = 100'000;
  limits.max_ratio = 100'000;
  const std::string exact(100'000, 'x');
  EXPECT_EQ(gunzip(gzip(exact), limits).bytes, exact);
  EXPECT_EQ(gunzip(gzip(exact + "x"), limits).refusal, Refusal::too_large);
  EXPECT_EQ(gunzip(gzip(exact) + gzip("x"), limits).refusal, Refusal::too_large)
      << "all members share one limit";
  limits.max_bytes = 0;
  EXPECT_EQ(gunzip(gzip("x"), limits).refusal, Refusal::too_large);
  EXPECT_EQ(gunzip(gzip(""), limits).refusal, Refusal::none);
}

TEST(Gunzip, looks_at_the_ratio_only_above_its_floor) {  // R231
  GunzipLimits limits;
  limits.max_ratio = 10;
  limits.ratio_floor = 50'000;
  EXPECT_EQ(gunzip(gzip(std::string(50'000, 'x')), limits).refusal, Refusal::none);
  EXPECT_EQ(gunzip(gzip(std::string(50'001, 'x')), limits).refusal, Refusal::gzip_ratio);
}

TEST(Gunzip, keeps_a_bomb_small) {
  const std::string bomb = gzip(std::string(60u << 20, '\0'), 9);
  ASSERT_LT(bomb.size(), 70'000u);
  const Gunzipped result = gunzip(bomb);
  EXPECT_TRUE(result.refusal == Refusal::too_large || result.refusal == Refusal::gzip_ratio);
  EXPECT_TRUE(result.bytes.empty());
}

}  // namespace
}  // namespace tlsrpt
