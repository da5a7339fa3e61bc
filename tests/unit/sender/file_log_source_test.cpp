// SPDX-License-Identifier: BSD-2-Clause
#include "sender/file_log_source.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/unit/sender/fake_log.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

class FileLogSourceTest : public testing::Test {
 protected:
  FileLogSourceTest() { restart(); }

  /// As another process would begin.
  void restart(std::chrono::milliseconds quiet = 0ms) {
    FileLogSettings settings;
    settings.path = path();
    settings.max_line = 100;
    settings.block = 256;
    settings.quiet = quiet;
    source_ = std::make_unique<FileLogSource>(
        settings, log_, [this](const std::string& name, std::uint64_t n) { events_[name] += n; });
  }

  [[nodiscard]] std::string path(const std::string& suffix = "") const {
    return temp_.file("mail.log" + suffix);
  }
  void write(const std::string& text, const std::string& suffix = "") const {
    std::ofstream(path(suffix), std::ios::app | std::ios::binary) << text;
  }
  /// Some seconds ago, so that the order of files is known.
  void age(const std::string& suffix, int seconds) const {
    fs::last_write_time(path(suffix),
                        fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
  }
  void rename(const std::string& from, const std::string& to) const {
    fs::rename(path(from), path(to));
  }

  Lines read(std::size_t at_most = 1000) {
    Lines lines;
    const auto got = source_->read(at_most, [&](const LogItem& item) {
      EXPECT_TRUE(item.has_header);
      lines.emplace_back(item.line);
    });
    EXPECT_TRUE(got);
    EXPECT_EQ(got.value_or(0), lines.size());
    return lines;
  }

  TempDir temp_;
  FakeLog log_;
  std::map<std::string, std::uint64_t> events_;
  std::unique_ptr<FileLogSource> source_;
};

TEST_F(FileLogSourceTest, gives_whole_lines_only) {
  write("one\ntwo\r\n\nthr");
  EXPECT_EQ(read(), (Lines{"one", "two", ""}));
  EXPECT_EQ(read(), Lines{});
  write("ee\n");
  EXPECT_EQ(read(), Lines{"three"});
}

TEST_F(FileLogSourceTest, a_line_may_hold_any_bytes) {
  write(std::string("a\0b\xff\n", 5));
  EXPECT_EQ(read(), Lines{std::string("a\0b\xff", 4)});
}

TEST_F(FileLogSourceTest, at_most_so_many_and_the_place_lies_behind_the_last_one) {
  write("one\ntwo\nthree\n");
  EXPECT_EQ(read(2), (Lines{"one", "two"}));
  const std::string place = source_->position();
  restart();
  ASSERT_TRUE(source_->seek(place));
  EXPECT_EQ(source_->position(), place);
  EXPECT_EQ(read(), Lines{"three"});
}

TEST_F(FileLogSourceTest, lines_over_block_borders_are_whole) {
  Lines expected;
  for (int i = 0; i < 500; ++i) {
    expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), 'x'));
    write(expected.back() + "\n");
  }
  Lines got;
  for (Lines some = read(7); !some.empty(); some = read(7)) {
    got.insert(got.end(), some.begin(), some.end());
  }
  EXPECT_EQ(got, expected);
}

TEST_F(FileLogSourceTest, a_line_that_is_too_long_is_skipped_and_counted) {
  write("one\n" + std::string(101, 'x') + "\n" + std::string(100, 'y') + "\n" +
        std::string(5000, 'z'));
  EXPECT_EQ(read(), (Lines{"one", std::string(100, 'y')}));
  write("zz\ntwo\n");
  EXPECT_EQ(read(), Lines{"two"});
  EXPECT_EQ(events_["log-long-lines"], 2u);
}

TEST_F(FileLogSourceTest, a_file_that_is_not_there_yet_is_read_from_its_begin) {
  ASSERT_TRUE(source_->seek_to_end());
  EXPECT_EQ(read(), Lines{});
  const std::string place = source_->position();
  write("one\n");
  EXPECT_EQ(read(), Lines{"one"});
  restart();
  ASSERT_TRUE(source_->seek(place)) << "nor is it lost by a restart before it was made";
  EXPECT_EQ(read(), Lines{"one"});
}

TEST_F(FileLogSourceTest, the_end_is_where_the_file_ends_now) {
  write("old\nol");
  ASSERT_TRUE(source_->seek_to_end());
  write("d\nnew\n");
  EXPECT_EQ(read(), (Lines{"d", "new"}));
}

TEST_F(FileLogSourceTest, a_renamed_file_is_read_to_its_end_and_then_the_new_one) {
  write("one\n");
  EXPECT_EQ(read(), Lines{"one"});
  rename("", ".1");
  write("two\n", ".1");
  EXPECT_EQ(read(), Lines{"two"});
  write("three\n");
  EXPECT_EQ(read(), Lines{"three"});
  EXPECT_EQ(log_.count("log-rotated"), 1);
}

TEST_F(FileLogSourceTest, the_old_file_is_read_for_as_long_as_its_writer_uses_it) {
  restart(1h);
  write("one\n");
  EXPECT_EQ(read(), Lines{"one"});
  rename("", ".1");
  write("new\n");
  write("late\n", ".1");
  EXPECT_EQ(read(), Lines{"late"}) << "the writer has not noticed yet";
  age(".1", 4000);
  EXPECT_EQ(read(), Lines{"new"});
}

TEST_F(FileLogSourceTest, the_last_line_of_a_rotated_file_may_lack_its_end) {
  write("one\ntw");
  EXPECT_EQ(read(), Lines{"one"});
  rename("", ".1");
  write("three\n");
  EXPECT_EQ(read(), (Lines{"tw", "three"}));
}

TEST_F(FileLogSourceTest, after_several_rotations_all_files_are_read_in_order) {
  write("one\ntwo\n");
  EXPECT_EQ(read(1), Lines{"one"});
  const std::string place = source_->position();
  rename("", ".1");
  write("three\n");
  rename(".1", ".2");
  rename("", ".1");
  write("four\n");
  age(".1", 10);
  age(".2", 5);  // the number counts
  restart();
  ASSERT_TRUE(source_->seek(place));
  EXPECT_EQ(read(), (Lines{"two", "three", "four"}));
}

TEST_F(FileLogSourceTest, rotated_files_with_dates_are_read_in_the_order_of_their_changes) {
  write("one\ntwo\n");
  EXPECT_EQ(read(1), Lines{"one"});
  const std::string place = source_->position();
  rename("", "-20260301");
  age("-20260301", 20);
  write("three\n", "-20260302");
  age("-20260302", 10);
  write("four\n");
  write("not of it\n", ".bak");
  restart();
  ASSERT_TRUE(source_->seek(place));
  EXPECT_EQ(read(), (Lines{"two", "three", "four"}));
}

TEST_F(FileLogSourceTest, a_compressed_file_is_told_and_what_comes_behind_it_is_read) {
  write("one\ntwo\n");
  EXPECT_EQ(read(1), Lines{"one"});
  const std::string place = source_->position();
  fs::remove(path());
  write("packed", ".2.gz");
  age(".2.gz", -1);
  write("three\n", ".1");
  age(".1", -2);
  write("four\n");
  age("", -3);
  write("very old\n", ".3");
  age(".3", 5000);
  restart();
  const auto found = source_->seek(place);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_EQ(read(), (Lines{"three", "four"}));
  EXPECT_EQ(events_["log-lost-files"], 1u);
  EXPECT_EQ(log_.count("log-lost"), 1);
}

TEST_F(FileLogSourceTest, a_file_that_was_cut_is_read_from_its_begin) {
  write("one\ntwo\n");
  EXPECT_EQ(read(), (Lines{"one", "two"}));
  fs::resize_file(path(), 0);
  write("new\n");
  EXPECT_EQ(read(), Lines{"new"});
  EXPECT_EQ(log_.count("log-cut"), 1);
}

TEST_F(FileLogSourceTest, what_was_not_read_before_a_copytruncate_is_read_from_the_copy) {
  write("one\ntwo\n");
  EXPECT_EQ(read(1), Lines{"one"});
  const std::string place = source_->position();
  fs::copy_file(path(), path(".1"));
  fs::resize_file(path(), 0);
  write("a line that is longer than all before\nthree\n");
  restart();
  ASSERT_TRUE(source_->seek(place));
  EXPECT_EQ(read(), (Lines{"two", "a line that is longer than all before", "three"}));
}

TEST_F(FileLogSourceTest, a_cut_while_it_runs_is_noticed_though_the_file_has_grown_again) {
  write("one\n");
  EXPECT_EQ(read(), Lines{"one"});
  write("two\n");
  fs::copy_file(path(), path(".1"));
  fs::resize_file(path(), 0);
  write("four\nfive\nsix\n");
  EXPECT_EQ(read(), (Lines{"two", "four", "five", "six"}));
}

/// A log is not on disk as soon as the database is.
TEST_F(FileLogSourceTest, what_a_power_failure_took_off_the_end_is_not_read_twice) {
  const std::string begin(60, 'b');
  for (int i = 0; i < 30; ++i) write(begin + std::to_string(i) + "\n");
  ASSERT_EQ(read().size(), 30u);
  const std::string place = source_->position();
  fs::resize_file(path(), fs::file_size(path()) - 200);
  restart();
  const auto found = source_->seek(place);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_EQ(read(), Lines{});
  write("\nnew\n");
  EXPECT_EQ(read().back(), "new");
}

TEST_F(FileLogSourceTest, a_place_that_is_none_is_not_found) {
  write("one\n");
  for (const char* place : {"", "x", "1:2:3", "1:2:3:4:5:6", "1:2:999999999999999999999:4:5"}) {
    restart();
    EXPECT_FALSE(source_->seek(place)) << place;
    EXPECT_EQ(read(), Lines{"one"}) << place;
  }
}

TEST_F(FileLogSourceTest, what_is_no_file_is_told_at_a_bounded_rate) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(read(), Lines{});
  EXPECT_EQ(log_.count("log-unreadable"), 1);
}

TEST_F(FileLogSourceTest, waiting_ends_when_the_file_grows_and_at_the_stop) {
  write("one\n");
  EXPECT_EQ(read(), Lines{"one"});
  const UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  write("two\n");
  source_->wait(10min, stop.get());
  EXPECT_EQ(read(), Lines{"two"});
  const std::uint64_t number = 1;
  ASSERT_GT(::write(stop.get(), &number, sizeof number), 0);
  source_->wait(10min, stop.get());
}

}  // namespace
}  // namespace tlsrpt::sender
