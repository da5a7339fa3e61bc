// SPDX-License-Identifier: BSD-2-Clause
#include "sender/journal_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);
const JournalHeader kHeader{0x1234567890abcdef, 7, 5, kDay};

class JournalFileTest : public testing::Test {
 protected:
  void SetUp() override { path_ = (fs::path(temp_.path()) / "journal").string(); }

  using Counts = std::map<std::string, std::uint64_t>;

  static Counts counts_of(const Segment& segment) {
    Counts counts;
    for (const Segment::Entry& entry : segment.entries()) {
      counts[std::string(entry.text)] += entry.count;
    }
    return counts;
  }

  /// Writes batches of texts as a receiver does; returns how long the file was after each.
  std::vector<std::size_t> write(const std::vector<std::vector<std::string>>& batches) {
    Segment segment(1u << 20);
    segment.begin(kDay);
    auto file = JournalFile::create(path_, kHeader);
    EXPECT_TRUE(file) << file.error().detail;
    std::vector<std::size_t> sizes{file->bytes()};
    for (const auto& texts : batches) {
      JournalBatch batch;
      for (const std::string& text : texts) batch.add(*segment.add(text), text);
      EXPECT_TRUE(file->append(batch.finish()));
      sizes.push_back(file->bytes());
    }
    return sizes;
  }

  struct Read {
    Counts counts;
    ReadJournal result;
  };
  Read read(std::size_t max_bytes = 1u << 20) {
    Segment segment(max_bytes);
    const auto result = read_journal_file(path_, segment);
    EXPECT_TRUE(result) << result.error().detail;
    return {counts_of(segment), result.value_or(ReadJournal{})};
  }

  TempDir temp_;
  std::string path_;
};

TEST_F(JournalFileTest, gives_back_what_was_written) {
  write({{"a", "b", "a"}, {"a", "", std::string(200'000, 'x')}, {"b", "b"}});
  const Read back = read();
  EXPECT_EQ(back.counts, (Counts{{"a", 3}, {"b", 3}, {"", 1}, {std::string(200'000, 'x'), 1}}));
  EXPECT_FALSE(back.result.torn);
  EXPECT_EQ(back.result.lost, 0u);
  EXPECT_EQ(back.result.header.journal, kHeader.journal);
  EXPECT_EQ(back.result.header.number, 7u);
  EXPECT_EQ(back.result.header.from, 5u);
  EXPECT_EQ(back.result.header.day, kDay);
}

TEST_F(JournalFileTest, a_batch_that_was_torn_anywhere_is_left_out_and_no_other) {
  const std::vector<std::size_t> ends = write({{"a", "b"}, {"a"}, {"c", "a"}});
  const std::string whole = [&] {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  const std::vector<Counts> after = {
      {}, {{"a", 1}, {"b", 1}}, {{"a", 2}, {"b", 1}}, {{"a", 3}, {"b", 1}, {"c", 1}}};
  for (std::size_t size = ends.front(); size <= whole.size(); ++size) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    const auto batches = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), size) -
                                                  ends.begin() - 1);
    const Read back = read();
    EXPECT_EQ(back.counts, after[batches]) << size;
    EXPECT_EQ(back.result.torn, size != ends[batches]) << size;
  }
}

TEST_F(JournalFileTest, a_changed_byte_makes_a_batch_unreadable_or_the_file_no_journal) {
  const std::vector<std::size_t> ends = write({{"a", "b"}, {"a"}});
  const std::string whole = [&] {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << changed;
    Segment segment(1u << 20);
    const auto result = read_journal_file(path_, segment);
    ASSERT_EQ(result.has_value(), i >= ends[0]) << i;
    if (!result) continue;
    EXPECT_TRUE(result->torn) << i;
    EXPECT_EQ(counts_of(segment), i < ends[1] ? Counts{} : (Counts{{"a", 1}, {"b", 1}})) << i;
  }
}

TEST_F(JournalFileTest, a_whole_segment_is_written_with_its_counts) {
  Segment segment(8u << 20);
  segment.begin(kDay);
  Counts expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = fmt::format("text {}", i);
    expected[text] = static_cast<std::uint64_t>(i) * 1'000'000'000'000 + 1;
    segment.add(text, expected[text]);
  }
  ASSERT_TRUE(write_journal_file(path_, kHeader, segment));
  const Read back = read(8u << 20);
  EXPECT_EQ(back.counts, expected);
  EXPECT_FALSE(back.result.torn);
  EXPECT_FALSE(fs::exists(path_ + ".new"));
}

TEST_F(JournalFileTest, texts_without_room_are_counted_as_lost) {
  write({{"a", std::string(5000, 'x'), "b"}, {std::string(5000, 'x'), "a"}});
  const Read back = read(1000);
  EXPECT_EQ(back.counts, (Counts{{"a", 2}, {"b", 1}}));
  EXPECT_EQ(back.result.lost, 2u);
}

TEST_F(JournalFileTest, is_never_put_in_the_place_of_another_file) {
  std::ofstream(path_) << "precious";
  EXPECT_FALSE(JournalFile::create(path_, kHeader));
  EXPECT_EQ(fs::file_size(path_), 8u);
  EXPECT_FALSE(read_journal_header(path_));
}

}  // namespace
}  // namespace tlsrpt::sender
