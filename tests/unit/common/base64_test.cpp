// SPDX-License-Identifier: BSD-2-Clause
#include "common/base64.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tlsrpt {
namespace {

TEST(Base64, encodes_and_decodes_the_vectors_of_rfc_4648) {
  const std::vector<std::pair<std::string, std::string>> kVectors = {{"", ""},
                                                                     {"f", "Zg=="},
                                                                     {"fo", "Zm8="},
                                                                     {"foo", "Zm9v"},
                                                                     {"foob", "Zm9vYg=="},
                                                                     {"fooba", "Zm9vYmE="},
                                                                     {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : kVectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded), plain);
  }
}

TEST(Base64, carries_every_byte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(base64_decode(base64_encode(bytes.substr(0, size))), bytes.substr(0, size));
  }
}

TEST(Base64, ignores_white_space_wherever_it_stands) {
  EXPECT_EQ(base64_decode(" Zm\r\n\t9v Y g =\r\n = \n"), "foob");
}

TEST(Base64, refuses_what_is_not_base64) {
  for (const std::string text :
       {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zg=v", "Zg==Zm9v",
        "Zm9v=", "Zm9v====", "Zm-v", "Zm_v", "Zm9v!", "Zm.v", "Z=g=", "\xc3\xa4Zm9v"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_FALSE(base64_decode(std::string("Zm9v\0", 5)));
}

TEST(Base64, forgives_bits_that_the_last_group_does_not_use) {
  EXPECT_EQ(base64_decode("Zh=="), "f");
}

}  // namespace
}  // namespace tlsrpt
