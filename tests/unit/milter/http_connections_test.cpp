// SPDX-License-Identifier: BSD-2-Clause
#include "milter/http_connections.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "common/unique_fd.hpp"

namespace tlsrpt::milter {
namespace {

using namespace std::chrono_literals;

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }
  [[nodiscard]] bool is_shut() const {
    char byte = 0;
    return ::recv(theirs.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }
  UniqueFd ours;
  UniqueFd theirs;
};

constexpr HttpConnections::Time kStart{1000h};

TEST(HttpConnections, ends_who_takes_too_long_however_busy_he_looks) {
  HttpConnections connections(60s, 0);
  const Pair pair;
  connections.opened(&pair, pair.ours.get(), "a", kStart);
  connections.began(&pair);
  EXPECT_EQ(connections.expire(kStart + 59s), 0u);
  EXPECT_FALSE(pair.is_shut());
  EXPECT_EQ(connections.expire(kStart + 60s), 1u);
  EXPECT_TRUE(pair.is_shut());
  EXPECT_EQ(connections.expire(kStart + 61s), 0u) << "once is enough";
  connections.closed(&pair);
  EXPECT_EQ(connections.open(), 0u);
}

TEST(HttpConnections, our_own_work_costs_the_sender_nothing) {
  HttpConnections connections(60s, 0);
  const Pair pair;
  connections.opened(&pair, pair.ours.get(), "a", kStart);
  connections.began(&pair);
  connections.working(&pair);
  EXPECT_EQ(connections.expire(kStart + 10min), 0u);
  EXPECT_EQ(connections.begun(), 1u);
  connections.answered(&pair, kStart + 10min);
  EXPECT_EQ(connections.expire(kStart + 10min + 59s), 0u);
  connections.completed(&pair, kStart + 11min);
  EXPECT_EQ(connections.begun(), 0u);
  EXPECT_EQ(connections.expire(kStart + 11min + 59s), 0u);
  EXPECT_EQ(connections.expire(kStart + 12min), 1u) << "idle";
}

TEST(HttpConnections, at_the_end_senders_have_less_time_and_our_work_as_much_as_before) {
  HttpConnections connections(60s, 0);
  const Pair sender;
  const Pair work;
  connections.opened(&sender, sender.ours.get(), "a", kStart);
  connections.opened(&work, work.ours.get(), "a", kStart);
  connections.working(&work);
  connections.hasten(kStart + 5s);
  EXPECT_EQ(connections.expire(kStart + 5s), 1u);
  EXPECT_TRUE(sender.is_shut());
  EXPECT_FALSE(work.is_shut());
}

TEST(HttpConnections, bounds_those_of_one_source) {
  HttpConnections connections(60s, 2);
  const std::array<int, 4> ids{};
  connections.opened(&ids[0], -1, "a", kStart);
  EXPECT_TRUE(connections.has_room("a"));
  connections.opened(&ids[1], -1, "a", kStart);
  EXPECT_FALSE(connections.has_room("a"));
  EXPECT_TRUE(connections.has_room("b"));
  EXPECT_TRUE(connections.has_room(""));
  connections.closed(&ids[0]);
  connections.closed(&ids[0]);
  EXPECT_TRUE(connections.has_room("a"));
}

}  // namespace
}  // namespace tlsrpt::milter
