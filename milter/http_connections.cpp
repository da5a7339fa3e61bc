// SPDX-License-Identifier: BSD-2-Clause
#include "milter/http_connections.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace tlsrpt::milter {

bool HttpConnections::has_room(const std::string& source) const {
  if (source.empty() || max_per_source_ == 0) return true;
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source);
  return found == sources_.end() || found->second < max_per_source_;
}

void HttpConnections::opened(Id id, int fd, const std::string& source, Time now) {
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(id, Entry{fd, source, now + timeout_});
  ++sources_[source];
}

void HttpConnections::set(Id id, bool begun, Time deadline) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.begun = begun;
  found->second.deadline = deadline;
}

void HttpConnections::began(Id id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end()) found->second.begun = true;
}

void HttpConnections::working(Id id) { set(id, /*begun=*/true, Time::max()); }

void HttpConnections::answered(Id id, Time now) { set(id, /*begun=*/true, now + timeout_); }

void HttpConnections::completed(Id id, Time now) { set(id, /*begun=*/false, now + timeout_); }

void HttpConnections::closed(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto source = sources_.find(found->second.source);
  if (--source->second == 0) sources_.erase(source);
  entries_.erase(found);
}

void HttpConnections::hasten(Time latest) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) {
    if (entry.deadline != Time::max()) entry.deadline = std::min(entry.deadline, latest);
  }
}

std::size_t HttpConnections::expire(Time now) {
  const std::lock_guard lock(mutex_);
  std::size_t expired = 0;
  for (auto& [id, entry] : entries_) {
    if (entry.expired || entry.deadline > now) continue;
    entry.expired = true;
    ++expired;
    // The library's thread sees the end of the stream and closes the descriptor itself.
    ::shutdown(entry.fd, SHUT_RDWR);
  }
  return expired;
}

std::size_t HttpConnections::begun() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const auto& entry) { return entry.second.begun; }));
}

std::size_t HttpConnections::open() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace tlsrpt::milter
