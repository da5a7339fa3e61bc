// SPDX-License-Identifier: BSD-2-Clause
#include "sender/journal.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);
constexpr Day kNext = kDay + std::chrono::days(1);

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open(std::size_t max_segment_bytes = 1u << 20,
                                std::chrono::milliseconds patience = 20ms) {
    JournalSettings settings;
    settings.folders = {temp_.path()};
    settings.database = "/x/outbound.db";
    settings.max_segment_bytes = max_segment_bytes;
    settings.max_closed = 2;
    settings.patience = patience;
    return Journal::open(settings);
  }

  static void append(Journal& journal, const std::vector<std::string>& texts, Day day = kDay) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    journal.append(day, views);
  }

  /// The files that hold outcomes.
  [[nodiscard]] std::size_t files() const {
    std::size_t number = 0;
    for (const auto& entry : fs::directory_iterator(temp_.path())) {
      if (entry.path().extension() != ".lock") ++number;
    }
    return number;
  }

  TempDir temp_;
};

TEST_F(JournalTest, gives_what_was_appended_and_keeps_a_file_until_it_is_forgotten) {
  const auto journal = open();
  EXPECT_FALSE(journal->take());
  append(*journal, {"a", "b", "a"});
  append(*journal, {"a"});
  auto segment = journal->take();
  ASSERT_TRUE(segment);
  ASSERT_EQ(segment->segment->entries().size(), 2u);
  EXPECT_EQ(segment->segment->entries()[0].count, 3u);
  EXPECT_TRUE(segment->on_disk);
  EXPECT_FALSE(journal->take());
  EXPECT_EQ(files(), 1u);
  append(*journal, {"c"});
  EXPECT_EQ(files(), 2u);
  journal->forget(std::move(*segment));
  EXPECT_EQ(files(), 1u);
}

TEST_F(JournalTest, days_do_not_share_a_segment) {
  const auto journal = open();
  append(*journal, {"a"});
  append(*journal, {"a"}, kNext);
  append(*journal, {"a"}, kDay);
  for (const Day day : {kDay, kNext, kDay}) {
    const auto segment = journal->take();
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->segment->day(), day);
  }
}

TEST_F(JournalTest, a_process_that_is_gone_leaves_its_files_to_the_next) {
  auto first = open();
  append(*first, {"a", "b"});
  const auto taken = first->take();
  append(*first, {"c"});
  first.reset();  // as after kill -9: nothing is written at the end
  EXPECT_EQ(files(), 2u);
  const auto second = open();
  const auto& left = second->folder().leftovers();
  ASSERT_EQ(left.size(), 2u);
  Segment segment(1u << 20);
  ASSERT_TRUE(read_journal_file(left[0].path, segment));
  EXPECT_EQ(segment.entries().size(), 2u);
  EXPECT_NE(left[0].header.journal, second->folder().id());
  append(*second, {"d"});
  EXPECT_EQ(files(), 3u) << "its own files have other names";
}

TEST_F(JournalTest, two_processes_with_one_database_have_files_of_their_own) {
  auto first = open();
  append(*first, {"a"});
  const auto second = open();
  EXPECT_TRUE(second->folder().usable());
  EXPECT_TRUE(second->folder().leftovers().empty()) << "the first one lives";
  append(*second, {"b"});
  EXPECT_EQ(files(), 2u);
  first.reset();
  EXPECT_EQ(open()->folder().leftovers().size(), 1u) << "the second one lives";
}

TEST_F(JournalTest, journals_of_other_databases_are_left_alone) {
  append(*open(), {"a"});
  JournalSettings settings;
  settings.folders = {temp_.path()};
  settings.database = "/y/outbound.db";
  EXPECT_TRUE(Journal::open(settings)->folder().leftovers().empty());
  EXPECT_EQ(open()->folder().leftovers().size(), 1u);
}

TEST_F(JournalTest, what_a_dead_owner_left_in_pieces_is_put_aside_and_named) {
  std::string path;
  {
    const auto journal = open();
    path = journal->folder().path_of(3);
    std::ofstream(path) << "not what it should be";
    std::ofstream(journal->folder().path_of(4));
    std::ofstream(journal->folder().path_of(5) + ".new") << "unfinished";
  }
  const auto journal = open();
  EXPECT_EQ(journal->folder().damaged(), std::vector<std::string>{path + ".damaged"});
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(journal->folder().leftovers().empty());
}

TEST_F(JournalTest, works_in_memory_where_there_is_no_folder) {
  JournalSettings settings;
  settings.folders = {temp_.path() + "/none"};
  settings.database = "/x/outbound.db";
  const auto journal = Journal::open(settings);
  EXPECT_FALSE(journal->folder().usable());
  append(*journal, {"a"});
  const auto segment = journal->take();
  ASSERT_TRUE(segment);
  EXPECT_FALSE(segment->on_disk);
  EXPECT_TRUE(segment->files.empty());
  EXPECT_TRUE(journal->take_state().file_error);
  EXPECT_NE(segment->journal, Journal::open(settings)->folder().id());
}

TEST_F(JournalTest, the_second_folder_is_used_if_the_first_is_not_there) {
  JournalSettings settings;
  settings.folders = {temp_.path() + "/none", temp_.path()};
  settings.database = "/x/outbound.db";
  EXPECT_EQ(Journal::open(settings)->folder().folder(), temp_.path());
}

TEST_F(JournalTest, drops_and_counts_what_nobody_takes_in_time) {
  const auto journal = open(4000);
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) texts.push_back(fmt::format("{:0100}", i));
  append(*journal, texts);
  std::uint64_t kept = 0;
  while (const auto segment = journal->take()) kept += segment->segment->entries().size();
  const JournalState state = journal->take_state();
  EXPECT_GT(kept, 20u);
  EXPECT_GT(state.dropped, 20u);
  EXPECT_EQ(kept + state.dropped, 400u);
  EXPECT_EQ(journal->take_state().dropped, 0u);
}

TEST_F(JournalTest, a_receiver_waits_for_the_one_who_takes) {
  const auto journal = open(4000, 1min);
  std::uint64_t kept = 0;
  {
    const std::jthread taker([&](const std::stop_token& stop) {
      while (!stop.stop_requested() || kept < 2000) {
        journal->wait_until(std::chrono::steady_clock::now() + 1ms, true);
        while (const auto segment = journal->take()) kept += segment->segment->entries().size();
      }
    });
    for (int i = 0; i < 2000; ++i) append(*journal, {fmt::format("{:0100}", i)});
  }
  EXPECT_EQ(kept, 2000u);
  EXPECT_EQ(journal->take_state().dropped, 0u);
}

TEST_F(JournalTest, texts_that_belong_together_come_into_one_segment) {
  const auto journal = open(3000);
  append(*journal, {std::string(2000, 'a')});
  const std::string b(500, 'b'), c(500, 'c');
  const std::vector<Segment::Entry> together{{b, 2}, {c, 1}};
  ASSERT_TRUE(journal->append_whole(kDay, together, 0ms));
  const auto first = journal->take();
  const auto second = journal->take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->segment->entries().size(), 1u);
  ASSERT_EQ(second->segment->entries().size(), 2u);
  EXPECT_EQ(second->segment->entries()[0].count, 2u);
  // In the file as well.
  Segment read(3000);
  ASSERT_TRUE(read_journal_file(second->files.at(0), read));
  ASSERT_EQ(read.entries().size(), 2u);
  EXPECT_EQ(read.entries()[0].count, 2u);
}

TEST_F(JournalTest, a_log_waits_and_leaves_room_to_datagrams) {
  const auto journal = open(3000);
  const std::string text(2500, 'x');
  ASSERT_TRUE(journal->append_whole(kDay, std::vector<Segment::Entry>{{text + "1", 1}}, 0ms));
  ASSERT_TRUE(journal->append_whole(kDay, std::vector<Segment::Entry>{{text + "2", 1}}, 0ms));
  EXPECT_FALSE(journal->append_whole(kDay, std::vector<Segment::Entry>{{text + "3", 1}}, 1ms));
  append(*journal, {text + "4"});
  EXPECT_EQ(journal->take_state().dropped, 0u);
  ASSERT_TRUE(journal->take_full());
  ASSERT_TRUE(journal->take_full());
  EXPECT_TRUE(journal->append_whole(kDay, std::vector<Segment::Entry>{{text + "3", 1}}, 0ms));
}

}  // namespace
}  // namespace tlsrpt::sender
