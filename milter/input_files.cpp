// SPDX-License-Identifier: BSD-2-Clause
#include "milter/input_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "common/file.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt::milter {

namespace {

namespace fs = std::filesystem;

Result<void> add_files(const fs::path& folder, std::vector<std::string>& files) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  std::vector<std::string> found;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code unknown;  // a link to nowhere is no regular file
    const bool hidden = entries->path().filename().native().starts_with('.');
    if (!hidden && entries->is_regular_file(unknown)) found.push_back(entries->path().native());
  }
  if (error) return fail_errno(error.value(), "cannot read the folder " + folder.native());
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
  return {};
}

/// The first bytes of an mbox.
constexpr std::string_view kMboxMark = "From ";

/// Up to as many bytes as the mark has, and fewer only at the end of the input.
Result<std::string> read_mark(int fd, const std::string& path) {
  std::string mark(kMboxMark.size(), '\0');
  std::size_t size = 0;
  while (size < mark.size()) {
    const ssize_t got = ::read(fd, mark.data() + size, mark.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read " + path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  mark.resize(size);
  return mark;
}

}  // namespace

Result<std::vector<std::string>> input_files(const std::string& argument) {
  std::vector<std::string> files;
  std::error_code error;
  if (argument == "-" || !fs::is_directory(argument, error)) {
    if (error) return fail_errno(error.value(), "cannot read " + argument);
    files.push_back(argument);
    return files;
  }
  const fs::path folder(argument);
  std::vector<fs::path> folders = {folder};
  std::error_code ignored;
  if (fs::is_directory(folder / "cur", ignored) && fs::is_directory(folder / "new", ignored)) {
    folders = {folder / "cur", folder / "new"};
  }
  for (const fs::path& one : folders) {
    if (auto done = add_files(one, files); !done) return tl::unexpected(done.error());
  }
  return files;
}

Result<std::string> read_input(const std::string& path, std::size_t max_bytes) {
  UniqueFd opened;
  int fd = STDIN_FILENO;
  if (path != "-") {
    opened = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!opened) return fail_errno(errno, "cannot open " + path);
    fd = opened.get();
  }
  auto mark = read_mark(fd, path);
  if (!mark) return mark;
  const std::size_t limit = *mark == kMboxMark ? std::max(kMaxMboxBytes, max_bytes) : max_bytes;
  auto rest = read_descriptor(fd, path, limit - std::min(limit, mark->size()));
  if (!rest && rest.error().code == ErrorCode::limit_exceeded) {
    return fail(ErrorCode::limit_exceeded, "more than {} bytes", limit);
  }
  if (!rest) return rest;
  return rest->insert(0, *mark);
}

}  // namespace tlsrpt::milter
