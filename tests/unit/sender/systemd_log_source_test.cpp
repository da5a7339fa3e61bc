// SPDX-License-Identifier: BSD-2-Clause
// Journals as systemd-journal-remote makes them out of the export format.
#include "sender/systemd_log_source.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
constexpr const char* kRemote = "/lib/systemd/systemd-journal-remote";

class SystemdLogSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kRemote)) GTEST_SKIP() << kRemote << " is not installed";
  }

  /// Entries with the numbers from .. to, in a file of that name. Each third is of another
  /// facility.
  void write(const std::string& name, int from, int to) const {
    std::ofstream file(temp_.file("export"));
    for (int number = from; number < to; ++number) {
      file << fmt::format(
          "__REALTIME_TIMESTAMP={0}\n__MONOTONIC_TIMESTAMP={1}\n"
          "_BOOT_ID=0123456789abcdef0123456789abcdef\nPRIORITY=6\nSYSLOG_FACILITY={2}\n"
          "SYSLOG_IDENTIFIER=postfix/smtp\nSYSLOG_PID={3}\n_PID=1\nMESSAGE=number {4}\n"
          "_SOURCE_REALTIME_TIMESTAMP={5}\n\n",
          1772366400000000 + number * 1000000LL, 1000000 + number, number % 3 == 2 ? 3 : 2,
          4000 + number, number, 1772366400000000 + number * 1000000LL - 5000000);
    }
    file.close();
    const std::string command = fmt::format("{} -o {} {} >{} 2>&1", kRemote, temp_.file(name),
                                            temp_.file("export"), temp_.file("output"));
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  static std::vector<std::string> read(SystemdLogSource& source, std::size_t at_most = 1000) {
    std::vector<std::string> texts;
    EXPECT_TRUE(source.read(at_most, [&](const LogItem& item) {
      EXPECT_FALSE(item.has_header);
      EXPECT_EQ(item.entry.identity, "postfix/smtp");
      texts.push_back(fmt::format("{} {} {}", item.entry.at.time_since_epoch().count() - 1772366395,
                                  item.entry.pid, item.entry.text));
    }));
    return texts;
  }

  std::unique_ptr<SystemdLogSource> open() const {
    return SystemdLogSource::open(temp_.path()).value();
  }

  TempDir temp_;
};

using Texts = std::vector<std::string>;

TEST_F(SystemdLogSourceTest, gives_the_entries_of_the_facility_mail) {
  write("a.journal", 0, 6);
  const auto source = open();
  EXPECT_EQ(read(*source),
            (Texts{"0 4000 number 0", "1 4001 number 1", "3 4003 number 3", "4 4004 number 4"}));
  EXPECT_EQ(read(*source), Texts{});
}

TEST_F(SystemdLogSourceTest, goes_on_where_it_was_left) {
  write("a.journal", 0, 9);
  auto source = open();
  EXPECT_EQ(read(*source, 3).size(), 3u);
  const std::string place = source->position();
  source = open();
  ASSERT_TRUE(source->seek(place));
  EXPECT_EQ(source->position(), place);
  EXPECT_EQ(read(*source), (Texts{"4 4004 number 4", "6 4006 number 6", "7 4007 number 7"}));
}

TEST_F(SystemdLogSourceTest, the_end_is_behind_the_last_entry) {
  write("a.journal", 0, 6);
  const auto source = open();
  ASSERT_TRUE(source->seek_to_end());
  EXPECT_EQ(read(*source), Texts{});
  const std::string place = source->position();
  write("a.journal", 6, 8);
  const auto next = open();
  ASSERT_TRUE(next->seek(place));
  EXPECT_EQ(read(*next), (Texts{"6 4006 number 6", "7 4007 number 7"}));
}

TEST_F(SystemdLogSourceTest, an_entry_that_was_vacuumed_is_told_and_the_next_ones_are_given) {
  write("a.journal", 0, 6);
  write("b.journal", 6, 9);
  auto source = open();
  EXPECT_EQ(read(*source, 2).size(), 2u);
  const std::string place = source->position();
  fs::remove(temp_.file("a.journal"));
  source = open();
  const auto found = source->seek(place);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_EQ(read(*source), (Texts{"6 4006 number 6", "7 4007 number 7"}));
}

TEST_F(SystemdLogSourceTest, a_place_that_is_none_is_not_found) {
  write("a.journal", 0, 2);
  const auto source = open();
  EXPECT_FALSE(source->seek("no cursor"));
  EXPECT_EQ(read(*source).size(), 2u);
}

}  // namespace
}  // namespace tlsrpt::sender
