// SPDX-License-Identifier: BSD-2-Clause
#include "common/sqlite.hpp"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>

#include "common/unique_fd.hpp"

namespace tlsrpt {

namespace {

struct Advice {
  ErrorCode code = ErrorCode::database;
  std::string_view text;
};

constexpr Advice kNoRoom = {ErrorCode::temporary, "make room on its disk"};
constexpr Advice kNotAllowed = {
    ErrorCode::permission,
    "look at owner and mode of the file and its folder, and whether the disk can be written"};

/// For a file that cannot be opened, read or written, by what the system said.
Advice advice_for_errno(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
      return kNoRoom;
    case EACCES:
    case EPERM:
    case EROFS:
      return kNotAllowed;
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::not_found, "is the folder there?"};
    default:
      return {ErrorCode::database, "look at the disk and its file system"};
  }
}

/// What whoever meets the failure can do about it. Busy, locked and full may pass.
Advice advice_for(sqlite3* database) {
  switch (sqlite3_errcode(database)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::temporary, "another program holds it; try again later"};
    case SQLITE_FULL:
      return kNoRoom;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return kNotAllowed;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return advice_for_errno(sqlite3_system_errno(database));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::database,
              "the file is damaged, or no database: move it away, and a new one is made; "
              "sqlite3(1) .recover saves what can still be read"};
    default:
      return {};
  }
}

tl::unexpected<Error> fail_sqlite(sqlite3* database, std::string_view what) {
  std::string text = fmt::format("{}: {}", what, sqlite3_errmsg(database));
  const char* file = sqlite3_db_filename(database, "main");
  if (file != nullptr && *file != '\0' && what.find(file) == std::string_view::npos) {
    text += fmt::format(" ({})", file);
  }
  const Advice advice = advice_for(database);
  if (!advice.text.empty()) text += fmt::format("; {}", advice.text);
  return fail(advice.code, "{}", text);
}

int to_int_size(std::size_t size) { return static_cast<int>(size); }

/// The file is made here, so that its mode does not depend on SQLite's default of 0644. One that is
/// there already is not even opened: closing any descriptor of a file takes away all POSIX locks
/// that the process has on it, those of its other connections included, and another process could
/// then delete the write-ahead log under them (sqlite.org/howtocorrupt.html, 2.2).
Result<void> create_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!fd && errno != EEXIST) return fail_errno(errno, "cannot create the database " + path);
  return {};
}

Result<void> migrate(Sqlite& database, const std::string& path, SqliteMode mode,
                     const std::vector<std::string>& migrations) {
  const auto read_version = [&]() -> Result<std::int64_t> {
    auto query = database.prepare("PRAGMA user_version");
    if (!query) return tl::unexpected(query.error());
    if (auto row = query->step(); !row) return tl::unexpected(row.error());
    return query->integer(0);
  };
  auto version = read_version();
  if (!version) return tl::unexpected(version.error());
  const auto newest = static_cast<std::int64_t>(migrations.size());
  if (*version > newest) {
    return fail(ErrorCode::unsupported,
                "{} was made by a newer version of this program: use that one, or another database",
                path);
  }
  if (*version == newest) return {};
  if (mode == SqliteMode::read_only) {
    return fail(ErrorCode::unsupported,
                "{} was made by an older version; start the daemon once to bring it up to date",
                path);
  }
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  version = read_version();  // another process may have been quicker
  if (!version) return tl::unexpected(version.error());
  for (std::int64_t i = *version; i < newest; ++i) {
    if (auto done = database.execute(migrations[static_cast<std::size_t>(i)]); !done) return done;
  }
  if (auto done = database.execute(fmt::format("PRAGMA user_version={}", newest)); !done)
    return done;
  return transaction->commit();
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Sqlite::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index + 1, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null data() would bind NULL instead of an empty text.
  sqlite3_bind_text(statement_.get(), index + 1, text.empty() ? "" : text.data(),
                    to_int_size(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), index + 1, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_null(int index) {
  sqlite3_bind_null(statement_.get(), index + 1);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = fail_sqlite(sqlite3_db_handle(statement_.get()), "database statement failed");
  reset();
  return error;
}

Result<void> Statement::run() {
  auto row = step();
  reset();
  if (!row) return tl::unexpected(row.error());
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

void Statement::clear() {
  reset();
  sqlite3_clear_bindings(statement_.get());
}

LentStatement::LentStatement(LentStatement&& other) noexcept
    : Statement(std::move(other)), place_(std::exchange(other.place_, nullptr)) {}

LentStatement::~LentStatement() {
  if (place_ == nullptr) return;
  clear();
  *place_ = std::move(static_cast<Statement&>(*this));
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Sqlite> Sqlite::open(const std::string& path, SqliteMode mode,
                            const std::vector<std::string>& migrations, int busy_timeout_ms) {
  if (mode == SqliteMode::read_write_create) {
    if (auto created = create_file(path); !created) return tl::unexpected(created.error());
  }
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (mode == SqliteMode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Sqlite database;
  database.database_.reset(handle);
  if (code != SQLITE_OK) return fail_sqlite(handle, "cannot open the database " + path);
  // SQLite is content with reading where it may not write, and would tell at the first report.
  if (mode == SqliteMode::read_write_create && sqlite3_db_readonly(handle, "main") == 1) {
    return fail(kNotAllowed.code, "cannot write to the database {}; {}", path, kNotAllowed.text);
  }
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  sqlite3_extended_result_codes(handle, 0);
  const std::string_view settings =
      mode == SqliteMode::read_only
          ? "PRAGMA foreign_keys=ON"
          : "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON";
  if (auto done = database.execute(settings); !done) {
    return tl::unexpected(done.error().context("cannot use the database " + path));
  }
  if (auto done = migrate(database, path, mode, migrations); !done)
    return tl::unexpected(done.error());
  return database;
}

Result<Statement> Sqlite::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql.data(), to_int_size(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK) {
    return fail_sqlite(database_.get(), "cannot prepare a database statement");
  }
  Statement statement;
  statement.statement_.reset(handle);
  return statement;
}

Result<LentStatement> Sqlite::cached(std::string_view sql) {
  auto found = statements_->find(sql);
  if (found == statements_->end()) found = statements_->emplace(sql, Statement()).first;
  if (!found->second.statement_) {
    auto prepared = prepare(sql);
    if (!prepared) return tl::unexpected(prepared.error());
    found->second = std::move(*prepared);
  }
  return LentStatement(found->second);
}

Result<void> Sqlite::execute(std::string_view sql) {
  if (sqlite3_exec(database_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) !=
      SQLITE_OK) {
    return fail_sqlite(database_.get(), "database statement failed");
  }
  return {};
}

bool Sqlite::has_moved() const {
  if (!database_) return true;
  int moved = 0;
  return sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
             SQLITE_OK &&
         moved != 0;
}

std::int64_t Sqlite::changes() const { return sqlite3_changes64(database_.get()); }
std::int64_t Sqlite::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(database_.get());
}

Result<Transaction> Transaction::begin(Sqlite& database) {
  if (auto done = database.execute("BEGIN IMMEDIATE"); !done) return tl::unexpected(done.error());
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

Result<void> Transaction::commit() {
  if (auto done = database_->execute("COMMIT"); !done)
    return done;  // rolled back by the destructor
  database_ = nullptr;
  return {};
}

}  // namespace tlsrpt
