// SPDX-License-Identifier: BSD-2-Clause
#include "sender/dot_stuffing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tlsrpt::sender {
namespace {

std::string stuffed(std::string_view message, std::size_t piece = 1u << 20) {
  std::string out;
  for (std::size_t begin = 0; begin < message.size(); begin += piece) {
    append_stuffed(out, message, begin, begin + std::min(piece, message.size() - begin));
  }
  return out;
}

struct Vector {
  const char* message;
  const char* wire;
};

TEST(DotStuffing, doubles_the_dot_that_begins_a_line) {
  for (const auto& [message, wire] : {
           Vector{"", ""},
           Vector{".", ".."},
           Vector{"..", "..."},
           Vector{"a.b\r\n", "a.b\r\n"},
           Vector{".\r\n", "..\r\n"},
           Vector{"a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n"},
           Vector{"\r\n.\r\n.\r\n..x\r\n", "\r\n..\r\n..\r\n...x\r\n"},
           Vector{"a\n.b\r.c\r\n", "a\n..b\r.c\r\n"},
       }) {
    EXPECT_EQ(stuffed(message), wire);
    for (std::size_t piece = 1; piece < 5; ++piece) {
      EXPECT_EQ(stuffed(message, piece), wire) << "in pieces of " << piece;
    }
  }
}

TEST(DotStuffing, ends_the_data_on_a_line_of_its_own) {
  EXPECT_EQ(end_of_data("a\r\n"), ".\r\n");
  EXPECT_EQ(end_of_data("a"), "\r\n.\r\n");
  EXPECT_EQ(end_of_data("a\n"), "\r\n.\r\n");
  EXPECT_EQ(end_of_data(""), ".\r\n");
}

}  // namespace
}  // namespace tlsrpt::sender
