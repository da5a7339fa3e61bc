// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The questions and answers of Postfix's socketmap_table(5) and Sendmail's socket map, without the
// netstring around them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

inline constexpr std::size_t kMaxSocketmapRequest = 1024;
inline constexpr std::size_t kMaxSocketmapReply = 100000;  ///< what Postfix takes

struct SocketmapRequest {
  std::string map;
  std::string key;
  bool operator==(const SocketmapRequest&) const = default;
};

/// "MAP KEY"; nothing for anything else.
std::optional<SocketmapRequest> parse_socketmap_request(std::string_view text);

enum class SocketmapStatus : std::uint8_t { ok, not_found, temporary, permanent };

struct SocketmapReply {
  SocketmapStatus status = SocketmapStatus::not_found;
  std::string text;  ///< of ok: the value; of temporary and permanent: why
  bool operator==(const SocketmapReply&) const = default;
};

/// "OK VALUE", "NOTFOUND ", "TEMP WHY", "PERM WHY".
std::string to_text(const SocketmapReply& reply);
/// TIMEOUT is read as temporary. Nothing: it is no reply.
std::optional<SocketmapReply> parse_socketmap_reply(std::string_view text);

}  // namespace tlsrpt::sender
