// SPDX-License-Identifier: BSD-2-Clause
#include "sender/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

namespace {

constexpr mode_t kMode = S_IRUSR | S_IWUSR;

/// Removes the file again unless it is to stay.
class NewFile {
 public:
  NewFile(const std::string& path, UniqueFd fd) : path_(path), fd_(std::move(fd)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!stays_) ::unlink(path_.c_str());
  }

  Result<void> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail_errno(errno, "cannot write " + path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<void> keep() {
    if (::fsync(fd_.get()) != 0 || ::close(fd_.release()) != 0) {
      return fail_errno(errno, "cannot write " + path_);
    }
    stays_ = true;
    return {};
  }

 private:
  const std::string& path_;
  UniqueFd fd_;
  bool stays_ = false;
};

/// Without it a power failure could take the name of the file.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());  // some file systems cannot; the file itself is safe
}

}  // namespace

Result<void> write_new_file(const std::string& path, std::string_view bytes) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!fd && errno == EEXIST) {
    return fail(ErrorCode::invalid_argument, "{} exists already and is not overwritten", path);
  }
  if (!fd) return fail_errno(errno, "cannot create " + path);
  NewFile file(path, std::move(fd));
  if (auto done = file.write(bytes); !done) return done;
  if (auto done = file.keep(); !done) return done;
  sync_folder_of(path);
  return {};
}

}  // namespace tlsrpt::sender
