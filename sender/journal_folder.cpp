// SPDX-License-Identifier: BSD-2-Clause
#include "sender/journal_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace {

namespace fs = std::filesystem;

constexpr unsigned kMostJournals = 16;  // of one database on one machine
constexpr std::uint64_t kNameSeed = 1;

/// "outcomes-<database>-<slot>".
std::string name_of(std::string_view database, unsigned slot) {
  return fmt::format("outcomes-{:016x}-{}", seeded_hash(database, kNameSeed), slot);
}

bool is_empty_file(const std::string& path) {
  std::error_code error;
  return fs::file_size(path, error) == 0 && !error;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

JournalFolder JournalFolder::claim(const std::vector<std::string>& folders,
                                   std::string_view database) {
  JournalFolder result;
  result.id_ = random_seed();
  result.why_not_ = {ErrorCode::not_found, "there is no folder for the journal"};
  for (unsigned slot = 1; slot <= kMostJournals && !result.usable(); ++slot) {
    result.claim_first(folders, name_of(database, slot));
  }
  for (unsigned slot = 1; slot <= kMostJournals; ++slot) {
    result.adopt(folders, name_of(database, slot));
  }
  result.drop_superseded();
  return result;
}

/// Takes the lock of a journal; false if somebody has it, or there is none.
bool JournalFolder::claim_slot(const std::string& folder, const std::string& name, bool make) {
  const std::string path = folder + "/" + name + ".lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600));
  if (!fd) {
    if (make) why_not_ = fail_errno(errno, "cannot make " + path).value();
    return false;
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return false;
  locks_.push_back(std::move(fd));
  return true;
}

void JournalFolder::claim_first(const std::vector<std::string>& folders, const std::string& name) {
  for (const std::string& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error) || ::access(folder.c_str(), W_OK | X_OK) != 0) continue;
    if (claim_slot(folder, name, /*make=*/true)) {
      folder_ = folder;
      prefix_ = folder + "/" + name + ".";
      find_leftovers(folder, name + ".");
    }
    return;  // this folder, or none: a full list of locks is no reason to go elsewhere
  }
}

void JournalFolder::adopt(const std::vector<std::string>& folders, const std::string& name) {
  for (const std::string& folder : folders) {
    if (folder + "/" + name + "." == prefix_) continue;
    if (claim_slot(folder, name, /*make=*/false)) find_leftovers(folder, name + ".");
  }
}

void JournalFolder::find_leftovers(const std::string& folder, const std::string& file_prefix) {
  std::error_code error;
  for (fs::directory_iterator next(folder, error); !error && next != fs::directory_iterator();
       next.increment(error)) {
    const fs::directory_entry& entry = *next;
    const std::string name = entry.path().filename().native();
    if (!name.starts_with(file_prefix)) continue;
    const std::string_view rest = std::string_view(name).substr(file_prefix.size());
    const std::string path = entry.path().native();
    if (rest.ends_with(".new")) remove(path);  // was never finished; its parts are there
    if (!is_number(rest)) continue;
    if (auto header = read_journal_header(path)) {
      leftovers_.push_back({path, *header});
    } else if (is_empty_file(path)) {
      remove(path);
    } else if (std::rename(path.c_str(), (path + ".damaged").c_str()) == 0) {
      damaged_.push_back(path + ".damaged");
    }
  }
}

/// A segment that was made out of others, whose files could not be removed any more.
void JournalFolder::drop_superseded() {
  const auto in_another = [this](const Leftover& one) {
    return std::any_of(leftovers_.begin(), leftovers_.end(), [&](const Leftover& other) {
      return other.header.journal == one.header.journal &&
             other.header.number > one.header.number && other.header.from <= one.header.number;
    });
  };
  std::vector<Leftover> kept;
  for (const Leftover& one : leftovers_) {
    if (in_another(one)) {
      remove(one.path);
    } else {
      kept.push_back(one);
    }
  }
  std::sort(kept.begin(), kept.end(), [](const Leftover& a, const Leftover& b) {
    return std::pair(a.header.journal, a.header.number) <
           std::pair(b.header.journal, b.header.number);
  });
  leftovers_ = std::move(kept);
}

std::uint64_t JournalFolder::last_number() const {
  std::uint64_t last = 0;
  for (const Leftover& one : leftovers_) {
    if (one.path.starts_with(prefix_)) last = std::max(last, one.header.number);
  }
  return last;
}

std::string JournalFolder::path_of(std::uint64_t number) const {
  return prefix_ + std::to_string(number);
}

void JournalFolder::remove(const std::string& path) { static_cast<void>(::unlink(path.c_str())); }

}  // namespace tlsrpt::sender
