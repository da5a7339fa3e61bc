// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sender_slot.hpp"

#include <fcntl.h>

#include <cerrno>

namespace tlsrpt::sender {

namespace {

constexpr int kMaxSlots = 1000;
constexpr mode_t kMode = 0640;

struct flock lock_of(int number) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return lock;
}

}  // namespace

Result<SenderSlot> SenderSlot::take(const std::string& path) {
  const std::string name = path + "-senders";
  UniqueFd file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (!file) return fail_errno(errno, "cannot open " + name);
  for (int number = 0; number < kMaxSlots; ++number) {
    struct flock lock = lock_of(number);
    if (::fcntl(file.get(), F_OFD_SETLK, &lock) == 0) return SenderSlot(std::move(file), number);
    if (errno != EAGAIN && errno != EACCES) return fail_errno(errno, "cannot lock " + name);
  }
  return fail(ErrorCode::limit_exceeded, "{} processes send from {} already", kMaxSlots, path);
}

bool SenderSlot::held_by_other(int number) const {
  if (number == number_) return false;
  struct flock lock = lock_of(number);
  return ::fcntl(file_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace tlsrpt::sender
