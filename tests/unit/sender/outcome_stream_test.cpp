// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;
using std::chrono::seconds;

/// What a splitter with room for 8 bytes makes of these pieces, and of the end after them.
Lines split(const std::vector<std::string_view>& pieces) {
  Lines lines;
  const LineHandler handler = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter(8);
  for (const std::string_view piece : pieces) splitter.add(piece, handler);
  splitter.finish(handler);
  return lines;
}

TEST(LineSplitter, gives_whole_lines_however_they_arrive) {
  EXPECT_EQ(split({}), Lines{});
  EXPECT_EQ(split({"one\ntwo\n"}), (Lines{"one", "two"}));
  EXPECT_EQ(split({"o", "n", "e", "\n", "two\nth", "ree"}), (Lines{"one", "two", "three"}));
  EXPECT_EQ(split({"no end"}), Lines{"no end"});
  EXPECT_EQ(split({"\n\r\n \t\n", "\n"}), Lines{});
  EXPECT_EQ(split({"12345678\n", "12345678"}), (Lines{"12345678", "12345678"}));
  EXPECT_EQ(split({std::string_view("a\0b\n", 4)}), Lines{std::string("a\0b", 3)});
}

TEST(LineSplitter, gives_a_line_that_is_too_long_once_and_cut_at_one_byte_too_many) {
  const Lines wanted = {"a", "123456789", "b"};
  EXPECT_EQ(split({"a\n1234567890abc\nb\n"}), wanted);
  EXPECT_EQ(split({"a\n1234", "5678", "90abc", "defghijklmnop", "qr\nb"}), wanted);
  EXPECT_EQ(split({"a\n12345678", "9", "\nb\n"}), wanted);
  EXPECT_EQ(split({"123456789", "0", "1"}), Lines{"123456789"});
}

TEST(LineSplitter, says_whether_a_line_ended) {
  const LineHandler ignore = [](std::string_view) {};
  LineSplitter splitter(8);
  EXPECT_FALSE(splitter.add("abc", ignore));
  EXPECT_TRUE(splitter.add("\n", ignore));
  EXPECT_FALSE(splitter.add("0123456789", ignore));
}

class OutcomeStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = temp_.path();
    settings_.kind = SocketKind::stream;
    settings_.path = folder_ + "/s";
    bounds_.connections = 2;
    bounds_.line_bytes = 8;
    SocketWarnings warnings;
    auto socket = OutcomeSocket::bind(settings_, warnings);
    ASSERT_TRUE(socket) << socket.error().detail;
    stream_.emplace(std::move(*socket), bounds_);
  }
  void TearDown() override { stream_.reset(); }

  [[nodiscard]] UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings_.path.data(), settings_.path.size());
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fd.reset();
    }
    return fd;
  }

  static void say(const UniqueFd& fd, std::string_view text) {
    ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  /// As the collector does it: waits for nothing, serves what is ready. Twice, since a connection
  /// is taken before it is read.
  StreamEvents serve() {
    StreamEvents sum;
    for (int i = 0; i < 2; ++i) {
      std::vector<pollfd> entries;
      stream_->add_to(entries, now_);
      EXPECT_GE(::poll(entries.data(), entries.size(), 0), 0);
      const StreamEvents events = stream_->serve(entries, now_, handler());
      sum.timeouts += events.timeouts;
      EXPECT_FALSE(events.error);
    }
    return sum;
  }

  LineHandler handler() {
    return [this](std::string_view line) { lines_.emplace_back(line); };
  }

  /// The collector has hung up without a word.
  static bool hung_up(const UniqueFd& fd) {
    char byte = 0;
    return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  TempDir temp_;
  std::string folder_;
  SocketSettings settings_;
  StreamBounds bounds_;
  std::optional<OutcomeStream> stream_;
  OutcomeStream::Time now_ = OutcomeStream::Time{} + seconds(1000);
  Lines lines_;
};

TEST_F(OutcomeStreamTest, reads_to_the_end_and_hangs_up_without_a_word) {
  const UniqueFd fd = connect();
  say(fd, "one\ntwo");
  serve();
  EXPECT_EQ(lines_, Lines{"one"});
  EXPECT_FALSE(hung_up(fd));
  ::shutdown(fd.get(), SHUT_WR);
  serve();
  EXPECT_EQ(lines_, (Lines{"one", "two"}));
  EXPECT_TRUE(hung_up(fd));
}

TEST_F(OutcomeStreamTest, takes_no_more_connections_than_its_bound_and_the_others_later) {
  std::vector<UniqueFd> clients;
  for (const char* text : {"a", "b", "c", "d", "e"}) {
    clients.push_back(connect());
    say(clients.back(), text);
  }
  serve();
  EXPECT_EQ(stream_->connections(), 2u);
  for (UniqueFd& client : clients) client.reset();
  for (int i = 0; i < 5; ++i) serve();
  EXPECT_EQ(lines_, (Lines{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(stream_->connections(), 0u);
}

TEST_F(OutcomeStreamTest, hangs_up_on_who_brings_no_whole_line_in_time) {
  const UniqueFd idle = connect();
  const UniqueFd slow = connect();
  serve();
  EXPECT_EQ(stream_->next_deadline(), now_ + seconds(10));
  now_ += seconds(9);
  say(slow, "x\n");
  EXPECT_EQ(serve().timeouts, 0u);
  now_ += seconds(1);
  say(slow, "y");
  EXPECT_EQ(serve().timeouts, 1u);
  EXPECT_TRUE(hung_up(idle));
  now_ += seconds(9);  // a byte now and then is not enough
  EXPECT_EQ(serve().timeouts, 1u);
  EXPECT_TRUE(hung_up(slow));
  EXPECT_EQ(lines_, (Lines{"x", "y"}));
  EXPECT_EQ(stream_->next_deadline(), OutcomeStream::Time::max());
}

TEST_F(OutcomeStreamTest, an_endless_line_takes_no_memory_and_ends_at_its_deadline) {
  const UniqueFd fd = connect();
  for (int i = 0; i < 50; ++i) {
    say(fd, std::string(1000, 'x'));
    serve();
  }
  EXPECT_EQ(lines_, Lines{"xxxxxxxxx"});
  now_ += seconds(10);
  EXPECT_EQ(serve().timeouts, 1u);
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(OutcomeStreamTest, the_end_gives_what_the_kernel_has_taken_and_turns_others_away) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 7; ++i) {
    clients.push_back(connect());
    say(clients.back(), "x\ny");
  }
  serve();
  stream_->drain(std::chrono::steady_clock::now() + seconds(60), handler());
  EXPECT_EQ(lines_.size(), 14u);
  EXPECT_FALSE(fs::exists(settings_.path));
  EXPECT_FALSE(connect());
}

}  // namespace
}  // namespace tlsrpt::sender
