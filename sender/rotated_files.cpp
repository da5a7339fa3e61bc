// SPDX-License-Identifier: BSD-2-Clause
#include "sender/rotated_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxFiles = 1000;
constexpr std::uint64_t kSeed = 8460;

bool is_compressed(std::string_view name) {
  constexpr std::array<std::string_view, 6> kEnds = {".gz", ".xz", ".bz2", ".zst", ".Z", ".lz4"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

/// PATH.7 and PATH.7.gz: 7. Higher ones are older.
std::optional<unsigned> rotation_number(std::string_view suffix) {
  if (!suffix.starts_with('.')) return std::nullopt;
  suffix.remove_prefix(1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), number);
  const std::string_view rest(end, static_cast<std::size_t>(suffix.data() + suffix.size() - end));
  constexpr unsigned kLargest = 9999;  // a date has more digits
  if (error != std::errc() || number > kLargest) return std::nullopt;
  if (!rest.empty() && !is_compressed(rest)) return std::nullopt;
  return number;
}

bool is_rotation(std::string_view suffix) {
  if (suffix == ".old") return true;
  return suffix.size() > 1 && (suffix[0] == '.' || suffix[0] == '-') && suffix[1] >= '0' &&
         suffix[1] <= '9';
}

std::optional<RotatedFile> look_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return RotatedFile{path, id_of(status), static_cast<std::uint64_t>(status.st_size),
                     changed_of(status), is_compressed(path)};
}

}  // namespace

FileId id_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
}

std::uint64_t changed_of(const struct stat& status) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return static_cast<std::uint64_t>(status.st_mtim.tv_sec) * kSecond +
         static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
}

std::string to_text(const FilePlace& place) {
  return fmt::format("{:x}:{}:{}:{:016x}:{}", place.id.device, place.id.inode, place.offset,
                     place.fingerprint, place.changed);
}

std::optional<FilePlace> parse_file_place(std::string_view text) {
  FilePlace place;
  struct Part {
    std::uint64_t* value;
    int base;
  };
  const std::array<Part, 5> parts = {Part{&place.id.device, 16}, Part{&place.id.inode, 10},
                                     Part{&place.offset, 10}, Part{&place.fingerprint, 16},
                                     Part{&place.changed, 10}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const char* const end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data(), end, *parts[i].value, parts[i].base);
    const bool last = i + 1 == parts.size();
    if (error != std::errc() || (next == end) != last || (!last && *next != ':')) {
      return std::nullopt;
    }
    if (!last) text.remove_prefix(static_cast<std::size_t>(next - text.data()) + 1);
  }
  return place;
}

std::uint64_t fingerprint(std::string_view begin, std::uint64_t offset) {
  if (offset == 0) return 0;
  return seeded_hash(begin.substr(0, std::min<std::uint64_t>(offset, kFingerprinted)), kSeed);
}

std::string read_begin(int fd) {
  std::string bytes(kFingerprinted, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got =
        ::pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

std::vector<RotatedFile> find_rotated(const std::string& path) {
  struct Found {
    RotatedFile file;
    std::optional<unsigned> number;
  };
  std::vector<Found> all;
  const std::string base = fs::path(path).filename().string();
  std::error_code error;
  for (fs::directory_iterator entry(fs::path(path).parent_path(), error), end;
       !error && entry != end && all.size() < kMaxFiles; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(base) || name.size() == base.size()) continue;
    const std::string_view suffix = std::string_view(name).substr(base.size());
    if (!is_rotation(suffix)) continue;
    if (auto file = look_at(entry->path().string())) {
      all.push_back({std::move(*file), rotation_number(suffix)});
    }
  }
  // Names of one kind only, as one logrotate makes them; else the times have to do.
  const bool numbered = std::all_of(all.begin(), all.end(),
                                    [](const Found& found) { return found.number.has_value(); });
  std::sort(all.begin(), all.end(), [&](const Found& a, const Found& b) {
    if (numbered) return std::tie(*b.number, a.file.path) < std::tie(*a.number, b.file.path);
    return std::tie(a.file.changed, a.file.path) < std::tie(b.file.changed, b.file.path);
  });
  std::vector<RotatedFile> files;
  files.reserve(all.size() + 1);
  for (Found& found : all) files.push_back(std::move(found.file));
  if (auto file = look_at(path)) files.push_back(std::move(*file));
  return files;
}

bool holds(int fd, const RotatedFile& file, const FilePlace& place) {
  if (file.compressed || file.size < place.offset) return false;
  if (place.offset == 0) return file.id == place.id;
  return fingerprint(read_begin(fd), place.offset) == place.fingerprint;
}

UniqueFd open_log(const std::string& path) {
  struct stat before{};
  if (::stat(path.c_str(), &before) != 0) return {};
  // Opening alone matters to whoever writes into a pipe.
  if (!S_ISREG(before.st_mode)) {
    errno = EINVAL;
    return {};
  }
  // O_NONBLOCK: what has become no file at all must not keep anybody waiting.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode)) {
    errno = EINVAL;
    return {};
  }
  return fd;
}

}  // namespace tlsrpt::sender
