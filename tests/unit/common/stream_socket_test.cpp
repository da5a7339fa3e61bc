// SPDX-License-Identifier: BSD-2-Clause
#include "common/stream_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt {
namespace {

TEST(StreamSocket, is_spelt_as_each_side_wants_it) {
  struct Row {
    const char* text;
    const char* libmilter;
    const char* postfix;
    const char* sendmail;
  };
  for (const Row& row :
       {Row{"local:/run/x.sock", "unix:/run/x.sock", "unix:/run/x.sock", "local:/run/x.sock"},
        Row{"unix:/run/x.sock", "unix:/run/x.sock", "unix:/run/x.sock", "local:/run/x.sock"},
        Row{"/run/x.sock", "unix:/run/x.sock", "unix:/run/x.sock", "local:/run/x.sock"},
        Row{"inet:8895", "inet:8895", "inet:localhost:8895", "inet:8895"},
        Row{"inet:8895@127.0.0.1", "inet:8895@127.0.0.1", "inet:127.0.0.1:8895",
            "inet:8895@127.0.0.1"},
        Row{"inet6:8895@[::1]", "inet6:8895@[::1]", "inet:[::1]:8895", "inet6:8895@[::1]"},
        Row{"inet6:8895@::1", "inet6:8895@[::1]", "inet:[::1]:8895", "inet6:8895@[::1]"}}) {
    SCOPED_TRACE(row.text);
    const auto socket = parse_stream_socket(row.text);
    ASSERT_TRUE(socket.has_value()) << socket.error().detail;
    EXPECT_EQ(socket->for_libmilter(), row.libmilter);
    EXPECT_EQ(socket->for_postfix(), row.postfix);
    EXPECT_EQ(socket->for_sendmail(), row.sendmail);
  }
}

TEST(StreamSocket, refuses_what_libmilter_would_misread) {
  for (const std::string& text :
       {std::string("milter.sock"), std::string(), std::string("local:run/x"),
        std::string("local:"), std::string("inet:"), std::string("inet:0"),
        std::string("inet:65536"), std::string("inet:127.0.0.1:8895"), std::string("inet:8895@"),
        std::string("inet:-1@x"), std::string("tcp:8895"), "local:/" + std::string(200, 'x')}) {
    EXPECT_FALSE(parse_stream_socket(text).has_value()) << text;
  }
  EXPECT_NE(parse_stream_socket("inet:127.0.0.1:8895").error().detail.find("inet:8895@127.0.0.1"),
            std::string::npos);
}

class StaleSocket : public testing::Test {
 protected:
  StaleSocket() {
    socket_.path = folder_.file("x.sock");
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, socket_.path.data(), socket_.path.size());
  }
  UniqueFd listen_there() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
    EXPECT_EQ(::listen(fd.get(), 1), 0);
    return fd;
  }
  TempDir folder_;
  StreamSocket socket_;
  sockaddr_un address_{};
};

TEST_F(StaleSocket, is_removed_once_nobody_answers) {
  EXPECT_TRUE(remove_stale_socket(socket_).has_value()) << "nothing is there";
  UniqueFd listener = listen_there();
  EXPECT_FALSE(remove_stale_socket(socket_).has_value()) << "somebody answers";
  EXPECT_TRUE(std::filesystem::exists(socket_.path));
  listener.reset();
  EXPECT_TRUE(remove_stale_socket(socket_).has_value());
  EXPECT_FALSE(std::filesystem::exists(socket_.path));
}

TEST_F(StaleSocket, is_never_another_kind_of_socket) {
  const UniqueFd datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(datagrams.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_),
            0);
  EXPECT_FALSE(remove_stale_socket(socket_).has_value());
  EXPECT_TRUE(std::filesystem::exists(socket_.path));
}

TEST_F(StaleSocket, is_never_another_kind_of_file) {
  std::ofstream(socket_.path) << "precious";
  EXPECT_FALSE(remove_stale_socket(socket_).has_value());
  EXPECT_TRUE(std::filesystem::exists(socket_.path));
}

}  // namespace
}  // namespace tlsrpt
