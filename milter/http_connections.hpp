// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The open connections of the HTTP server: how many of each source, and who takes too long.

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tlsrpt::milter {

/// The time of a request runs from the opening of its connection, or the end of the request
/// before, until its body is complete, and starts again for taking the answer. Sending a byte now
/// and then wins nothing. Threads: any.
class HttpConnections {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Id = const void*;

  /// max_per_source 0: no bound.
  HttpConnections(std::chrono::seconds timeout, std::size_t max_per_source)
      : timeout_(timeout), max_per_source_(max_per_source) {}

  /// May this source have one more? Empty: one that is not bounded.
  [[nodiscard]] bool has_room(const std::string& source) const;

  /// fd stays open until closed() has returned.
  void opened(Id id, int fd, const std::string& source, Time now);
  void began(Id id);               ///< the head of a request is here
  void working(Id id);             ///< its body, too: we are at work, which has its own bounds
  void answered(Id id, Time now);  ///< the answer can be sent
  void completed(Id id, Time now);
  void closed(Id id);

  /// From now on nobody but our own work has longer than that.
  void hasten(Time latest);

  /// Shuts down the sockets of those whose time is over; says how many.
  std::size_t expire(Time now);

  /// Requests that began and are not completed.
  [[nodiscard]] std::size_t begun() const;
  [[nodiscard]] std::size_t open() const;

 private:
  struct Entry {
    int fd = -1;
    std::string source;
    Time deadline;
    bool begun = false;
    bool expired = false;
  };
  void set(Id id, bool begun, Time deadline);
  std::chrono::seconds timeout_;
  std::size_t max_per_source_;
  mutable std::mutex mutex_;
  std::unordered_map<Id, Entry> entries_;
  std::unordered_map<std::string, std::size_t> sources_;
};

}  // namespace tlsrpt::milter
