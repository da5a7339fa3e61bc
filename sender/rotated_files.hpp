// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A log file and what became of it when it was rotated: PATH.1, PATH.2, PATH-20260301, ...

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};
FileId id_of(const struct stat& status);
/// The time of the last change, in nanoseconds since 1970.
std::uint64_t changed_of(const struct stat& status);

/// A place in a file that may have another name by now.
struct FilePlace {
  FileId id;
  std::uint64_t offset = 0;
  std::uint64_t fingerprint = 0;  ///< of what lies before, up to kFingerprinted bytes
  std::uint64_t changed = 0;      ///< when the file was, in nanoseconds: what is older lies before
};
inline constexpr std::size_t kFingerprinted = 1024;

/// "DEVICE:INODE:OFFSET:FINGERPRINT:CHANGED".
std::string to_text(const FilePlace& place);
std::optional<FilePlace> parse_file_place(std::string_view text);
/// The fingerprint for that offset in a file that begins so.
std::uint64_t fingerprint(std::string_view begin, std::uint64_t offset);
/// The first kFingerprinted bytes of the file, or as many as there are.
std::string read_begin(int fd);

struct RotatedFile {
  std::string path;
  FileId id;
  std::uint64_t size = 0;
  std::uint64_t changed = 0;  ///< nanoseconds since 1970
  bool compressed = false;
};

/// Oldest first; the file itself, if it is there, is the last. Numbered ones are ordered by their
/// numbers, others by the times of their last change. What has neither a number nor a date behind
/// the name is somebody's copy, and left out; but ".old" is not.
std::vector<RotatedFile> find_rotated(const std::string& path);

/// Is what lies before the place in that file? 'fd': the file.
bool holds(int fd, const RotatedFile& file, const FilePlace& place);

/// A regular file, for reading.
UniqueFd open_log(const std::string& path);

}  // namespace tlsrpt::sender
