// SPDX-License-Identifier: BSD-2-Clause
#include "sender/post_target.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

struct Case {
  const char* uri;
  const char* authority;
  const char* path;
};

constexpr Case kCases[] = {
    {"https://r.example/v1/tlsrpt", "r.example:443", "/v1/tlsrpt"},
    {"https://r.example", "r.example:443", "/"},
    {"https://r.example?key=1", "r.example:443", "/?key=1"},
    {"https://r.example/?", "r.example:443", "/?"},
    {"HTTPS://R.Example.:8443/A%2fb/../c?x=%2C&y#part", "r.example:8443", "/A%2fb/../c?x=%2C&y"},
    {"https://r.example:/x", "r.example:443", "/x"},
    {"https://r.example#a/b?c", "r.example:443", "/"},
    {"https://r.example/a:1?b]:2", "r.example:443", "/a:1?b]:2"},
    {"https://192.0.2.1:444/", "192.0.2.1:444", "/"},
    {"https://[2001:DB8::1]/x", "[2001:db8::1]:443", "/x"},
    {"https://[2001:db8::1]:8443", "[2001:db8::1]:8443", "/"},
};

TEST(PostTarget, is_host_port_and_the_path_as_it_stands) {
  for (const Case& each : kCases) {
    const auto target = read_post_target(each.uri);
    ASSERT_TRUE(target) << each.uri << ": " << target.error().detail;
    EXPECT_EQ(target->authority(), each.authority) << each.uri;
    EXPECT_EQ(target->path, each.path) << each.uri;
  }
}

TEST(PostTarget, is_nothing_but_https) {
  for (const char* uri : {"mailto:r@r.example", "http://r.example/", "https://u:p@r.example/",
                          "https://2130706433/", "https://0x7f.1/", "https:///x", ""})
    EXPECT_FALSE(read_post_target(uri)) << uri;
}

}  // namespace
}  // namespace tlsrpt::sender
