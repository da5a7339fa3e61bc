// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_transport.hpp"

#include "tests/unit/sender/scripted_server.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

using Lines = std::vector<std::string>;
using SmtpTransport = SmtpCase;

/// A port of 127.0.0.1 where nobody listens.
Relay dead_relay() {
  ScriptedServer server({});
  return server.relay();
}

TEST_F(SmtpTransport, needs_two_round_trips_with_pipelining) {
  ScriptedServer server({[](Peer& peer) {
    peer.begin({"PIPELINING", "SIZE 1000", "SMTPUTF8", "8BITMIME", "REQUIRETLS"});
    peer.accept_mail();
  }});
  use(server);
  const HandOverResult result = hand_over("Subject: x\r\n\r\n.b\r\n..\r\nc.\r\n");
  EXPECT_EQ(result.verdict, HandOver::accepted);
  EXPECT_EQ(result.detail, "250 2.0.0 queued");
  EXPECT_EQ(server.finish(),
            (Lines{"EHLO reporter.example", "MAIL FROM:<from@sender.example> SIZE=26",
                   "RCPT TO:<to@receiver.example>", "DATA", "Subject: x\r\n\r\n..b\r\n...\r\nc."}));
}

TEST_F(SmtpTransport, waits_for_each_reply_without_pipelining) {
  ScriptedServer server({[](Peer& peer) {
    peer.begin();
    for (const char* reply : {"250 a\r\n", "250 b\r\n", "354 c\r\n"}) {
      peer.lines.push_back(peer.line());
      if (!peer.silent()) peer.lines.emplace_back("said too early");
      peer.say(reply);
    }
    peer.data();
    peer.say("250 queued\r\n");
  }});
  use(server);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  EXPECT_EQ(server.finish(), (Lines{"EHLO reporter.example", "MAIL FROM:<from@sender.example>",
                                    "RCPT TO:<to@receiver.example>", "DATA"}));
}

TEST_F(SmtpTransport, keeps_its_connection_and_takes_leave) {
  ScriptedServer server({[](Peer& peer) {
    peer.begin({"PIPELINING"});
    peer.accept_mail();
    peer.accept_mail();
    peer.lines = {peer.line()};
    peer.say("221 bye\r\n");
  }});
  use(server);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  transport->close();
  EXPECT_EQ(server.finish(), Lines{"QUIT"});
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SmtpTransport, takes_a_new_connection_when_the_kept_one_has_died) {
  const auto once = [](Peer& peer) {
    peer.begin({"PIPELINING"});
    peer.accept_mail();
  };
  ScriptedServer server({once,
                         [&](Peer& peer) {
                           once(peer);
                           peer.say("421 4.4.2 idle for too long\r\n");
                         },
                         once});
  use(server);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(hand_over().verdict, HandOver::accepted) << i;
  server.finish();
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(SmtpTransport, does_not_send_again_what_the_server_may_have_taken) {
  ScriptedServer server({[](Peer& peer) {
    peer.begin({"PIPELINING"});
    peer.accept_mail();
    for (int i = 0; i < 3; ++i) peer.line();
    peer.say("250 a\r\n250 b\r\n354 c\r\n");
    peer.data();  // and never a word
  }});
  use(server);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  const HandOverResult result = hand_over();
  EXPECT_EQ(result.verdict, HandOver::temporary);
  EXPECT_FALSE(result.server_trouble);
  EXPECT_NE(result.detail.find("closed the connection"), std::string::npos) << result.detail;
  server.finish();
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SmtpTransport, speaks_lmtp_over_a_local_socket) {
  const TempDir folder;
  ScriptedServer server(folder.file("lmtp"), {[](Peer& peer) {
                          peer.begin({"PIPELINING"});
                          peer.accept_mail();
                        }});
  use(server);
  settings.tls = RelayTls::verify;  // a local socket needs none
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  EXPECT_EQ(server.finish().front(), "LHLO reporter.example");
}

TEST_F(SmtpTransport, says_helo_to_a_server_of_the_old_kind) {
  ScriptedServer server({[](Peer& peer) {
    peer.say("220-old\r\n220 server\r\n");
    peer.line();
    peer.say("500 what?\r\n");
    peer.lines = {peer.line()};
    peer.say("250 hello\r\n");
    for (const char* reply : {"250 a\r\n", "250 b\r\n", "354 c\r\n"}) {
      peer.line();
      peer.say(reply);
    }
    peer.data();
    peer.say("250 queued\r\n");
  }});
  use(server);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  EXPECT_EQ(server.finish(), Lines{"HELO reporter.example"});
}

TEST_F(SmtpTransport, goes_to_the_next_relay_and_avoids_the_first_for_a_while) {
  ScriptedServer busy({[](Peer& peer) { peer.say("421 busy\r\n"); }});
  const auto once = [](Peer& peer) {
    peer.begin({"PIPELINING"});
    peer.accept_mail();
    peer.line();
    peer.say("221 bye\r\n");
  };
  ScriptedServer good({once, once});
  settings.relays = {dead_relay(), busy.relay(), good.relay()};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(hand_over().verdict, HandOver::accepted);
    transport->close();
  }
  EXPECT_EQ(busy.connections(), 1);
  EXPECT_EQ(good.connections(), 2);
}

TEST_F(SmtpTransport, sends_a_large_message_whole) {
  std::string message = "Subject: x\r\n\r\n";
  while (message.size() < (1u << 20)) message += ".a line that begins with a dot\r\n";
  std::string wire;
  ScriptedServer server({[&](Peer& peer) {
    peer.begin({"PIPELINING"});
    peer.accept_mail();
    wire = peer.lines.back();
  }});
  use(server);
  EXPECT_EQ(hand_over(message).verdict, HandOver::accepted);
  server.finish();
  std::string expected = message.substr(0, message.size() - 2);
  for (std::size_t at = 0; (at = expected.find("\n.", at)) != std::string::npos; at += 3) {
    expected.insert(at + 1, ".");
  }
  EXPECT_TRUE(wire == expected);
}

TEST_F(SmtpTransport, bounds_its_time_by_the_number_of_relays) {
  settings.timeout = std::chrono::seconds{7};
  settings.relays.resize(3);
  EXPECT_EQ(longest_hand_over(settings), std::chrono::seconds{21});
}

}  // namespace
}  // namespace tlsrpt::sender
