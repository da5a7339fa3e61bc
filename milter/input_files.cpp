// SPDX-License-Identifier: BSD-2-Clause
#include "milter/input_files.hpp"

#include <algorithm>
#include <filesystem>

namespace tlsrpt::milter {

namespace {

namespace fs = std::filesystem;

bool is_maildir(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "cur", ignored) && fs::is_directory(folder / "new", ignored);
}

Result<std::vector<fs::directory_entry>> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    if (entries.size() == kMaxFiles) {
      return fail(ErrorCode::limit_exceeded, "{} has more than {} files; give it in parts",
                  folder.native(), kMaxFiles);
    }
    entries.push_back(*at);
  }
  if (error) return fail_errno(error.value(), "cannot read the folder " + folder.native());
  std::sort(entries.begin(), entries.end());
  return entries;
}

class Walk {
 public:
  explicit Walk(InputFiles& found) : found_(found) {}

  Result<void> folder(const fs::path& folder, unsigned depth) {
    const bool maildir = is_maildir(folder);
    if (maildir) {
      for (const char* messages : {"cur", "new"}) {
        if (auto done = files_of(folder / messages); !done) return done;
      }
    }
    auto entries = entries_of(folder);
    if (!entries) return tl::unexpected(entries.error());
    for (const fs::directory_entry& entry : *entries) {
      if (maildir) {
        below_maildir(entry, depth);
      } else if (!is_hidden(entry)) {
        take(entry, depth);
      }
    }
    return {};
  }

 private:
  static bool is_hidden(const fs::directory_entry& entry) {
    return entry.path().filename().native().starts_with('.');
  }

  static fs::file_type type_of(const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.symlink_status(ignored).type();
  }

  void below(const fs::directory_entry& entry, unsigned depth) {
    if (depth == kMaxFolderDepth) {
      skip(entry, "folders nest too deeply");
    } else if (auto done = folder(entry.path(), depth + 1); !done) {
      found_.unreadable.push_back(done.error());
    }
  }

  /// Its other files are the server's own.
  void below_maildir(const fs::directory_entry& entry, unsigned depth) {
    const std::string& name = entry.path().filename().native();
    if (type_of(entry) != fs::file_type::directory || name == "cur" || name == "new") return;
    if (is_maildir(entry.path())) below(entry, depth);
  }

  void take(const fs::directory_entry& entry, unsigned depth) {
    switch (type_of(entry)) {
      case fs::file_type::regular:
        add(entry);
        break;
      case fs::file_type::directory:
        below(entry, depth);
        break;
      case fs::file_type::symlink:
        skip(entry, "a symbolic link");
        break;
      case fs::file_type::block:
      case fs::file_type::character:
      case fs::file_type::fifo:
      case fs::file_type::socket:
      case fs::file_type::none:
      case fs::file_type::not_found:
      case fs::file_type::unknown:
        skip(entry, "not a regular file");
        break;
    }
  }

  Result<void> files_of(const fs::path& folder) {
    auto entries = entries_of(folder);
    if (!entries) return tl::unexpected(entries.error());
    for (const fs::directory_entry& entry : *entries) {
      if (!is_hidden(entry) && type_of(entry) != fs::file_type::directory) take(entry, 0);
    }
    return {};
  }

  void add(const fs::directory_entry& entry) {
    if (found_.files.size() == kMaxFiles) {
      skip(entry, "more files than are read at once; give the folders one by one");
      return;
    }
    std::error_code ignored;
    const auto size = entry.file_size(ignored);
    found_.files.push_back({entry.path().native(), ignored ? 0 : size, /*in_folder=*/true});
  }

  void skip(const fs::directory_entry& entry, std::string_view why) {
    constexpr std::size_t kTold = 100;
    if (found_.skipped.size() < kTold) {
      found_.skipped.push_back(fmt::format("{} was skipped: {}", entry.path().native(), why));
    } else if (found_.skipped.size() == kTold) {
      found_.skipped.emplace_back("more was skipped");
    }
  }

  InputFiles& found_;
};

}  // namespace

Result<InputFiles> input_files(const std::string& argument) {
  InputFiles found;
  std::error_code error;
  if (argument != "-" && fs::is_directory(argument, error)) {
    if (auto done = Walk(found).folder(argument, 0); !done) return tl::unexpected(done.error());
    return found;
  }
  if (argument != "-" && error) return fail_errno(error.value(), "cannot read " + argument);
  std::error_code unknown;  // the size of a pipe
  const auto size = argument == "-" ? 0 : fs::file_size(argument, unknown);
  found.files.push_back({argument, unknown ? 0 : size, /*in_folder=*/false});
  return found;
}

}  // namespace tlsrpt::milter
