// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// SQLite in RAII and Result; no other file includes sqlite3.h.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tlsrpt {

class Sqlite;

/// A prepared statement. Parameters and columns count from 0.
class Statement {
 public:
  Statement() = default;

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);

  /// True: a row is there. False: done, and reset for the next use.
  Result<bool> step();
  /// For statements that give no rows: step, then reset.
  Result<void> run();
  void reset();
  /// As when it was prepared: reset, and without values.
  void clear();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;  ///< text or blob
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Sqlite;
  friend class LentStatement;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A statement on loan from Sqlite::cached. It must be given back, that is destroyed, before the
/// connection is.
class LentStatement : public Statement {
 public:
  LentStatement(LentStatement&& other) noexcept;
  LentStatement(const LentStatement&) = delete;
  LentStatement& operator=(const LentStatement&) = delete;
  LentStatement& operator=(LentStatement&&) = delete;
  ~LentStatement();

 private:
  friend class Sqlite;
  explicit LentStatement(Statement& place)
      : Statement(std::exchange(place, Statement())), place_(&place) {}
  Statement* place_;
};

enum class SqliteMode { read_write_create, read_only };

/// One connection: WAL, synchronous=FULL (a commit is on disk), foreign keys on. Threads: one at a
/// time.
class Sqlite {
 public:
  /// Creates the file (mode 0640) and its schema if need be. 'migrations': statement groups;
  /// user_version counts how many have been applied; each is run once, in one transaction. A
  /// database of a newer program is refused.
  static Result<Sqlite> open(const std::string& path, SqliteMode mode,
                             const std::vector<std::string>& migrations,
                             int busy_timeout_ms = 5000);

  Result<Statement> prepare(std::string_view sql);
  /// The same for statements that are used again and again: prepared once, and kept for as long as
  /// the connection is open. For texts of which there is a fixed number.
  Result<LentStatement> cached(std::string_view sql);
  Result<void> execute(std::string_view sql);
  [[nodiscard]] bool is_open() const { return database_ != nullptr; }
  /// Is the file no longer at its path, or none open? What is written then may be lost.
  [[nodiscard]] bool has_moved() const;
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_insert_rowid() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  using Statements = std::map<std::string, Statement, std::less<>>;
  std::unique_ptr<sqlite3, Close> database_;
  /// Behind a pointer, so that the places of statements on loan stay when the object moves.
  std::unique_ptr<Statements> statements_ = std::make_unique<Statements>();
  friend class Transaction;
};

/// BEGIN IMMEDIATE; rolled back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Sqlite& database);
  Transaction(Transaction&& other) noexcept;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Sqlite& database) : database_(&database) {}
  Sqlite* database_ = nullptr;
};

}  // namespace tlsrpt
