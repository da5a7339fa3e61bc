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
  EXPECT_EQ(split_mbox(kFrom + "A: b\r\n\r\nx\r\n\r\n" + kFrom, 10).messages.size(), 2u);
}

TEST(SplitMbox, says_that_messages_were_left_out) {
  const std::string three = kFrom + "\n" + kFrom + "\n" + kFrom;
  EXPECT_TRUE(split_mbox(three, 3).complete);
  const Mailbox cut = split_mbox(three, 2);
  EXPECT_FALSE(cut.complete);
  EXPECT_EQ(cut.messages.size(), 2u);
}

}  // namespace
}  // namespace tlsrpt
