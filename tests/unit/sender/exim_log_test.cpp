// SPDX-License-Identifier: BSD-2-Clause
// Sessions out of lines of Exim's main log.
#include <gtest/gtest.h>

#include "tests/unit/sender/log_lines.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::string_view kId = "1vXy3k-00000000Abc-1DeF";

std::string line(std::string_view text, std::string_view id = kId,
                 std::string_view time = "2026-11-23 12:20:00") {
  return std::string(time) + ' ' + std::string(id) + ' ' + std::string(text) + '\n';
}
std::string sent(std::string_view to, std::string_view rest, std::string_view arrow = "=>") {
  return line(std::string(arrow) + ' ' + std::string(to) + " R=dnslookup T=remote_smtp " +
              std::string(rest) + " C=\"250 2.0.0 Ok X=1 H=evil [203.0.113.9]\"");
}
constexpr std::string_view kTls = " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=";

TEST(EximLog, takes_cv_for_what_it_says) {
  const auto verdict = [](std::string_view word) {
    return to_lines(read_log(
        sent("x@A.test", "H=mx.a.test [192.0.2.1]" + std::string(kTls) + std::string(word))));
  };
  EXPECT_EQ(verdict("dane"), (Lines{"a.test mx.a.test[192.0.2.1] established dane=C"}));
  EXPECT_EQ(verdict("yes"), (Lines{"a.test mx.a.test[192.0.2.1] established pkix=C"}));
  EXPECT_EQ(verdict("no"), (Lines{"a.test mx.a.test[192.0.2.1] established"}));
}

TEST(EximLog, reads_ids_pids_zones_and_syslog) {
  const std::string rest =
      " => x@a.test R=r T=t H=mx.a.test [2001:db8::1]:25 X=TLS1.3:C:256 CV=yes "
      "DN=\"/CN=a H=b [192.0.2.2]\" C=\"250 ok\"";
  for (const std::string& text : {
           "2026-11-23 12:20:00 1vXy3k-0000Ab-1D" + rest,
           "2026-11-23 12:20:00 [4711] 1vXy3k-0000Ab-1D" + rest,
           "2026-11-23 12:20:00.123 +0100 [4711] " + std::string(kId) + rest,
           "2026-11-23 12:20:00 +0100 " + std::string(kId) + rest,
           "Nov 23 12:20:00 host exim[4711]: 2026-11-23 12:20:00 " + std::string(kId) + rest,
           "Nov 23 12:20:00 host exim4[4711]: " + std::string(kId) + rest,
       }) {
    EXPECT_EQ(to_lines(read_log(text)), (Lines{"a.test mx.a.test[2001:db8::1] established pkix=C"}))
        << text;
  }
}

TEST(EximLog, counts_connections_and_not_recipients) {
  const std::string host = "H=mx.a.test [192.0.2.1]";
  EXPECT_EQ(to_lines(read_log(sent("x@a.test", host + std::string(kTls) + "yes") +
                              sent("y@a.test", host + std::string(kTls) + "yes", "->") +
                              sent("z@b.test", host + std::string(kTls) + "yes", "->") +
                              line("Completed"))),
            (Lines{"a.test mx.a.test[192.0.2.1] established pkix=C",
                   "b.test mx.a.test[192.0.2.1] established pkix=C"}));
  // A further message on an open connection.
  EXPECT_TRUE(read_log(sent("x@a.test", host + "*" + std::string(kTls) + "yes")).empty());
}

TEST(EximLog, knows_what_was_wrong_with_a_certificate) {
  EXPECT_EQ(
      to_lines(read_log(line("[192.0.2.1] SSL verify error: depth=0 error=certificate has expired "
                             "cert=/CN=x") +
                        sent("x@a.test", "H=mx.a.test [192.0.2.1]" + std::string(kTls) + "no"))),
      (Lines{"a.test mx.a.test[192.0.2.1] established pkix=10,"}));
  EXPECT_EQ(to_lines(read_log(line("[192.0.2.1] SSL verify error: certificate name mismatch: "
                                   "DN=\"/CN=hosting.test\" H=\"mx.a.test\"") +
                              line("== x@a.test R=dnslookup T=remote_smtp defer (-37) H=mx.a.test "
                                   "[192.0.2.1]: TLS session: (SSL_connect): error:0A000086:SSL "
                                   "routines::certificate verify failed"))),
            (Lines{"a.test mx.a.test[192.0.2.1] established pkix=62,"}));
  // A callout's is somebody else's session.
  EXPECT_EQ(
      to_lines(read_log(line("[192.0.2.1] SSL verify error: depth=0 error=certificate has expired "
                             "cert=/CN=x (during R-verify for [192.0.2.77])") +
                        sent("x@a.test", "H=mx.a.test [192.0.2.1]" + std::string(kTls) + "no"))),
      (Lines{"a.test mx.a.test[192.0.2.1] established"}));
}

TEST(EximLog, tells_failures_of_each_host) {
  EXPECT_EQ(
      to_lines(read_log(
          line("H=mx1.a.test [192.0.2.1]: TLS session: (SSL_connect): error:0A00010B:SSL "
               "routines::wrong version number") +
          line("== x@a.test R=dnslookup T=remote_smtp defer (-38) H=mx2.a.test [192.0.2.2]: a TLS "
               "session is required, but the server did not offer TLS support"))),
      (Lines{"a.test mx1.a.test[192.0.2.1] failed tls-handshake-failure",
             "a.test mx2.a.test[192.0.2.2] not_offered"}));
  EXPECT_EQ(to_lines(read_log(
                line("== x@a.test R=dnslookup T=remote_smtp defer (-37) H=mx.a.test [192.0.2.1]: "
                     "DANE attempt failed; TLS connection to mx.a.test [192.0.2.1]: x"))),
            (Lines{"a.test mx.a.test[192.0.2.1] failed tls-handshake-failure"}));
  // No connection, no session (X1).
  EXPECT_TRUE(
      read_log(line("H=mx1.a.test [192.0.2.1] Connection refused") +
               line("== x@a.test R=dnslookup T=remote_smtp defer (111): Connection refused") +
               line("== x@a.test routing defer (-51): retry time not reached"))
          .empty());
}

TEST(EximLog, counts_each_attempt_of_a_message) {
  const auto attempt = [](std::string_view time) {
    return line(
        "== x@a.test R=dnslookup T=remote_smtp defer (-38) H=mx.a.test [192.0.2.1]: a TLS "
        "session is required, but the server did not offer TLS support",
        kId, time);
  };
  EXPECT_EQ(read_log(attempt("2026-11-23 12:20:00") + attempt("2026-11-23 12:35:00")).size(), 2u);
}

TEST(EximLog, takes_mail_without_tls_for_starttls_that_was_not_offered) {
  const std::string clear = sent("x@a.test", "H=mx.a.test [192.0.2.1]");
  EXPECT_TRUE(read_log(clear).empty());
  EXPECT_EQ(
      to_lines(
          read_log(sent("x@z.test", "H=mx.z.test [192.0.2.9]" + std::string(kTls) + "yes") + clear))
          .back(),
      "a.test mx.a.test[192.0.2.1] not_offered");
  EXPECT_EQ(to_lines(read_log(sent("x@a.test", "H=mx.a.test [192.0.2.1] PS=es"))),
            (Lines{"a.test mx.a.test[192.0.2.1] refused"}));
  EXPECT_EQ(to_lines(read_log(
                line("TLS session: (SSL_connect): timed out: delivering unencrypted to H=mx.a.test "
                     "[192.0.2.1] (not in hosts_require_tls)") +
                clear)),
            (Lines{"a.test mx.a.test[192.0.2.1] failed tls-handshake-timeout"}));
}

TEST(EximLog, texts_of_strangers_forge_nothing) {
  const std::string bait = "H=mx.victim.test [192.0.2.7] X=TLS1.3:C:256 CV=dane";
  const std::string own = "H=mx.a.test [192.0.2.1]" + std::string(kTls) + "yes";
  const std::string fields = " R=dnslookup T=remote_smtp ";
  for (const std::string& text : {
           "=> x@a.test <\"u> " + bait + " \"@here.test>" + fields + own,
           "=> \"u@victim.test " + bait + " \"@a.test" + fields + own,
           "=> x@a.test F=<\"u> " + bait + " \"@here.test>" + fields + own,
           "=> x@a.test P=<\"u> " + bait + " \"@here.test>" + fields + own,
           "=> x@a.test" + fields + own + " DN=\"/CN=a\" " + bait + " \" C=\"250 ok\"",
           "=> x@a.test" + fields + own + " C=\"250 \\\" " + bait + " \\\" ok\" QT=1s",
       }) {
    EXPECT_EQ(to_lines(read_log(line(text))),
              (Lines{"a.test mx.a.test[192.0.2.1] established pkix=C"}))
        << text;
  }
  const std::string sent_to_a = sent("x@a.test", own);
  for (const std::string& text : {
           // A sender's Message-ID, subject or HELO, and what an ACL says about them.
           std::string(
               "<= y@b.test H=b.test [192.0.2.66] P=esmtp S=9 id=x TLS session: : delivering "
               "unencrypted to H=mx.victim.test [192.0.2.7] (x"),
           std::string("<= y@b.test H=b.test [192.0.2.1] P=esmtp S=9 T=\"SSL verify error: x"),
           std::string("H=mx.victim.test [192.0.2.7] Warning: TLS session: no"),
           std::string("H=mx.a.test [192.0.2.1]: SMTP error from remote mail server after RCPT "
                       "TO:<x@a.test>: 450 TLS session: : SSL verify error: did not offer TLS "
                       "support"),
       }) {
    EXPECT_EQ(to_lines(read_log(line(text) + sent_to_a)),
              (Lines{"a.test mx.a.test[192.0.2.1] established pkix=C"}))
        << text;
  }
}

TEST(EximLog, leaves_out_local_deliveries_and_smarthosts) {
  const std::string tls = "H=mx.a.test [192.0.2.1]" + std::string(kTls) + "yes";
  EXPECT_TRUE(read_log(line("=> user <user@a.test> R=local_user T=mail_spool")).empty());
  EXPECT_TRUE(read_log(line("=> x@a.test R=smarthost T=remote_smtp_smarthost " + tls)).empty());
  EXPECT_TRUE(read_log(sent("x@a.test", "H=mx.a.test [192.0.2.1]:587" + std::string(kTls) + "yes"))
                  .empty());
  EXPECT_TRUE(read_log(sent("x@[192.0.2.1]", tls)).empty());
}

}  // namespace
}  // namespace tlsrpt::sender
