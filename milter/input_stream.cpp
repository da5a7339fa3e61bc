// SPDX-License-Identifier: BSD-2-Clause
#include "milter/input_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/message.hpp"

namespace tlsrpt::milter {

std::string InputName::in_words() const {
  const std::string shown = path == "-" ? "the standard input" : path;
  return message == 0 ? shown : fmt::format("{}, message {}", shown, message);
}

InputStream::InputStream(std::vector<InputFile> files, std::size_t max_bytes,
                         const StopSignals& stop, FromLine from_line)
    : files_(std::move(files)), max_bytes_(max_bytes), stop_(stop), from_line_(from_line) {
  for (const InputFile& file : files_) total_bytes_ += file.size;
}

Result<void> InputStream::open(const InputFile& file) {
  opened_.reset();
  fd_ = STDIN_FILENO;
  if (file.path != "-") {
    // A named pipe is waited for in poll, where a signal is seen. Between being found and being
    // opened, a file may have become a link.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    opened_ = UniqueFd(::open(file.path.c_str(), flags | (file.in_folder ? O_NOFOLLOW : 0)));
    if (!opened_) return fail_errno(errno, "cannot open " + file.path);
    fd_ = opened_.get();
  }
  struct stat facts {};
  regular_ = ::fstat(fd_, &facts) == 0 && S_ISREG(facts.st_mode);
  if (file.in_folder && !regular_) {
    return fail(ErrorCode::io, "{} is no longer a regular file", file.path);
  }
  return {};
}

Result<std::size_t> InputStream::read_some(char* to, std::size_t size) {
  for (;;) {
    // A file never keeps us waiting; a pipe or a terminal may, for ever.
    if (!regular_ && !stop_.wait_readable(fd_)) {
      return fail(ErrorCode::temporary, "told to stop while reading {}", name_.in_words());
    }
    const ssize_t got = ::read(fd_, to, size);
    if (got < 0 && (errno == EINTR || (errno == EAGAIN && !regular_))) continue;
    if (got < 0) return fail_errno(errno, "cannot read " + name_.in_words());
    read_bytes_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
  }
}

/// As many bytes as tell an mbox, and fewer only at the end of the input.
Result<std::string> InputStream::read_beginning() {
  constexpr std::size_t kMark = 64;  // "From ", behind a byte order mark or empty lines
  std::string beginning(kMark, '\0');
  std::size_t size = 0;
  while (size < kMark) {
    const auto got = read_some(beginning.data() + size, kMark - size);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    size += *got;
  }
  beginning.resize(size);
  return beginning;
}

Result<InputItem> InputStream::whole_file(std::string beginning) {
  InputItem item;
  item.name = name_;
  item.bytes = std::move(beginning);
  std::array<char, 65536> buffer;
  for (;;) {
    const auto got = read_some(buffer.data(), buffer.size());
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    const std::size_t kept = std::min(*got, max_bytes_ - std::min(max_bytes_, item.bytes.size()));
    item.bytes.append(buffer.data(), kept);
    item.cut = item.cut || kept < *got;
    // Who writes into a pipe waits until all of it is read.
    if (item.cut && regular_) break;
  }
  if (item.bytes.size() > max_bytes_) {
    item.bytes.resize(max_bytes_);
    item.cut = true;
  }
  return item;
}

InputItem InputStream::unreadable(Error error) {
  InputItem item;
  item.name = name_;
  item.unreadable = std::move(error);
  return item;
}

std::optional<InputItem> InputStream::next_of_mbox() {
  auto message = mbox_->next();
  if (message && !*message) {
    mbox_.reset();
    return std::nullopt;
  }
  ++name_.message;
  if (!message) {
    mbox_.reset();
    return unreadable(message.error());
  }
  InputItem item;
  item.name = name_;
  item.cut = (*message)->cut();
  item.bytes = std::move((*message)->bytes);
  return item;
}

std::optional<InputItem> InputStream::next() {
  for (;;) {
    if (stop_.came()) return std::nullopt;
    if (mbox_) {
      if (auto item = next_of_mbox()) return item;
      continue;
    }
    if (next_file_ == files_.size()) return std::nullopt;
    const InputFile& file = files_[next_file_++];
    name_ = {file.path, 0};
    if (auto opened = open(file); !opened) return unreadable(opened.error());
    auto beginning = read_beginning();
    if (!beginning) return unreadable(beginning.error());
    const std::string_view mbox = without_junk_before_header(*beginning);
    const bool from = looks_like_mbox(mbox);
    const std::size_t junk = beginning->size() - mbox.size();
    if (from && from_line_ == FromLine::begins_mbox) {
      beginning->erase(0, junk);
      auto source = [this, first = std::move(*beginning)](char* to, std::size_t size) mutable {
        if (first.empty()) return read_some(to, size);
        const std::size_t given = first.copy(to, size);
        first.erase(0, given);
        return Result<std::size_t>(given);
      };
      mbox_ = std::make_unique<MboxReader>(std::move(source), max_bytes_);
      continue;
    }
    auto item = whole_file(std::move(*beginning));
    if (!item) return unreadable(item.error());
    if (from) item->bytes.erase(0, item->bytes.find('\n', junk) + 1);
    return std::move(*item);
  }
}

}  // namespace tlsrpt::milter
