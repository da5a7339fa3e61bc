// SPDX-License-Identifier: BSD-2-Clause
#include "common/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace tlsrpt {
namespace {

TEST(Error, context_says_what_each_layer_was_doing) {
  const Error inner{ErrorCode::io, "disk full"};
  EXPECT_EQ(inner.context("writing /x").detail, "writing /x: disk full");
  EXPECT_EQ(inner.context("writing /x").code, ErrorCode::io);
}

TEST(Error, errno_chooses_the_code) {
  EXPECT_EQ(fail_errno(EACCES, "open /x").value().code, ErrorCode::permission);
  EXPECT_EQ(fail_errno(ENOENT, "open /x").value().code, ErrorCode::not_found);
  EXPECT_EQ(fail_errno(EIO, "open /x").value().code, ErrorCode::io);
  EXPECT_EQ(fail_errno(EACCES, "open /x").value().detail, "open /x: Permission denied");
}

}  // namespace
}  // namespace tlsrpt
