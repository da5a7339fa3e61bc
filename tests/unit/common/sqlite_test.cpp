// SPDX-License-Identifier: BSD-2-Clause
#include "common/sqlite.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt {
namespace {

const std::vector<std::string> kOne = {"CREATE TABLE t(n INTEGER, s TEXT, b BLOB) STRICT"};

TEST(Sqlite, keeps_values_of_each_kind) {
  const TempDir dir;
  auto database = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne);
  ASSERT_TRUE(database) << database.error().detail;
  auto insert = database->prepare("INSERT INTO t VALUES(?,?,?)");
  ASSERT_TRUE(insert);
  const std::string blob("\0\xff", 2);
  ASSERT_TRUE(insert->bind(0, -5).bind(1, "'; DROP TABLE t; --").bind_blob(2, blob).run());
  ASSERT_TRUE(insert->bind_null(0).bind(1, "").bind_blob(2, "").run());
  auto query = database->prepare("SELECT n, s, b FROM t ORDER BY rowid");
  ASSERT_TRUE(query);
  ASSERT_EQ(query->step(), true);
  EXPECT_EQ(query->integer(0), -5);
  EXPECT_EQ(query->text(1), "'; DROP TABLE t; --");
  EXPECT_EQ(query->text(2), blob);
  ASSERT_EQ(query->step(), true);
  EXPECT_TRUE(query->is_null(0));
  EXPECT_FALSE(query->is_null(1));
  EXPECT_EQ(query->text(1), "");
  EXPECT_EQ(query->step(), false);
}

TEST(Sqlite, a_transaction_that_is_not_committed_leaves_nothing) {
  const TempDir dir;
  auto database = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne);
  ASSERT_TRUE(database);
  {
    auto transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->execute("INSERT INTO t(n) VALUES(1)"));
  }
  {
    auto transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->execute("INSERT INTO t(n) VALUES(2)"));
    ASSERT_TRUE(transaction->commit());
  }
  auto query = database->prepare("SELECT sum(n) FROM t");
  ASSERT_TRUE(query->step());
  EXPECT_EQ(query->integer(0), 2);
}

TEST(Sqlite, migrations_run_once_each_and_keep_the_data) {
  const TempDir dir;
  {
    auto database = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("INSERT INTO t(n) VALUES(1)"));
  }
  std::vector<std::string> two = kOne;
  two.emplace_back("ALTER TABLE t ADD COLUMN more INTEGER DEFAULT 7");
  {
    auto database = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, two);
    ASSERT_TRUE(database) << database.error().detail;
    auto query = database->prepare("SELECT n + more FROM t");
    ASSERT_TRUE(query->step());
    EXPECT_EQ(query->integer(0), 8);
  }
  const auto older = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::unsupported);
}

TEST(Sqlite, a_failing_migration_changes_nothing) {
  const TempDir dir;
  ASSERT_TRUE(Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne));
  std::vector<std::string> bad = kOne;
  bad.emplace_back("CREATE TABLE u(n); INSERT INTO nowhere VALUES(1)");
  EXPECT_FALSE(Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, bad));
  auto database = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne);
  ASSERT_TRUE(database);
  EXPECT_FALSE(database->prepare("SELECT * FROM u"));
}

TEST(Sqlite, the_file_is_not_for_everybody) {
  const TempDir dir;
  ASSERT_TRUE(Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne));
  struct stat info {};
  ASSERT_EQ(::stat(dir.file("x.db").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07, 0u);
}

TEST(Sqlite, errors_name_the_file) {
  const auto missing = Sqlite::open("/nonexistent/x.db", SqliteMode::read_only, {});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().detail.find("/nonexistent/x.db"), std::string::npos);
}

TEST(Sqlite, a_lock_held_by_another_is_temporary) {
  const TempDir dir;
  auto first = Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne);
  auto second =
      Sqlite::open(dir.file("x.db"), SqliteMode::read_write_create, kOne, /*busy_timeout_ms=*/1);
  ASSERT_TRUE(first && second);
  auto held = Transaction::begin(*first);
  ASSERT_TRUE(held);
  const auto refused = Transaction::begin(*second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::temporary);
}

}  // namespace
}  // namespace tlsrpt
