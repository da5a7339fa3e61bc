// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A socket where others reach us (Socket, HTTPSocket, PolicySocket): its spelling in our file and
// in the MTA's, and its place in the file system.

#include <optional>
#include <string>
#include <string_view>

#include "common/daemon.hpp"
#include "common/error.hpp"

namespace tlsrpt {

struct StreamSocket {
  enum class Kind { local, inet, inet6 };
  Kind kind = Kind::local;
  std::string path;  ///< of local
  unsigned port = 0;
  std::string host;  ///< of inet and inet6; empty: every address

  [[nodiscard]] std::string for_libmilter() const;  ///< "unix:/path", "inet:8895@127.0.0.1"
  [[nodiscard]] std::string for_postfix() const;    ///< "unix:/path", "inet:127.0.0.1:8895"
  [[nodiscard]] std::string for_sendmail() const;   ///< "local:/path", "inet:8895@127.0.0.1"
};

/// local:PATH, unix:PATH, a bare absolute path, inet:PORT[@HOST] or inet6:PORT[@HOST]. The error
/// says what to write instead, also for Postfix's "inet:HOST:PORT".
Result<StreamSocket> parse_stream_socket(std::string_view text);

/// Removes the socket that an earlier run has left. Fails if something else than a socket is
/// there, or a process still answers on it.
Result<void> remove_stale_socket(const StreamSocket& socket);

/// Gives a local socket to the user that we become and to the group of the MTA.
Result<void> hand_over_socket(const StreamSocket& socket, const std::optional<Identity>& owner,
                              const std::optional<unsigned>& group);

}  // namespace tlsrpt
