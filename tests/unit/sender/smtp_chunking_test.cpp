// SPDX-License-Identifier: BSD-2-Clause

// Envelope and data in one write (RFC 3030, RFC 2920), and what becomes of it when a server does
// not take all of it.

#include "tests/unit/sender/scripted_server.hpp"

namespace tlsrpt::sender {
namespace {

using SmtpChunking = SmtpCase;
using Lines = std::vector<std::string>;

constexpr std::string_view kMail = "Subject: x\r\n\r\n.hi\r\n";  // three lines

/// Greets and takes everything that one mail is; then says this.
void take_mail(Peer& peer, std::string_view replies) {
  for (int i = 0; i < 6; ++i) peer.lines.push_back(peer.line());
  peer.say(replies);
}

void begin(Peer& peer) { peer.begin({"PIPELINING", "CHUNKING"}); }

std::function<void(Peer&)> script(std::string_view replies) {
  return [replies](Peer& peer) {
    begin(peer);
    take_mail(peer, replies);
    peer.wait_for_end();
  };
}

constexpr std::string_view kAccepted = "250 a\r\n250 b\r\n250 queued\r\n";

TEST_F(SmtpChunking, sends_envelope_and_data_at_once_and_as_they_are) {
  ScriptedServer server({[](Peer& peer) {
    begin(peer);
    take_mail(peer, kAccepted);
    take_mail(peer, kAccepted);
  }});
  use(server);
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::accepted);
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::accepted);
  const Lines lines = server.finish();
  ASSERT_EQ(lines.size(), 13u);
  EXPECT_EQ(lines[1], "MAIL FROM:<from@sender.example>");
  EXPECT_EQ(lines[2], "RCPT TO:<to@receiver.example>");
  EXPECT_EQ(lines[3], "BDAT 19 LAST");
  EXPECT_EQ(lines[6], ".hi") << "no dot is doubled";
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SmtpChunking, is_not_used_for_large_mails_or_lmtp_or_without_pipelining) {
  const auto usual = [](std::vector<std::string> words) {
    return [words](Peer& peer) {
      peer.begin(words);
      for (const char* reply : {"250 a\r\n", "250 b\r\n", "354 c\r\n"}) {
        peer.lines.push_back(peer.line());
        peer.say(reply);
      }
      peer.data();
      peer.say("250 queued\r\n");
    };
  };
  ScriptedServer server({usual({"PIPELINING", "CHUNKING"})});
  use(server);
  EXPECT_EQ(hand_over(std::string(100000, 'x') + "\r\n").verdict, HandOver::accepted);
  EXPECT_EQ(server.finish().back(), "DATA");
  transport.reset();
  settings.relays.clear();
  ScriptedServer plain({usual({"CHUNKING"})});
  use(plain);
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::accepted);
  EXPECT_EQ(plain.finish().back(), "DATA");
}

TEST_F(SmtpChunking, a_refused_recipient_ends_the_connection_and_nothing_else) {
  ScriptedServer server(
      {script("250 a\r\n550 5.1.1 no such user\r\n503 no recipients\r\n"), script(kAccepted)});
  use(server);
  const HandOverResult refused = hand_over(kMail);
  EXPECT_EQ(refused.verdict, HandOver::permanent);
  EXPECT_TRUE(refused.destination_refused);
  EXPECT_EQ(refused.detail, "550 5.1.1 no such user");
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::accepted);
  transport.reset();
  server.finish();
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(SmtpChunking, a_refusal_counts_although_the_server_hangs_up_behind_it) {
  ScriptedServer server({[](Peer& peer) {
    begin(peer);
    take_mail(peer, "250 a\r\n550 5.1.1 no such user\r\n");
  }});
  use(server);
  EXPECT_TRUE(hand_over(kMail).destination_refused);
}

TEST_F(SmtpChunking, data_that_is_refused_for_now_ends_the_connection) {
  ScriptedServer server({script("250 a\r\n250 b\r\n451 4.3.0 later\r\n"), script(kAccepted)});
  use(server);
  const HandOverResult later = hand_over(kMail);
  EXPECT_EQ(later.verdict, HandOver::temporary);
  EXPECT_FALSE(later.server_trouble);
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::accepted);
  transport.reset();
  server.finish();
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(SmtpChunking, a_lost_answer_leaves_the_outcome_open) {
  ScriptedServer server({[](Peer& peer) {
    begin(peer);
    take_mail(peer, "250 a\r\n250 b\r\n");
  }});
  use(server);
  const HandOverResult lost = hand_over(kMail);
  EXPECT_EQ(lost.verdict, HandOver::temporary);
  EXPECT_FALSE(lost.server_trouble) << "no other relay may get it";
}

TEST_F(SmtpChunking, data_that_was_taken_in_spite_of_a_refusal_goes_nowhere_else) {
  ScriptedServer server({script("503 nested MAIL\r\n250 b\r\n250 queued\r\n")});
  use(server);
  const HandOverResult odd = hand_over(kMail);
  EXPECT_EQ(odd.verdict, HandOver::temporary);
  EXPECT_FALSE(odd.server_trouble);
}

TEST_F(SmtpChunking, who_must_not_relay_is_told_by_the_server_and_loses_no_report) {
  ScriptedServer server({script("250 a\r\n554 5.7.1 Relay access denied\r\n503 x\r\n")});
  use(server);
  const HandOverResult denied = hand_over(kMail);
  EXPECT_EQ(denied.verdict, HandOver::temporary);
  EXPECT_TRUE(denied.server_trouble);
  EXPECT_FALSE(denied.destination_refused);
}

TEST_F(SmtpChunking, a_reply_too_many_does_not_count_for_the_next_mail) {
  ScriptedServer server({[](Peer& peer) {
                           begin(peer);
                           take_mail(peer, "250 a\r\n250 b\r\n250 queued\r\n250 and again\r\n");
                           peer.wait_for_end();
                         },
                         script("250 a\r\n250 b\r\n554 5.6.0 unwanted\r\n")});
  use(server);
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::accepted);
  EXPECT_EQ(hand_over(kMail).verdict, HandOver::permanent);
  transport.reset();
  server.finish();
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace tlsrpt::sender
