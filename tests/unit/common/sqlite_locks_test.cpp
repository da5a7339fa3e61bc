// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "common/sqlite.hpp"
#include "common/unique_fd.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt {
namespace {

// Where SQLite puts the shared lock of a connection: behind the pending and the reserved byte.
constexpr off_t kSharedFirst = 0x40000002;
constexpr off_t kSharedSize = 510;

/// Whether this process holds SQLite's shared lock. The look itself would take POSIX locks away
/// when its descriptor is closed, so the descriptor is the caller's.
bool holds_shared_lock(const UniqueFd& fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kSharedFirst;
  lock.l_len = kSharedSize;
  EXPECT_EQ(::fcntl(fd.get(), F_OFD_GETLK, &lock), 0);
  return lock.l_type == F_RDLCK;
}

TEST(Sqlite, leaves_the_locks_of_other_connections_of_the_process_alone) {
  const TempDir dir;
  const std::string path = dir.file("test.db");
  const auto first =
      Sqlite::open(path, SqliteMode::read_write_create, {"CREATE TABLE t (a INTEGER)"});
  ASSERT_TRUE(first.has_value());
  const UniqueFd probe(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(holds_shared_lock(probe));
  for (const SqliteMode mode : {SqliteMode::read_write_create, SqliteMode::read_only}) {
    ASSERT_TRUE(Sqlite::open(path, mode, {"CREATE TABLE t (a INTEGER)"}).has_value());
    EXPECT_TRUE(holds_shared_lock(probe));
  }
}

}  // namespace
}  // namespace tlsrpt
