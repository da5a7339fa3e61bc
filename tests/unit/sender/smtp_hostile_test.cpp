// SPDX-License-Identifier: BSD-2-Clause

// Servers that hang, lie or talk without end.

#include <chrono>
#include <thread>

#include "tests/unit/sender/scripted_server.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;
using SmtpHostile = SmtpCase;
using SteadyClock = std::chrono::steady_clock;

void expect_trouble(const HandOverResult& result, std::string_view said) {
  EXPECT_EQ(result.verdict, HandOver::temporary);
  EXPECT_TRUE(result.server_trouble);
  EXPECT_NE(result.detail.find(said), std::string::npos) << result.detail;
}

TEST_F(SmtpHostile, replies_without_end_are_not_read) {
  ScriptedServer server({[](Peer& peer) {
                           for (int i = 0; i < 10000; ++i) peer.say("220-and so on\r\n");
                           peer.wait_for_end();
                         },
                         [](Peer& peer) {
                           peer.say("220 " + std::string(100000, 'x'));
                           peer.wait_for_end();
                         },
                         [](Peer& peer) { peer.say("SSH-2.0-OpenSSH_9.2\r\n"); }});
  use(server);
  expect_trouble(hand_over(), "more than 64 lines");
  expect_trouble(hand_over(), "more than 1024 bytes");
  expect_trouble(hand_over(), "no SMTP: SSH-2.0");
}

TEST_F(SmtpHostile, plain_text_behind_starttls_does_not_count) {
  const auto inject = [](Peer& peer) {
    peer.begin({"STARTTLS"});
    peer.line();
    peer.say("220 go ahead\r\n250-smuggled\r\n250 AUTH PLAIN\r\n");
    peer.wait_for_end();
  };
  ScriptedServer server({inject, inject, [](Peer& peer) {
                           peer.begin({"STARTTLS", "PIPELINING"});
                           peer.accept_mail();
                           peer.lines.resize(2);
                         }});
  use(server);
  settings.tls = RelayTls::encrypt;
  expect_trouble(hand_over(), "spoke in clear");
  settings.tls = RelayTls::may;
  transport.reset();
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);  // R138: without TLS then
  EXPECT_EQ(server.finish().back(), "MAIL FROM:<from@sender.example>");
}

TEST_F(SmtpHostile, a_server_without_tls_gets_nothing_where_tls_must_be) {
  const auto plain = [](Peer& peer) {
    peer.begin();
    peer.wait_for_end();
  };
  ScriptedServer server({plain, [](Peer& peer) {
                           peer.begin({"STARTTLS"});
                           peer.line();
                           peer.say("454 4.7.0 not now\r\n");
                           peer.wait_for_end();
                         }});
  use(server);
  settings.tls = RelayTls::verify;
  expect_trouble(hand_over(), "does not offer STARTTLS");
  expect_trouble(hand_over(), "STARTTLS: 454 4.7.0 not now");
}

TEST_F(SmtpHostile, a_handshake_that_hangs_leaves_time_to_do_without) {
  ScriptedServer server({[](Peer& peer) {
                           peer.begin({"STARTTLS"});
                           peer.line();
                           peer.say("220 go ahead\r\n");
                           peer.wait_for_end();
                         },
                         [](Peer& peer) {
                           peer.begin({"STARTTLS", "PIPELINING"});
                           peer.accept_mail();
                         }});
  use(server);
  settings.timeout = 4s;
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
}

TEST_F(SmtpHostile, silence_ends_with_the_timeout) {
  ScriptedServer server({[](Peer& peer) { peer.wait_for_end(); }});
  use(server);
  settings.timeout = 1s;
  const auto begin = SteadyClock::now();
  expect_trouble(hand_over(), "greeting: timeout");
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST_F(SmtpHostile, silence_after_the_data_is_no_reason_to_send_it_elsewhere) {
  ScriptedServer server({[](Peer& peer) {
    peer.begin({"PIPELINING"});
    for (int i = 0; i < 3; ++i) peer.line();
    peer.say("250 a\r\n250 b\r\n354 c\r\n");
    peer.wait_for_end();
  }});
  use(server);
  ScriptedServer other({});
  use(other);
  settings.timeout = 2s;
  const HandOverResult result = hand_over();
  EXPECT_EQ(result.verdict, HandOver::temporary);
  EXPECT_FALSE(result.server_trouble);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(SmtpHostile, stopping_does_not_wait_for_a_server) {
  ScriptedServer server({[this](Peer& peer) {
    stop.request();
    peer.wait_for_end();
  }});
  use(server);
  const auto begin = SteadyClock::now();
  EXPECT_EQ(hand_over().verdict, HandOver::aborted);
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST_F(SmtpHostile, stopping_takes_the_answer_that_comes_at_once) {
  ScriptedServer server({[this](Peer& peer) {
    peer.begin({"PIPELINING"});
    for (int i = 0; i < 3; ++i) peer.line();
    peer.say("250 a\r\n250 b\r\n354 c\r\n");
    peer.data();
    stop.request();
    peer.say("250 queued\r\n");
  }});
  use(server);
  EXPECT_EQ(hand_over().verdict, HandOver::accepted);
}

TEST_F(SmtpHostile, probing_says_what_to_look_at) {
  ScriptedServer server({[](Peer& peer) {
                           peer.begin();
                           peer.lines = {peer.line()};
                           peer.say("221 bye\r\n");
                         },
                         [](Peer& peer) { peer.begin(); }});
  EXPECT_TRUE(probe_relay(server.relay(), settings, stop));
  settings.tls = RelayTls::encrypt;
  const auto probed = probe_relay(server.relay(), settings, stop);
  ASSERT_FALSE(probed);
  EXPECT_NE(probed.error().detail.find("look at SMTPServer, SMTPTLS"), std::string::npos)
      << probed.error().detail;
  EXPECT_EQ(server.finish(), (std::vector<std::string>{"QUIT", "EHLO reporter.example"}));
}

}  // namespace
}  // namespace tlsrpt::sender
