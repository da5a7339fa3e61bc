// SPDX-License-Identifier: BSD-2-Clause
#include "common/mbox.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tlsrpt {
namespace {

const std::string kFrom = "From a@b.example Mon Mar  2 01:00:00 2026\n";

TEST(SplitMbox, finds_each_message) {
  using Messages = std::vector<std::string_view>;
  const std::string file = kFrom + "A: b\n\nbody\n\n" + kFrom + "C: d\n\n>From x 01:00\n";
  EXPECT_EQ(split_mbox(file, 10).messages,
            (Messages{"A: b\n\nbody\n\n", "C: d\n\n>From x 01:00\n"}));
  const std::string no_messages = kFrom + "\n" + kFrom;
  EXPECT_EQ(split_mbox(no_messages, 10).messages, (Messages{"\n", ""}));
  EXPECT_EQ(split_mbox("From ", 10).messages, (Messages{""}));
  EXPECT_TRUE(split_mbox("", 10).messages.empty());
}

TEST(SplitMbox, takes_text_for_text) {
  for (const std::string& body :
       {"text\n" + kFrom, std::string("\nFrom here on\n"), "\n " + kFrom, "\n>" + kFrom}) {
    SCOPED_TRACE(body);
    EXPECT_EQ(split_mbox(kFrom + "A: b\n\nx\n" + body, 10).messages.size(), 1u);
  }
  for (const char* line : {"From 10:30 on", "From Monday 2 March 10:30", "From Mar 2026 on",
                           "From 2026 and 10:30:00", "from a@b.example Mon Mar  2 01:00:00 2026"})
    EXPECT_EQ(split_mbox(kFrom + "A: b\n\nx\n\n" + line + "\n", 10).messages.size(), 1u) << line;
  for (const char* line : {"From - Mon, 02 Mar 2026 01:00:00 +0000", "From a Mon Mar 2 01:00 2026",
                           "From MAILER-DAEMON Mon Mar  2 01:00:00 CET 2026\r"})
    EXPECT_EQ(split_mbox(kFrom + "A: b\n\nx\n\n" + line + "\n", 10).messages.size(), 2u) << line;
  EXPECT_EQ(split_mbox(kFrom + "A: b\r\n\r\nx\r\n\r\n" + kFrom, 10).messages.size(), 2u);
}

TEST(SplitMbox, says_that_messages_were_left_out) {
  const std::string three = kFrom + "\n" + kFrom + "\n" + kFrom;
  EXPECT_TRUE(split_mbox(three, 3).complete);
  const Mailbox cut = split_mbox(three, 2);
  EXPECT_FALSE(cut.complete);
  EXPECT_EQ(cut.messages.size(), 2u);
}

/// Gives the text in pieces of some size.
ByteSource source_of(const std::string& text, std::size_t step) {
  return [&text, step, at = std::size_t{0}](char* to, std::size_t size) mutable {
    const std::size_t count = text.copy(to, std::min(size, step), at);
    at += count;
    return Result<std::size_t>(count);
  };
}

std::vector<std::string> read_all(const std::string& text, std::size_t step) {
  MboxReader reader(source_of(text, step), 10u << 20);
  std::vector<std::string> messages;
  for (;;) {
    auto message = reader.next();
    if (!message || !*message) return messages;
    messages.push_back((*message)->bytes);
  }
}

TEST(MboxReader, finds_what_the_split_finds_however_the_bytes_come) {
  const std::string long_line(200'000, 'x');
  const std::vector<std::string> files = {
      kFrom + "A: b\n\nbody\n\n" + kFrom + "C: d\n\n>From x 01:00\n",
      kFrom + "\n" + kFrom,
      "From ",
      kFrom,
      kFrom + "A: b\n\nx\ntext\n" + kFrom,
      kFrom + "A: b\r\n\r\nx\r\n\r\n" + kFrom + "last line without an end",
      kFrom + "A: b\n\n" + long_line + kFrom + "\n\n" + kFrom + long_line + "\n\nFrom on\n",
      "From a " + long_line + "\nA: b\n\nc\n\nFrom b 10:00 " + long_line + "\nD: e\n"};
  for (const std::string& file : files) {
    const Mailbox split = split_mbox(file, 100);
    const std::vector<std::string> expected(split.messages.begin(), split.messages.end());
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{65536}}) {
      SCOPED_TRACE(file.substr(0, 60) + " in steps of " + std::to_string(step));
      EXPECT_EQ(read_all(file, step), expected);
    }
  }
}

TEST(MboxReader, keeps_the_beginning_of_a_message_over_the_limit_and_goes_on) {
  const std::string file = kFrom + "12345\n6789\n\n" + kFrom + "1234567890" + "\n\n" + kFrom;
  MboxReader reader(source_of(file, 3), 12);
  const auto whole = reader.next();
  ASSERT_TRUE(whole && *whole);
  EXPECT_EQ((*whole)->bytes, "12345\n6789\n\n");
  EXPECT_FALSE((*whole)->cut());
  const auto at_limit = reader.next();
  ASSERT_TRUE(at_limit && *at_limit);
  EXPECT_EQ((*at_limit)->size, 12u);
  EXPECT_FALSE((*at_limit)->cut());
  MboxReader narrow(source_of(file, 3), 11);
  const auto cut = narrow.next();
  ASSERT_TRUE(cut && *cut);
  EXPECT_EQ((*cut)->bytes, "12345\n6789\n");
  EXPECT_EQ((*cut)->size, 12u);
  EXPECT_TRUE((*cut)->cut());
}

TEST(MboxReader, tells_that_reading_failed) {
  MboxReader reader([](char*, std::size_t) -> Result<std::size_t> { return fail_errno(5, "x"); },
                    100);
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace tlsrpt
