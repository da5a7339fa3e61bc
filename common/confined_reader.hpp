// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The far side of ConfinedMessageOpener: the spawner, which makes readers, and what a reader does.
//
// The control socket carries one answer for each kMakeReader: a byte with the near end of the
// socket of a reader that waits, or a byte alone if none could be made. Over its socket a reader
// takes requests (their kind, their size and the message) one by one, and gives one answer to each
// (its size and an OpenedMessage).

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "common/confined_opener.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt {

inline constexpr char kMakeReader = 'S';
inline constexpr char kOpenMessage = 'm';
inline constexpr char kOpenFile = 'f';

/// A reader has processor time for so much more than one message: for those before it.
inline constexpr std::chrono::seconds kReusedFor{1};

/// A size as it goes over a socket between two processes of one program.
using SizeBytes = std::array<char, sizeof(std::uint64_t)>;
inline SizeBytes size_bytes(std::uint64_t size) {
  SizeBytes bytes{};
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes;
}
inline std::uint64_t size_of_bytes(const char* bytes) {
  std::uint64_t size = 0;
  std::memcpy(&size, bytes, sizeof size);
  return size;
}

/// The life of the spawner, until the program closes its end of the control socket.
[[noreturn]] void run_spawner(UniqueFd control, const ConfinedSettings& settings);

/// A message that its reader did not survive would not be survived the next time either: it is
/// refused for good, as one that claims to be a report, so that it is recorded.
OpenedMessage unreadable_message(std::string detail);

}  // namespace tlsrpt
