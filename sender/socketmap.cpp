// SPDX-License-Identifier: BSD-2-Clause
#include "sender/socketmap.hpp"

namespace tlsrpt::sender {

std::optional<SocketmapRequest> parse_socketmap_request(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == 0 || blank == std::string_view::npos) return std::nullopt;
  return SocketmapRequest{std::string(text.substr(0, blank)), std::string(text.substr(blank + 1))};
}

std::string to_text(const SocketmapReply& reply) {
  switch (reply.status) {
    case SocketmapStatus::ok:
      return "OK " + reply.text;
    case SocketmapStatus::not_found:
      return "NOTFOUND ";  // Postfix wants the blank
    case SocketmapStatus::temporary:
      return "TEMP " + reply.text;
    case SocketmapStatus::permanent:
      return "PERM " + reply.text;
  }
  return "NOTFOUND ";
}

std::optional<SocketmapReply> parse_socketmap_reply(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  const std::string rest(blank == std::string_view::npos ? "" : text.substr(blank + 1));
  if (word == "OK") return SocketmapReply{SocketmapStatus::ok, rest};
  if (word == "NOTFOUND") return SocketmapReply{SocketmapStatus::not_found, ""};
  if (word == "TEMP" || word == "TIMEOUT") return SocketmapReply{SocketmapStatus::temporary, rest};
  if (word == "PERM") return SocketmapReply{SocketmapStatus::permanent, rest};
  return std::nullopt;
}

}  // namespace tlsrpt::sender
