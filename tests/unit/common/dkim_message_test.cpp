// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_message.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::dkim {
namespace {

std::vector<std::string> selected(const MessageView& view, const std::vector<std::string>& names,
                                  const HeaderField* without = nullptr) {
  std::vector<std::string> texts;
  for (const HeaderField* field : view.select(names, without)) texts.emplace_back(field->text);
  return texts;
}

TEST(DkimMessage, splits_folded_fields_and_body_with_either_line_end) {
  for (const std::string end : {"\r\n", "\n"}) {
    const std::string text = "A: 1" + end + " 2" + end + "b :3" + end + end + "body" + end;
    const auto view = MessageView::split(text);
    ASSERT_TRUE(view);
    ASSERT_EQ(view->fields().size(), 2u);
    EXPECT_EQ(view->fields()[0].text, "A: 1" + end + " 2");
    EXPECT_EQ(view->fields()[1].name, "b");
    EXPECT_EQ(view->body(), "body" + end);
  }
}

TEST(DkimMessage, passes_over_lines_that_are_no_field) {
  const auto view = MessageView::split(
      " folded nothing\r\nFrom a@b Mon Mar  1 00:00:00 2026\r\njunk\r\n of two lines: x\r\n"
      ": no name\r\nA: 1\r\nB\xc3\xa4: 2\r\n");
  ASSERT_TRUE(view);
  ASSERT_EQ(view->fields().size(), 1u);
  EXPECT_EQ(view->fields()[0].text, "A: 1");
  EXPECT_EQ(view->body(), "");
}

TEST(DkimMessage, notices_a_header_that_can_be_read_in_two_ways) {
  const auto regular = [](const std::string& header) {
    return MessageView::split(header + "\r\nA: body\r\n")->is_regular();
  };
  for (const char* header :
       {"", "A: 1\r\n", "A: 1\n 2\n", "From a@b Mon Mar  1 00:00:00 2026\r\nA: 1\r\n",
        "X-Spam : yes\r\n\tno: yes\r\n", "A:\r\n \r\n", "A: --b\r\n --b\r\n", "_A: 1\r\n"}) {
    EXPECT_TRUE(regular(header)) << header;
  }
  for (const char* header :
       {"junk\r\n", "A: 1\r\njunk\r\nB: 2\r\n", "A: 1\r\nFrom a@b Mon\r\n", ": no name\r\n",
        " folded nothing\r\nA: 1\r\n", "A: 1\r\njunk\r\n more\r\n", "--b:\r\n",
        "A: 1\r\n--b: 2\r\n", "{\"a\":1}\r\n", "[\"a\":1]\r\n", "A: 1\rB: 2\r\n", "A: 1\r\r\n",
        "A: 1\r\n 2\r3\r\n", "B\xc3\xa4: 2\r\n", "A b: 2\r\n"}) {
    EXPECT_FALSE(regular(header)) << header;
  }
  EXPECT_FALSE(regular(std::string("A: 1\0\r\n", 8)));
}

TEST(DkimMessage, selects_from_the_bottom_up_and_nothing_where_none_is_left) {
  const auto view = MessageView::split("A: 1\r\nB: 2\r\nA: 3\r\na: 4\r\n\r\n");
  using Texts = std::vector<std::string>;
  EXPECT_EQ(selected(*view, {"A"}), (Texts{"a: 4"}));
  EXPECT_EQ(selected(*view, {"a", "b", "A", "c", "A", "A", "b"}),
            (Texts{"a: 4", "B: 2", "A: 3", "A: 1"}));
  EXPECT_EQ(selected(*view, {"a", "a", "a"}, &view->fields()[2]), (Texts{"a: 4", "A: 1"}));
}

TEST(DkimMessage, refuses_headers_beyond_all_measure) {
  std::string many;
  for (int i = 0; i < 20001; ++i) many += "a:\n";
  EXPECT_FALSE(MessageView::split(many));
  EXPECT_FALSE(MessageView::split("A: " + std::string(5u << 20, 'x') + "\r\n\r\n"));
  EXPECT_TRUE(MessageView::split("A: x\r\n\r\n" + std::string(5u << 20, 'x')));
}

}  // namespace
}  // namespace tlsrpt::dkim
