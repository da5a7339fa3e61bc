// SPDX-License-Identifier: BSD-2-Clause
#include "milter/input_stream.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

constexpr std::string_view kFrom = "From a@b.example Sun Mar  1 00:00:00 2026\n";

InputFile file_with(const TempDir& directory, const std::string& name, std::string_view bytes) {
  std::ofstream(directory.file(name), std::ios::binary) << bytes;
  return {directory.file(name), bytes.size(), true};
}

TEST(InputStream, gives_files_whole_up_to_the_limit) {
  const TempDir directory;
  const StopSignals stop;
  std::vector<InputFile> files;
  const std::vector<std::string> contents = {"", "1", "12345", "1234567890", "12345678901"};
  for (const std::string& bytes : contents) {
    files.push_back(file_with(directory, std::to_string(bytes.size()), bytes));
  }
  InputStream stream(files, 10, stop);
  EXPECT_EQ(stream.bytes(), 27u);
  for (const std::string& bytes : contents) {
    const auto item = stream.next();
    ASSERT_TRUE(item);
    EXPECT_FALSE(item->unreadable);
    EXPECT_EQ(item->bytes, bytes.substr(0, 10));
    EXPECT_EQ(item->cut, bytes.size() > 10);
  }
  EXPECT_FALSE(stream.next());
  EXPECT_EQ(stream.files_done(), contents.size());
}

TEST(InputStream, gives_the_messages_of_an_mbox_one_by_one_each_with_its_own_limit) {
  const TempDir directory;
  const StopSignals stop;
  const std::string mbox = std::string(kFrom) + "A: 1\n\n" + std::string(kFrom) + "B: 23456789\n";
  InputStream stream({file_with(directory, "m", mbox), file_with(directory, "n", "{}")}, 10, stop);
  const auto first = stream.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->bytes, "A: 1\n\n");
  EXPECT_EQ(first->name.message, 1u);
  EXPECT_EQ(first->name.in_words(), directory.file("m") + ", message 1");
  const auto second = stream.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->name.message, 2u);
  EXPECT_TRUE(second->cut);
  const auto third = stream.next();
  ASSERT_TRUE(third);
  EXPECT_EQ(third->name.message, 0u);
  EXPECT_EQ(third->bytes, "{}");
  EXPECT_FALSE(stream.next());
}

TEST(InputStream, an_mbox_may_begin_with_a_byte_order_mark_or_empty_lines) {
  const TempDir directory;
  const StopSignals stop;
  const std::string mbox = fmt::format("\xef\xbb\xbf\r\n\n{0}A: 1\n\n{0}B: 2\n", kFrom);
  InputStream stream({file_with(directory, "m", mbox)}, 1000, stop);
  for (const char* expected : {"A: 1\n\n", "B: 2\n"}) {
    const auto item = stream.next();
    ASSERT_TRUE(item);
    EXPECT_EQ(item->bytes, expected);
  }
  EXPECT_FALSE(stream.next());
  InputStream single({file_with(directory, "n", mbox)}, 1000, stop, FromLine::precedes_one_mail);
  const auto item = single.next();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->bytes, "A: 1\n\n" + std::string(kFrom) + "B: 2\n");
}

TEST(InputStream, a_mail_server_may_put_a_from_line_in_front_of_the_one_mail) {
  const TempDir directory;
  const StopSignals stop;
  const std::string mail = "A: 1\n\ntext\n\n" + std::string(kFrom) + "more text\n";
  InputStream stream({file_with(directory, "m", std::string(kFrom) + mail),
                      file_with(directory, "n", "From "), file_with(directory, "o", mail)},
                     1000, stop, FromLine::precedes_one_mail);
  for (const std::string& expected : {mail, std::string("From "), mail}) {
    const auto item = stream.next();
    ASSERT_TRUE(item);
    EXPECT_EQ(item->bytes, expected);
    EXPECT_EQ(item->name.message, 0u);
  }
}

TEST(InputStream, what_cannot_be_read_is_told_and_the_others_go_on) {
  const TempDir directory;
  const StopSignals stop;
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("/etc/passwd", directory.file("link"));
  InputStream stream({{directory.file("missing"), 0, false},
                      {directory.file("fifo"), 0, true},
                      {directory.file("link"), 0, true},
                      file_with(directory, "good", "x")},
                     10, stop);
  for (int i = 0; i < 3; ++i) {
    const auto item = stream.next();
    ASSERT_TRUE(item);
    EXPECT_TRUE(item->unreadable) << item->name.path;
  }
  const auto good = stream.next();
  ASSERT_TRUE(good);
  EXPECT_EQ(good->bytes, "x");
}

TEST(InputStream, a_signal_ends_it_between_files_and_while_it_waits_for_a_pipe) {
  const TempDir directory;
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  sigset_t hangup;
  ::sigemptyset(&hangup);
  ::sigaddset(&hangup, SIGHUP);
  const StopSignals stop;
  InputStream stream({{directory.file("fifo"), 0, false}, file_with(directory, "a", "x")}, 10,
                     stop);
  ::raise(SIGHUP);  // to this thread, where it stays pending
  EXPECT_TRUE(stop.came());
  EXPECT_FALSE(stop.wait_readable(-1));
  EXPECT_FALSE(stream.next());
  int taken = 0;
  // Not sigwait: this program has milter_server's, which never takes a HUP.
  taken = ::sigwaitinfo(&hangup, nullptr);
  EXPECT_EQ(taken, SIGHUP);
  EXPECT_FALSE(stop.came());
}

}  // namespace
}  // namespace tlsrpt::milter
