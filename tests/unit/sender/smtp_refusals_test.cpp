// SPDX-License-Identifier: BSD-2-Clause

// What a server refuses, and what is made of it.

#include "tests/unit/sender/scripted_server.hpp"

namespace tlsrpt::sender {
namespace {

using Lines = std::vector<std::string>;
using SmtpRefusal = SmtpCase;

struct Expected {
  const char* replies;  ///< to MAIL, RCPT and DATA, sent together
  HandOver verdict;
  const char* detail;
  bool destination_refused = false;
  bool server_trouble = false;
};

TEST_F(SmtpRefusal, before_the_data_is_about_the_destination_only_at_rcpt) {
  using enum HandOver;
  for (const Expected& expected : {
           Expected{"250 a\r\n550 5.1.1 nobody\r\n554 none\r\n", permanent, "550 5.1.1 nobody",
                    true},
           Expected{"250 a\r\n450 4.2.0 later\r\n554 none\r\n", temporary, "450 4.2.0 later"},
           Expected{"250 a\r\n530 5.7.0 who?\r\n554 none\r\n", temporary, "530 5.7.0 who?", false,
                    true},
           Expected{"550 5.7.1 not you\r\n503 x\r\n503 y\r\n", temporary, "550 5.7.1 not you",
                    false, true},
           Expected{"452 4.3.1 full\r\n503 x\r\n503 y\r\n", temporary, "452 4.3.1 full", false,
                    true},
           Expected{"552 5.3.4 too large\r\n503 x\r\n503 y\r\n", permanent, "552 5.3.4 too large"},
           Expected{"250 a\r\n421 4.3.2 bye\r\n", temporary, "421 4.3.2 bye", false, true},
           Expected{"250 a\r\n250 b\r\n451 no\r\n", temporary, "451 no"},
           Expected{"250 a\r\n250 b\r\n554 no\r\n", temporary, "554 no"},
       }) {
    ScriptedServer server({[&](Peer& peer) {
      peer.begin({"PIPELINING"});
      for (int i = 0; i < 3; ++i) peer.line();
      peer.say(expected.replies);
    }});
    settings.relays = {server.relay()};
    transport.reset();
    const HandOverResult result = hand_over();
    EXPECT_EQ(result.verdict, expected.verdict) << expected.replies;
    EXPECT_EQ(result.detail, expected.detail);
    EXPECT_EQ(result.destination_refused, expected.destination_refused) << expected.replies;
    EXPECT_EQ(result.server_trouble, expected.server_trouble) << expected.replies;
  }
}

TEST_F(SmtpRefusal, after_the_data_is_about_the_message) {
  for (const auto& [reply, verdict] :
       {std::pair{"250-a\r\n250 b\r\n", HandOver::accepted},
        std::pair{"451 b\r\n", HandOver::temporary}, std::pair{"554 b\r\n", HandOver::permanent}}) {
    ScriptedServer server({[text = reply](Peer& peer) {
      peer.begin({"PIPELINING"});
      for (int i = 0; i < 3; ++i) peer.line();
      peer.say("250 a\r\n250 b\r\n354 c\r\n");
      peer.data();
      peer.say(text);
    }});
    settings.relays = {server.relay()};
    transport.reset();
    const HandOverResult result = hand_over();
    EXPECT_EQ(result.verdict, verdict) << reply;
    EXPECT_FALSE(result.destination_refused || result.server_trouble) << reply;
  }
}

TEST_F(SmtpRefusal, leaves_the_connection_fit_for_the_next_mail) {
  ScriptedServer server({[](Peer& peer) {
    peer.begin({"PIPELINING"});
    for (int i = 0; i < 3; ++i) peer.line();
    peer.say("250 a\r\n550 b\r\n354 data without a recipient\r\n");
    peer.lines.push_back(peer.line());
    peer.say("554 none\r\n");
    peer.lines.push_back(peer.line());
    peer.say("250 reset\r\n");
    peer.accept_mail();
    peer.lines.resize(3);
  }});
  use(server);
  EXPECT_EQ(hand_over().verdict, HandOver::permanent);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
  EXPECT_EQ(server.finish(), (Lines{"EHLO reporter.example", ".", "RSET"}));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SmtpRefusal, of_the_connection_is_trouble_with_the_server) {
  const std::vector<ScriptedServer::Script> scripts{
      [](Peer& peer) { peer.say("554 5.3.2 no service\r\n"); },
      [](Peer& peer) {
        peer.say("220 hello\r\n");
        peer.line();
        peer.say("450 not now\r\n");
      },
      [](Peer&) {},
  };
  ScriptedServer server(scripts);
  use(server);
  for (const char* said : {"greeting: 554 5.3.2 no service", "EHLO: 450 not now",
                           "greeting: the server closed the connection"}) {
    const HandOverResult result = hand_over();
    EXPECT_EQ(result.verdict, HandOver::temporary);
    EXPECT_TRUE(result.server_trouble);
    EXPECT_EQ(result.detail, to_string(server.relay()) + ": " + said);
  }
}

struct AuthExpected {
  const char* offer;
  Lines replies;  ///< to what the client says, after which the mail may come
  Lines said;
};

TEST_F(SmtpRefusal, of_no_password_that_is_right) {
  settings.user = "reporter";
  settings.password = "secret";
  const Lines plain{"AUTH PLAIN AHJlcG9ydGVyAHNlY3JldA=="};
  for (const AuthExpected& expected :
       {AuthExpected{"AUTH LOGIN PLAIN", {"235 ok\r\n"}, plain},
        AuthExpected{"AUTH LOGIN",
                     {"334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 ok\r\n"},
                     {"AUTH LOGIN", "cmVwb3J0ZXI=", "c2VjcmV0"}}}) {
    ScriptedServer server({[&](Peer& peer) {
      peer.begin({"PIPELINING", expected.offer});
      for (const std::string& reply : expected.replies) {
        peer.lines.push_back(peer.line());
        peer.say(reply);
      }
      peer.accept_mail();
      peer.lines.erase(peer.lines.begin());
      peer.lines.resize(expected.said.size());
    }});
    settings.relays = {server.relay()};
    transport.reset();
    EXPECT_EQ(hand_over().verdict, HandOver::accepted);
    EXPECT_EQ(server.finish(), expected.said);
  }
}

TEST_F(SmtpRefusal, of_the_password_is_trouble_with_the_server) {
  settings.user = "reporter";
  settings.password = "secret";
  ScriptedServer server({[](Peer& peer) {
                           peer.begin({"AUTH PLAIN"});
                           peer.line();
                           peer.say("535 5.7.8 wrong\r\n");
                         },
                         [](Peer& peer) { peer.begin({"AUTH CRAM-MD5"}); }});
  use(server);
  for (const char* said : {"AUTH: 535 5.7.8 wrong", "neither AUTH PLAIN nor AUTH LOGIN"}) {
    const HandOverResult result = hand_over();
    EXPECT_TRUE(result.verdict == HandOver::temporary && result.server_trouble);
    EXPECT_NE(result.detail.find(said), std::string::npos) << result.detail;
  }
}

}  // namespace
}  // namespace tlsrpt::sender
