// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;

class OutcomeSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = temp_.path();
    settings_.path = (folder_ / "s").string();
  }

  Result<OutcomeSocket> bind() {
    SocketWarnings warnings;
    auto socket = OutcomeSocket::bind(settings_, warnings);
    EXPECT_TRUE(warnings.empty());
    return socket;
  }

  /// errno of the attempt, 0 if the kernel took the datagram.
  int send(std::string_view bytes) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings_.path.data(), settings_.path.size());
    const auto sent = ::sendto(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return sent < 0 ? errno : 0;
  }

  unsigned mode() {
    struct stat status{};
    EXPECT_EQ(::lstat(settings_.path.c_str(), &status), 0);
    return status.st_mode & 0777u;
  }

  TempDir temp_;
  fs::path folder_;
  SocketSettings settings_;
};

TEST_F(OutcomeSocketTest, has_the_mode_asked_for_whatever_the_umask) {
  for (const mode_t mask : {0000, 0027, 0777}) {
    for (const unsigned wanted : {0660u, 0222u, 0600u}) {
      settings_.mode = wanted;
      const mode_t before = ::umask(mask);
      const auto socket = bind();
      const mode_t after = ::umask(before);
      ASSERT_TRUE(socket) << socket.error().detail;
      EXPECT_EQ(mode(), wanted);
      EXPECT_EQ(after, mask);  // the process's own is given back
    }
  }
}

TEST_F(OutcomeSocketTest, removes_its_file_at_the_end_but_not_that_of_a_successor) {
  {
    auto socket = bind();
    ASSERT_TRUE(socket);
    EXPECT_TRUE(fs::exists(settings_.path));
  }
  EXPECT_FALSE(fs::exists(settings_.path));
  auto first = std::make_unique<OutcomeSocket>(std::move(*bind()));
  fs::remove(settings_.path);
  const auto second = bind();
  ASSERT_TRUE(second);
  first.reset();
  EXPECT_EQ(send("x"), 0);
}

TEST_F(OutcomeSocketTest, takes_over_a_stale_socket_and_nothing_else) {
  {
    const UniqueFd stale(::socket(AF_UNIX, SOCK_DGRAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings_.path.data(), settings_.path.size());
    ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  {
    const auto socket = bind();
    ASSERT_TRUE(socket) << socket.error().detail;
    const auto second = bind();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::temporary);
    EXPECT_EQ(send("x"), 0);
  }
  {
    const UniqueFd stream(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings_.path.data(), settings_.path.size());
    ASSERT_EQ(::bind(stream.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(stream.get(), 1), 0);
    EXPECT_FALSE(bind());
    EXPECT_TRUE(fs::exists(settings_.path));
  }
  fs::remove(settings_.path);
  std::ofstream(settings_.path) << "precious";
  EXPECT_FALSE(bind());
  EXPECT_EQ(fs::file_size(settings_.path), 8u);
}

TEST_F(OutcomeSocketTest, path_problems_are_named_before_anything_is_done) {
  EXPECT_FALSE(check_socket_path(settings_.path));
  EXPECT_FALSE(check_socket_path((folder_ / std::string(106 - folder_.string().size(), 'x'))));
  const auto too_long = check_socket_path((folder_ / std::string(107, 'x')).string());
  ASSERT_TRUE(too_long);
  EXPECT_NE(too_long->find("at most 107"), std::string::npos);
  const auto no_folder = check_socket_path((folder_ / "none" / "s").string());
  ASSERT_TRUE(no_folder);
  EXPECT_NE(no_folder->find("install -d"), std::string::npos);
}

TEST_F(OutcomeSocketTest, reads_batches_in_order_and_sees_what_is_too_large) {
  const auto socket = bind();
  ASSERT_TRUE(socket);
  DatagramBatch batch(4, 10);
  EXPECT_EQ(batch.receive(socket->fd()).value(), 0u);
  for (const char* text : {"one", "", "0123456789", "0123456789AB", "five"}) {
    ASSERT_EQ(send(text), 0);
  }
  ASSERT_EQ(batch.receive(socket->fd()).value(), 4u);
  EXPECT_EQ(batch[0], "one");
  EXPECT_EQ(batch[1], "");
  EXPECT_EQ(batch[2], "0123456789");
  EXPECT_EQ(batch[3].size(), 11u);
  ASSERT_EQ(batch.receive(socket->fd()).value(), 1u);
  EXPECT_EQ(batch[0], "five");
}

TEST_F(OutcomeSocketTest, closed_for_senders_still_gives_what_waits) {
  auto socket = bind();
  ASSERT_TRUE(socket);
  ASSERT_EQ(send("waits"), 0);
  socket->close_for_senders();
  EXPECT_NE(send("late"), 0);
  DatagramBatch batch(4, 10);
  ASSERT_EQ(batch.receive(socket->fd()).value(), 1u);
  EXPECT_EQ(batch[0], "waits");
  EXPECT_EQ(batch.receive(socket->fd()).value(), 0u);
}

TEST(InheritedSocket, is_none_when_the_variables_are_for_another_process) {
  ::setenv("LISTEN_PID", "1", 1);
  ::setenv("LISTEN_FDS", "1", 1);
  const auto socket = OutcomeSocket::inherit();
  ASSERT_TRUE(socket);
  EXPECT_TRUE(socket->empty());
  EXPECT_EQ(::getenv("LISTEN_FDS"), nullptr);
}

}  // namespace
}  // namespace tlsrpt::sender
