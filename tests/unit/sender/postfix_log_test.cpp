// SPDX-License-Identifier: BSD-2-Clause
// Sessions out of lines of Postfix, by the rules for putting them together.
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "tests/unit/sender/log_lines.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::string_view kTail = ": TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";

std::string smtp(std::string_view text, int pid = 10, std::string_view identity = "postfix/smtp",
                 std::string_view time = "18:58:18") {
  return "Nov 23 " + std::string(time) + " mta7 " + std::string(identity) + '[' +
         std::to_string(pid) + "]: " + std::string(text) + '\n';
}
std::string tls(std::string_view word, std::string_view peer, int pid = 10,
                std::string_view identity = "postfix/smtp") {
  return smtp(std::string(word) + " TLS connection established to " + std::string(peer) +
                  std::string(kTail),
              pid, identity);
}
std::string sent(std::string_view queue_id, std::string_view to, std::string_view relay,
                 int pid = 10) {
  return smtp(std::string(queue_id) + ": to=<" + std::string(to) +
                  ">, relay=" + std::string(relay) +
                  ", delay=0.1, delays=0/0/0.05/0.04, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
              pid);
}

TEST(PostfixLog, counts_one_session_for_all_recipients_of_a_connection) {
  EXPECT_EQ(to_lines(read_log(tls("Trusted", "mx.example[192.0.2.1]:25") +
                              sent("4A1B2C", "a@example.test", "mx.example[192.0.2.1]:25") +
                              sent("4A1B2C", "b@Example.Test", "mx.example[192.0.2.1]:25"))),
            (Lines{"example.test mx.example[192.0.2.1] established"}));
}

TEST(PostfixLog, counts_a_session_once_for_each_recipient_domain) {  // R322
  EXPECT_EQ(to_lines(read_log(tls("Trusted", "mx.example[192.0.2.1]:25") +
                              sent("4A1B2C", "a@one.test", "mx.example[192.0.2.1]:25") +
                              sent("4A1B2C", "b@two.test", "mx.example[192.0.2.1]:25") +
                              sent("4A1B2C", "c@one.test", "mx.example[192.0.2.1]:25"))),
            (Lines{"one.test mx.example[192.0.2.1] established",
                   "two.test mx.example[192.0.2.1] established"}));
}

TEST(PostfixLog, keeps_the_domains_of_one_message_apart) {
  EXPECT_EQ(to_lines(read_log(tls("Trusted", "mx.one.test[192.0.2.1]:25") +
                              sent("4A1B2C", "a@one.test", "mx.one.test[192.0.2.1]:25") +
                              tls("Trusted", "mx.two.test[192.0.2.2]:25") +
                              sent("4A1B2C", "b@two.test", "mx.two.test[192.0.2.2]:25"))),
            (Lines{"one.test mx.one.test[192.0.2.1] established",
                   "two.test mx.two.test[192.0.2.2] established"}));
}

TEST(PostfixLog, keeps_processes_instances_and_hosts_apart) {
  EXPECT_EQ(to_lines(read_log(
                tls("Verified", "mx.a.test[192.0.2.1]:25", 1) +
                tls("Trusted", "mx.b.test[2001:db8::1]:25", 2) +
                tls("Trusted", "mx.c.test[192.0.2.3]:25", 1, "postfix-out/relay/smtp") +
                "Nov 23 18:58:18 mta8 postfix/smtp[1]: Trusted TLS connection established to "
                "mx.d.test[192.0.2.4]:25: TLSv1.3\n" +
                sent("4A1B2C", "x@b.test", "mx.b.test[2001:db8::1]:25", 2) +
                sent("4A1B2D", "x@a.test", "mx.a.test[192.0.2.1]:25", 1))),
            (Lines{"b.test mx.b.test[2001:db8::1] established",
                   "a.test mx.a.test[192.0.2.1] established pkix=C dane=C *"}));
}

TEST(PostfixLog, gives_the_domain_to_hosts_that_failed_before) {
  EXPECT_EQ(
      to_lines(read_log(smtp("SSL_connect error to mx1.a.test[192.0.2.1]:25: -1") +
                        smtp("warning: TLS library problem: error:0A000410:SSL "
                             "routines::sslv3 alert handshake "
                             "failure:../ssl/record/rec_layer_s3.c:1584:SSL alert number 40:") +
                        smtp("4A1B2C: Cannot start TLS: handshake failure") +
                        smtp("4A1B2C: TLS is required, but was not offered by host "
                             "mx2.a.test[192.0.2.2]") +
                        smtp("4A1B2C: TLS is required, but host mx3.a.test[192.0.2.3] refused "
                             "to start TLS: 454 4.7.0 no") +
                        smtp("4A1B2C: to=<x@a.test>, relay=none, delay=1, delays=1/0/0/0, "
                             "dsn=4.4.1, status=deferred (connect to mx4.a.test[192.0.2.4]:25: "
                             "Connection refused)"))),
      (Lines{"a.test mx1.a.test[192.0.2.1] failed tls-remote-alert-40-handshake-failure",
             "a.test mx2.a.test[192.0.2.2] not_offered",
             "a.test mx3.a.test[192.0.2.3] refused smtp-starttls-reply-code-454"}));
}

TEST(PostfixLog, tells_why_a_handshake_failed_in_stable_words) {
  const auto reason = [](std::string_view text) {
    const auto sessions =
        read_log(smtp("SSL_connect error to mx.a.test[192.0.2.1]:25: " + std::string(text)) +
                 smtp("4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=1, dsn=4.7.5, "
                      "status=deferred (Cannot start TLS: handshake failure)"));
    return sessions.size() == 1 ? sessions[0].reason_code : "not one session";
  };
  EXPECT_EQ(reason("lost connection"), "tls-connection-closed");
  EXPECT_EQ(reason("Connection timed out"), "tls-handshake-timeout");
  EXPECT_EQ(reason("Connection reset by peer"), "tls-connection-closed");
  EXPECT_EQ(reason("0"), "tls-handshake-failure");
}

TEST(PostfixLog, does_not_count_connections_that_are_used_again) {
  const std::string first = tls("Trusted", "mx.a.test[192.0.2.1]:25") +
                            sent("4A1B2C", "x@a.test", "mx.a.test[192.0.2.1]:25");
  EXPECT_EQ(read_log(first + smtp("Trusted TLS connection reused to mx.a.test[192.0.2.1]:25: TLS") +
                     sent("4A1B2D", "x@a.test", "mx.a.test[192.0.2.1]:25"))
                .size(),
            1u);
  EXPECT_EQ(
      read_log(first + sent("4A1B2D", "x@a.test", "mx.a.test[192.0.2.1]:25, conn_use=2")).size(),
      1u);
}

TEST(PostfixLog, counts_once_what_tlsproxy_says_as_well) {
  const auto proxy = [](std::string_view text) { return smtp(text, 5, "postfix/tlsproxy"); };
  EXPECT_EQ(
      to_lines(read_log(
          proxy("CONNECT to [192.0.2.1]:25") +
          proxy("server certificate verification failed for mx.a.test[192.0.2.1]:25: "
                "num=65:no matching DANE TLSA records") +
          tls("Untrusted", "mx.a.test[192.0.2.1]:25", 5, "postfix/tlsproxy") +
          tls("Untrusted", "mx.a.test[192.0.2.1]:25") +
          smtp("4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=1, dsn=4.7.5, "
               "status=deferred (Server certificate not verified)") +
          proxy("warning: TLS library problem: error:0A000126:SSL routines::unexpected eof while "
                "reading:../ssl/x.c:1:") +
          proxy("TLS handshake failed for service=reuse peer=[2001:db8::2]:25") +
          smtp("4A1B2D: to=<x@b.test>, relay=mx.b.test[2001:db8::2]:25, delay=1, dsn=4.7.5, "
               "status=deferred (Cannot start TLS: handshake failure)"))),
      (Lines{"a.test mx.a.test[192.0.2.1] established dane=65, *",
             "b.test mx.b.test[2001:db8::2] failed tls-connection-closed"}));
}

TEST(PostfixLog, knows_a_failed_host_of_tlsproxy_only_if_there_is_one) {
  const auto proxy = [](std::string_view text) { return smtp(text, 5, "postfix/tlsproxy"); };
  const std::string one = proxy("TLS handshake failed for service=reuse peer=[192.0.2.1]:25");
  const std::string two = proxy("TLS handshake failed for service=reuse peer=[192.0.2.2]:25");
  const std::string rest = smtp("4A1B2C: Cannot start TLS: handshake failure") +
                           tls("Trusted", "mx9.a.test[192.0.2.9]:25") +
                           sent("4A1B2C", "x@a.test", "mx9.a.test[192.0.2.9]:25");
  EXPECT_EQ(to_lines(read_log(one + rest))[0], "a.test [192.0.2.1] failed tls-handshake-failure");
  EXPECT_EQ(to_lines(read_log(one + two + rest))[0], "a.test [] failed tls-handshake-failure");
}

TEST(PostfixLog, takes_mail_without_tls_for_starttls_that_was_not_offered) {
  const std::string shows_tls = tls("Trusted", "mx.a.test[192.0.2.1]:25") +
                                sent("4A1B2C", "x@a.test", "mx.a.test[192.0.2.1]:25");
  const std::string clear = sent("4A1B2D", "x@b.test", "mx.b.test[192.0.2.2]:25");
  EXPECT_EQ(to_lines(read_log(shows_tls + clear)).at(1), "b.test mx.b.test[192.0.2.2] not_offered");
  // An MTA that never logs TLS: it may have none.
  EXPECT_TRUE(read_log(clear).empty());

  const auto deferred = [&](std::string_view text) {
    return read_log(shows_tls +
                    smtp("4A1B2D: to=<x@b.test>, relay=mx.b.test[192.0.2.2]:25, delay=1, "
                         "dsn=4.0.0, status=deferred (" +
                         std::string(text) + ")"))
               .size() == 2;
  };
  EXPECT_TRUE(deferred("host mx.b.test[192.0.2.2] said: 451 later (in reply to RCPT TO command)"));
  EXPECT_TRUE(deferred("lost connection with mx.b.test[192.0.2.2] while sending RCPT TO"));
  // Nothing was proven before STARTTLS (X1).
  EXPECT_FALSE(deferred("host mx.b.test[192.0.2.2] refused to talk to me: 421 busy"));
  EXPECT_FALSE(deferred("host mx.b.test[192.0.2.2] said: 550 no (in reply to EHLO command)"));
  EXPECT_FALSE(deferred(
      "lost connection with mx.b.test[192.0.2.2] while receiving the initial server greeting"));
  EXPECT_FALSE(
      deferred("lost connection with mx.b.test[192.0.2.2] while performing the EHLO handshake"));
}

TEST(PostfixLog, goes_on_in_clear_after_a_failed_handshake_without_a_further_session) {
  EXPECT_EQ(to_lines(read_log(tls("Trusted", "mx.z.test[192.0.2.9]:25") +
                              sent("4A1B2B", "x@z.test", "mx.z.test[192.0.2.9]:25") +
                              smtp("SSL_connect error to mx.a.test[192.0.2.1]:25: -1") +
                              smtp("4A1B2C: Cannot start TLS: handshake failure") +
                              sent("4A1B2C", "x@a.test", "mx.a.test[192.0.2.1]:25")))
                .back(),
            "a.test mx.a.test[192.0.2.1] failed tls-handshake-failure");
}

TEST(PostfixLog, says_what_was_wrong_with_a_certificate) {
  const auto verdict = [](std::string_view text) {
    return to_line(read_log(smtp(text) + tls("Untrusted", "h.test[192.0.2.1]:25") +
                            sent("4A1B2C", "x@a.test", "h.test[192.0.2.1]:25"))
                       .at(0))
        .substr(std::string_view("a.test h.test[192.0.2.1] established ").size());
  };
  const std::string start = "certificate verification failed for h.test[192.0.2.1]:25: ";
  EXPECT_EQ(verdict("server " + start + "certificate has expired"), "pkix=10, dane=10, *");
  EXPECT_EQ(verdict("CA " + start + "certificate not yet valid"), "pkix=9, dane=9, *");
  EXPECT_EQ(verdict("server " + start + "num=62:hostname mismatch"), "pkix=62, dane=62, *");
  EXPECT_EQ(verdict("server " + start + "num=65:no matching DANE TLSA records"), "dane=65, *");
  EXPECT_EQ(verdict(start + "self-signed certificate"), "pkix=18, dane=18, *");
  EXPECT_EQ(verdict(start + "untrusted issuer /CN=a, b: c"), "pkix=20, dane=20, *");
  EXPECT_EQ(verdict(start + "not designated for use as a server certificate"),
            "pkix=26, dane=26, *");
  EXPECT_EQ(verdict(start + "certificate chain longer than limit(9)"), "pkix=22, dane=22, *");
  EXPECT_EQ(verdict(start + "not trusted by local or TLSA policy"), "pkix=1, dane=1, *");
  EXPECT_EQ(verdict("server " + start + "num=7:whatever"), "pkix=7, dane=7, *");
}

TEST(PostfixLog, believes_untrusted_only_if_there_is_a_trust_store) {
  const std::string untrusted = tls("Untrusted", "mx.a.test[192.0.2.1]:25") +
                                sent("4A1B2C", "x@a.test", "mx.a.test[192.0.2.1]:25");
  const std::string trusted = tls("Trusted", "mx.b.test[192.0.2.2]:25") +
                              sent("4A1B2D", "x@b.test", "mx.b.test[192.0.2.2]:25");
  EXPECT_EQ(to_line(read_log(untrusted)[0]), "a.test mx.a.test[192.0.2.1] established");
  EXPECT_EQ(to_line(read_log(trusted + untrusted)[1]),
            "a.test mx.a.test[192.0.2.1] established pkix=1,");
  // A few that used TLSA records of a domain that is not signed: they need no trust store.
  std::string nine, ten;
  for (int i = 0; i < 9; ++i) nine += untrusted;
  ten = nine + untrusted;
  EXPECT_EQ(to_line(read_log(nine + trusted + untrusted)[10]),
            "a.test mx.a.test[192.0.2.1] established pkix=1,");
  EXPECT_EQ(to_line(read_log(ten + trusted + untrusted)[11]),
            "a.test mx.a.test[192.0.2.1] established");
  // A fault of the operator's set-up is none of the certificate's.
  EXPECT_EQ(to_line(read_log(trusted +
                             smtp("certificate verification failed for mx.a.test[192.0.2.1]:25: "
                                  "external policy failure (sts-policy-fetch-error)") +
                             untrusted)[1]),
            "a.test mx.a.test[192.0.2.1] established");
  EXPECT_EQ(to_line(read_log(tls("Anonymous", "mx.a.test[192.0.2.1]:25") +
                             sent("4A1B2C", "x@a.test", "mx.a.test[192.0.2.1]:25"))[0]),
            "a.test mx.a.test[192.0.2.1] established pkix=1,");
}

TEST(PostfixLog, is_told_by_the_settings_whether_there_is_a_trust_store) {
  const std::string peer = "mx.a.test[192.0.2.1]:25";
  const std::string untrusted = tls("Untrusted", peer) + sent("4A1B2C", "x@a.test", peer);
  const std::string trusted = tls("Trusted", peer) + sent("4A1B2D", "x@a.test", peer);
  MailLogSettings settings;
  settings.trust_store = TrustStoreOfMta::present;
  MailLog believing(settings);
  EXPECT_EQ(to_line(read_log(believing, untrusted)[0]),
            "a.test mx.a.test[192.0.2.1] established pkix=1,");
  settings.trust_store = TrustStoreOfMta::absent;
  MailLog doubting(settings);
  EXPECT_EQ(to_line(read_log(doubting, trusted + untrusted)[1]),
            "a.test mx.a.test[192.0.2.1] established");
}

TEST(PostfixLog, reports_a_host_that_no_policy_names) {  // B9
  const std::string line =
      smtp("warning: MX name 'mx1.a.test' does not match STS MX pattern for 'a.test'");
  EXPECT_EQ(to_lines(read_log(line)), (Lines{"a.test mx1.a.test[] skipped"}));
  // What syslog folds is counted all the same.
  EXPECT_EQ(read_log(line + "Nov 23 18:58:19 mta7 last message repeated 2 times\n").size(), 3u);
  EXPECT_EQ(read_log(line + smtp("message repeated 3 times: [ warning: MX name 'mx1.a.test' does "
                                 "not match STS MX pattern for 'a.test']"))
                .size(),
            4u);
}

TEST(PostfixLog, takes_the_next_hop_that_postfix_names) {
  const std::string announced =
      smtp("TLSRPT: status=success, domain=hub.test, receiving_mx=mx.hub.test[192.0.2.1]");
  const std::string delivery = sent("4A1B2C", "x@a.test", "mx.hub.test[192.0.2.1]:25") +
                               sent("4A1B2C", "x@b.test", "mx.hub.test[192.0.2.1]:25");
  EXPECT_EQ(to_lines(read_log(tls("Trusted", "mx.hub.test[192.0.2.1]:25") + announced + delivery)),
            (Lines{"hub.test mx.hub.test[192.0.2.1] established"}));
  // Failures are announced before the line of the handshake.
  EXPECT_EQ(to_lines(read_log(smtp("TLSRPT: status=failure, domain=hub.test, "
                                   "receiving_mx=mx.hub.test[192.0.2.1], "
                                   "failure_type=tlsa_invalid, failure_reason=x") +
                              tls("Trusted", "mx.hub.test[192.0.2.1]:25") + delivery)),
            (Lines{"hub.test mx.hub.test[192.0.2.1] established"}));
  EXPECT_EQ(to_lines(read_log(smtp("TLSRPT: status=failure, domain=hub.test, "
                                   "receiving_mx=mx.hub.test[192.0.2.1], "
                                   "failure_type=starttls_not_supported") +
                              smtp("4A1B2C: to=<x@a.test>, relay=mx.hub.test[192.0.2.1]:25, dsn=4, "
                                   "status=deferred (TLS is required, but host "
                                   "mx.hub.test[192.0.2.1] refused to start TLS: 454 4.7.0 no)"))),
            (Lines{"hub.test mx.hub.test[192.0.2.1] refused smtp-starttls-reply-code-454"}));
}

TEST(PostfixLog, knows_which_sessions_postfix_has_reported_itself) {
  const auto reported = [](const std::string& lines) {
    const auto sessions = read_log(lines);
    EXPECT_EQ(sessions.size(), 1u) << lines;
    return !sessions.empty() && sessions[0].reported_by_mta;
  };
  const std::string success =
      smtp("TLSRPT: status=success, domain=a.test, receiving_mx=mx.a.test[192.0.2.1]");
  const std::string failure = smtp(
      "TLSRPT: status=failure, domain=a.test, receiving_mx=mx.a.test[192.0.2.1], "
      "failure_type=certificate_expired");
  const std::string session = tls("Trusted", "mx.a.test[192.0.2.1]:25");
  const std::string delivery = sent("4A1B2C", "x@a.test", "mx.a.test[192.0.2.1]:25");
  EXPECT_FALSE(reported(session + delivery));
  EXPECT_TRUE(reported(session + success + delivery));
  EXPECT_TRUE(reported(failure + session + delivery));
  EXPECT_TRUE(reported(failure + delivery));
  // tlsproxy(8) reports what it finds in the handshake.
  EXPECT_TRUE(
      reported("Nov 23 18:58:18 mta7 postfix/tlsproxy[99]: TLSRPT: status=failure, domain=a.test, "
               "receiving_mx=mx.a.test[192.0.2.1], failure_type=certificate_expired\n" +
               session + delivery));
}

TEST(PostfixLog, leaves_out_what_is_no_session_with_an_mx) {
  const std::string shows_tls = tls("Trusted", "mx.z.test[192.0.2.9]:25") +
                                sent("4A1B2B", "x@z.test", "mx.z.test[192.0.2.9]:25");
  for (const std::string& lines : {
           tls("Trusted", "198.51.100.1[198.51.100.1]:25") +
               sent("4A1B2C", "x@a.test", "198.51.100.1[198.51.100.1]:25"),
           tls("Trusted", "smart.test[192.0.2.1]:587") +
               sent("4A1B2C", "x@a.test", "smart.test[192.0.2.1]:587"),
           tls("Trusted", "mx.a.test[192.0.2.1]:25") +
               sent("4A1B2C", "x@[192.0.2.1]", "mx.a.test[192.0.2.1]:25"),
           sent("4A1B2C", "x@a.test", "localhost[127.0.0.1]:25"),
           sent("4A1B2C", "x@a.test", "none"),
           sent("4A1B2C", "x@a.test", "local"),
           sent("4A1B2C", "x@a.test", "mail[/run/lmtp.sock]"),
           sent("4A1B2C", "x", "mx.a.test[192.0.2.1]:25"),
       }) {
    EXPECT_EQ(read_log(shows_tls + lines).size(), 1u) << lines;
  }
  MailLogSettings settings;
  settings.ignored_relays = {"*.Smart.test", "192.0.2.7"};
  MailLog log(settings);
  EXPECT_TRUE(read_log(log, tls("Trusted", "out.smart.test[192.0.2.1]:25") +
                                sent("4A1B2C", "x@a.test", "out.smart.test[192.0.2.1]:25") +
                                tls("Trusted", "mx.a.test[192.0.2.7]:25") +
                                sent("4A1B2D", "x@a.test", "mx.a.test[192.0.2.7]:25"))
                  .empty());
  EXPECT_EQ(log.counters().incomplete, 0u);
}

TEST(PostfixLog, is_not_misled_by_recipients_and_replies) {
  EXPECT_EQ(
      to_lines(read_log(
          tls("Trusted", "mx.a.test[192.0.2.1]:25") +
          smtp(R"(4A1B2C: to=<"a>, relay=mx.evil.test[203.0.113.1]:25, status=sent (x"@a.test>, )"
               R"(orig_to=<"b>, relay=none, "@b.test>, relay=mx.a.test[192.0.2.1]:25, dsn=2.0.0, )"
               R"(status=sent (250 to=<x@evil.test>, relay=mx.evil.test[203.0.113.1]:25))"))),
      (Lines{"a.test mx.a.test[192.0.2.1] established"}));
}

TEST(PostfixLog, counts_a_retry_in_clear_of_the_same_process_again) {
  const auto again = [](std::string_view time) {
    return smtp(
        "4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, dsn=4.7.4, status=deferred "
        "(TLS is required, but was not offered by host mx.a.test[192.0.2.1])",
        10, "postfix/smtp", time);
  };
  EXPECT_EQ(read_log(again("18:00:00") + again("18:00:10") + again("18:06:00")).size(), 2u);
}

TEST(PostfixLog, reads_the_deliveries_of_3_11_which_tell_the_tls_level) {
  EXPECT_EQ(
      to_lines(read_log(
          tls("Verified", "mx.a.test[192.0.2.1]:25") +
          smtp("4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=0.1, "
               "delays=0/0/0.05/0.04, tls=dane, dsn=2.0.0, status=sent (250 2.0.0 Ok)") +
          smtp("4A1B2D: to=<x@b.test>, relay=mx.b.test[192.0.2.2]:25, delay=0.1, "
               "delays=0/0/0.05/0, tls=!encrypt/requiretls, dsn=5.7.30, status=bounced (Sender "
               "requested REQUIRETLS, but TLS service was not offered by host "
               "mx.b.test[192.0.2.2])"))),
      (Lines{"a.test mx.a.test[192.0.2.1] established pkix=C dane=C *",
             "b.test mx.b.test[192.0.2.2] not_offered"}));
}

TEST(PostfixLog, believes_that_a_certificate_was_refused_for_a_reason_told_earlier) {
  const auto deferred = [](std::string_view why) {
    return smtp(
        "4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, dsn=4.7.5, status=deferred (" +
        std::string(why) + ")");
  };
  const std::string resumed =
      smtp(
          "mx.a.test[192.0.2.1]:25: re-using session with untrusted certificate, look for details "
          "earlier in the log") +
      tls("Untrusted", "mx.a.test[192.0.2.1]:25");
  const auto refused = read_log(resumed + deferred("Server certificate not verified"));
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_TRUE(refused[0].demanded_only);
  EXPECT_EQ(refused[0].dane.errors, std::vector<int>{X509_V_ERR_UNSPECIFIED});
  // What the server says is no word of Postfix.
  const auto said = read_log(
      resumed + deferred("host mx.a.test[192.0.2.1] said: 450 Server certificate not verified"));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_FALSE(said[0].demanded_only);
}

TEST(PostfixLog, takes_an_external_failure_of_the_policy_for_no_fault_of_the_certificate) {
  const auto sessions = read_log(
      smtp("certificate verification failed for mx.a.test[192.0.2.1]:25: external policy failure "
           "(sts-policy-fetch-error)") +
      tls("Untrusted", "mx.a.test[192.0.2.1]:25") +
      smtp("4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, dsn=4.7.5, status=deferred "
           "(Server certificate not verified)"));
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_TRUE(sessions[0].dane.errors.empty());
  EXPECT_TRUE(sessions[0].pkix.errors.empty());
}

}  // namespace
}  // namespace tlsrpt::sender
