// SPDX-License-Identifier: BSD-2-Clause
#include "common/zip.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/common/zip_builder.hpp"

namespace tlsrpt {
namespace {

constexpr const char* kText = "{\"organization-name\":\"Sender Example\"}";

/// The first member, or the refusal of archive or member.
ZipMember first_member(const std::string& archive, const GunzipLimits& limits = {}) {
  const ZipDirectory directory = read_zip_directory(archive);
  if (directory.refusal != Refusal::none) return {directory.refusal, directory.detail, {}, 0};
  if (directory.entries.empty()) return {Refusal::empty, {}, {}, 0};
  return read_zip_member(archive, directory.entries.front(), limits);
}

TEST(Zip, reads_stored_and_deflated_members) {
  const std::string archive =
      build_zip({{"folder/", "", 0}, {"a.json", kText}, {"b.json", "stored", 0}, {"c", ""}});
  ASSERT_TRUE(looks_like_zip(archive));
  const ZipDirectory directory = read_zip_directory(archive);
  ASSERT_EQ(directory.refusal, Refusal::none);
  ASSERT_EQ(directory.entries.size(), 3u) << "without the folder";
  EXPECT_EQ(directory.entries[0].name, "a.json");
  const char* contents[] = {kText, "stored", ""};
  for (std::size_t i = 0; i < 3; ++i) {
    const ZipMember member = read_zip_member(archive, directory.entries[i], {});
    EXPECT_EQ(member.refusal, Refusal::none) << member.detail;
    EXPECT_EQ(member.bytes, contents[i]);
    EXPECT_EQ(member.unpacked, member.bytes.size());
  }
}

TEST(Zip, takes_a_comment_and_an_empty_archive) {
  std::string archive = build_zip({{"a.json", kText}});
  archive.replace(archive.size() - 2, 2, zip_number(7, 2));
  EXPECT_EQ(first_member(archive + "comment").bytes, kText);
  EXPECT_TRUE(looks_like_zip(build_zip({})));
  EXPECT_TRUE(read_zip_directory(build_zip({})).entries.empty());
}

TEST(Zip, a_comment_may_look_like_the_end_of_the_directory) {
  const std::string comment = build_zip({}) + "PK\x05\x06 and more of the comment";
  std::string archive = build_zip({{"a.json", kText}});
  archive.replace(archive.size() - 2, 2, zip_number(comment.size(), 2));
  EXPECT_EQ(first_member(archive + comment).bytes, kText);
  EXPECT_EQ(first_member(build_zip({{"a.json", kText}}) + "junk").bytes, kText)
      << "with bytes behind it that it does not speak of";
  std::string many = archive;
  for (int i = 0; i < 2000; ++i) many += std::string("PK\x05\x06") + std::string(18, '\xff');
  EXPECT_NE(first_member(many).refusal, Refusal::none) << "and is given up in time";
}

TEST(Zip, refuses_what_it_cannot_read) {
  const struct {
    const char* what;
    ZipTestMember member;
    Refusal refusal;
  } cases[] = {
      {"encrypted", {"a", kText, 8, 1}, Refusal::zip_unsupported},
      {"other method", {"a", kText, 12}, Refusal::zip_unsupported},
      {"size too small", {"a", kText, 8, 0, 0xffffffffu}, Refusal::zip_damaged},
      {"size too large", {"a", kText, 8, 0, 0x7fff0000u}, Refusal::zip_damaged},
      {"packed size too small", {"a", kText, 8, 0, 0, 0xffffffffu}, Refusal::zip_damaged},
      {"packed size beyond the end", {"a", kText, 8, 0, 0, 1000}, Refusal::zip_damaged},
      {"stored size too small", {"a", kText, 0, 0, 0, 0xffffffffu}, Refusal::zip_damaged},
      {"wrong checksum", {"a", kText, 8, 0, 0, 0, 1}, Refusal::zip_damaged},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    const ZipMember member = first_member(build_zip({test.member}));
    EXPECT_EQ(member.refusal, test.refusal);
    EXPECT_FALSE(member.detail.empty());
    EXPECT_TRUE(member.bytes.empty());
  }
}

TEST(Zip, refuses_every_shorter_piece_of_an_archive) {
  const std::string archive = build_zip({{"a.json", kText}});
  for (std::size_t size = 0; size < archive.size(); ++size)
    EXPECT_EQ(first_member(archive.substr(0, size)).refusal, Refusal::zip_damaged) << size;
}

TEST(Zip, survives_any_changed_byte) {
  const std::string archive = build_zip({{"a.json", kText}, {"b", "x", 0}});
  for (std::size_t at = 0; at < archive.size(); ++at) {
    for (const int change : {1, 0x80, 0xff}) {
      std::string damaged = archive;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      const ZipMember member = first_member(damaged);
      EXPECT_TRUE(member.refusal != Refusal::none || member.bytes == kText || member.bytes == "x")
          << at;
    }
  }
}

TEST(Zip, bounds_the_number_of_members) {
  EXPECT_EQ(read_zip_directory(build_zip(std::vector<ZipTestMember>(100, {"a", "x"}))).refusal,
            Refusal::none);
  EXPECT_EQ(read_zip_directory(build_zip(std::vector<ZipTestMember>(101, {"a", "x"}))).refusal,
            Refusal::zip_too_many_members);
}

TEST(Zip, refuses_members_that_share_their_bytes) {
  // 50 entries that all point at one large member: small to send, long to read.
  std::string archive = build_zip({{"a", std::string(10'000, 'x'), 0}});
  const std::size_t directory = archive.find("PK\x01\x02");
  const std::size_t end = archive.find("PK\x05\x06");
  const std::string entry = archive.substr(directory, end - directory);
  std::string tail = archive.substr(end);
  tail.replace(8, 4, zip_number(50, 2) + zip_number(50, 2));
  archive.resize(directory);
  for (int i = 0; i < 50; ++i) archive += entry;
  EXPECT_EQ(read_zip_directory(archive + tail).refusal, Refusal::zip_damaged);
}

TEST(Zip, stops_at_the_limits) {  // R231
  GunzipLimits limits;
  limits.max_bytes = 1000;
  const std::string text(1000, 'x');
  for (const std::uint16_t method : {std::uint16_t{0}, std::uint16_t{8}}) {
    EXPECT_EQ(first_member(build_zip({{"a", text, method}}), limits).bytes, text);
    EXPECT_EQ(first_member(build_zip({{"a", text + "x", method}}), limits).refusal,
              Refusal::too_large);
  }
  const std::string bomb = build_zip({{"a", std::string(20u << 20, '\0')}});
  const Refusal refusal = first_member(bomb).refusal;
  EXPECT_TRUE(refusal == Refusal::too_large || refusal == Refusal::gzip_ratio);
}

}  // namespace
}  // namespace tlsrpt
