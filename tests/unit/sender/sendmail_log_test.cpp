// SPDX-License-Identifier: BSD-2-Clause
// Sessions out of lines of Sendmail.
#include <gtest/gtest.h>

#include "tests/unit/sender/log_lines.hpp"

namespace tlsrpt::sender {
namespace {

std::string line(std::string_view text, int pid = 10, std::string_view identity = "sendmail") {
  return "Nov 23 18:58:18 mta18 " + std::string(identity) + '[' + std::to_string(pid) +
         "]: " + std::string(text) + '\n';
}
std::string tls(std::string_view host, std::string_view verify) {
  return line("STARTTLS=client, relay=" + std::string(host) +
              "., version=TLSv1.3, verify=" + std::string(verify) + ", cipher=X, bits=256/256");
}
std::string to(std::string_view list, std::string_view relay,
               std::string_view rest = "dsn=2.0.0, stat=Sent (ok)") {
  return line("6ANIxYR4001514: to=" + std::string(list) +
              ", ctladdr=a@x.test (0/0), delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=30090, "
              "relay=" +
              std::string(relay) + ", " + std::string(rest));
}

TEST(SendmailLog, takes_verify_for_what_it_says) {
  const auto verify = [](std::string_view word) {
    return to_line(
               read_log(tls("mx.a.test", word) + to("x@a.test", "mx.a.test. [192.0.2.1]")).at(0))
        .substr(std::string_view("a.test mx.a.test[192.0.2.1] ").size());
  };
  EXPECT_EQ(verify("OK"), "established");
  EXPECT_EQ(verify("TRUSTED"), "established dane=C");
  EXPECT_EQ(verify("DANE_FAIL"), "established dane=65,");
  EXPECT_EQ(verify("FAIL"), "established");  // is there a trust store?
  EXPECT_EQ(verify("NO"), "established pkix=1,");
  EXPECT_EQ(verify("DANE_NOTLS"), "not_offered");
}

/// A stranger may be the recipient: of a bounce, if of nothing else.
TEST(SendmailLog, an_address_forges_nothing) {
  const std::string shows_tls = tls("mx.z.test", "OK") + to("x@z.test", "mx.z.test. [192.0.2.9]");
  const std::string bait =
      "\"u@victim.test, mailer=esmtp, relay=mx.victim.test. [192.0.2.7], stat=Sent (x\"";
  for (const std::string& list :
       {"<" + bait + "@a.test>", bait + "@a.test", "<y@a.test>,<" + bait + "@a.test>",
        "<\"\\\"" + bait.substr(1) + "@a.test>"}) {
    for (const ObservedSession& session :
         read_log(shows_tls + to(list, "mx.a.test. [192.0.2.1]"))) {
      EXPECT_NE(session.domain, "victim.test") << list;
      EXPECT_NE(session.mx_host, "mx.victim.test") << list;
    }
  }
  // Nor one that was cut between a backslash and its quote, nor that of an alias.
  EXPECT_EQ(read_log(shows_tls + to("<\"u@victim.test...\", mailer=esmtp, relay=mx.victim.test. "
                                    "[192.0.2.7], stat=Sent\"@a.test>",
                                    "mx.a.test. [192.0.2.1]"))
                .size(),
            1u);
  EXPECT_EQ(to_lines(read_log(shows_tls + line("6ANIxYR4001514: to=x@a.test, ctladdr=<" + bait +
                                               "@here.test> (8/0), delay=00:00:00, mailer=esmtp, "
                                               "relay=mx.a.test. [192.0.2.1], dsn=2.0.0, "
                                               "stat=Sent (ok)")))
                .back(),
            "a.test mx.a.test[192.0.2.1] not_offered");
  EXPECT_EQ(read_log(shows_tls +
                     line("6ANIxYR4001514: ruleset=tls_rcpt, arg1=<\"u, "
                          "relay=mx.victim.test., reject=454 4.7.0 DANE: missing "
                          "STARTTLS.\"@a.test>, relay=mx.a.test., reject=450 4.7.0 x "
                          "MX not found in y") +
                     to("<u@a.test>", "mx.a.test. [192.0.2.1]", "dsn=4, stat=Deferred: 450"))
                .back()
                .mx_host,
            "mx.a.test");
}

TEST(SendmailLog, knows_why_at_log_level_14) {
  EXPECT_EQ(to_lines(read_log(tls("mx.a.test", "FAIL") +
                              line("STARTTLS=client, cert-subject=/CN=x, cert-issuer=/CN=y, "
                                   "verifymsg=certificate has expired") +
                              to("x@a.test", "mx.a.test. [192.0.2.1]"))),
            (Lines{"a.test mx.a.test[192.0.2.1] established pkix=10,"}));
}

TEST(SendmailLog, believes_fail_if_a_rule_set_refused_or_others_were_trusted) {
  EXPECT_EQ(to_lines(read_log(tls("mx.a.test", "FAIL") +
                              line("ruleset=tls_server, arg1=FAIL, relay=mx.a.test, reject=403 "
                                   "4.7.0 authentication failed") +
                              to("x@a.test", "mx.a.test. [192.0.2.1]",
                                 "dsn=4.7.0, stat=Deferred: 403 4.7.0 authentication failed"))),
            (Lines{"a.test mx.a.test[192.0.2.1] established pkix=1,"}));
  EXPECT_EQ(to_lines(read_log(tls("mx.b.test", "OK") + to("x@b.test", "mx.b.test. [192.0.2.2]") +
                              tls("mx.a.test", "FAIL") + to("x@a.test", "mx.a.test. [192.0.2.1]")))
                .back(),
            "a.test mx.a.test[192.0.2.1] established pkix=1,");
  MailLogSettings settings;
  settings.trust_store = TrustStoreOfMta::present;
  MailLog log(settings);
  EXPECT_EQ(
      to_line(
          read_log(log, tls("mx.a.test", "FAIL") + to("x@a.test", "mx.a.test. [192.0.2.1]")).at(0)),
      "a.test mx.a.test[192.0.2.1] established pkix=1,");
}

TEST(SendmailLog, counts_once_for_each_domain_of_a_list_and_not_again_for_kept_connections) {
  EXPECT_EQ(to_lines(read_log(tls("mx.a.test", "OK") +
                              to("<u@a.test>,<v@b.test>,w@a.test", "mx.a.test. [192.0.2.1]") +
                              line("6ANIxYR4001999: to=x@c.test, delay=00:00:00, mailer=esmtp, "
                                   "pri=1, relay=mx.a.test. [192.0.2.1], dsn=2.0.0, stat=Sent"))),
            (Lines{"a.test mx.a.test[192.0.2.1] established",
                   "b.test mx.a.test[192.0.2.1] established"}));
}

TEST(SendmailLog, names_a_failed_handshake_by_the_next_lines) {
  const std::string failed = line(
      "STARTTLS=client, error: connect failed=-1, reason=tlsv1 alert protocol version, "
      "SSL_error=1, errno=0, retry=-1");
  EXPECT_EQ(to_lines(read_log(failed + to("x@a.test", "mx.a.test. [192.0.2.1]",
                                          "dsn=4.7.0, stat=Deferred: 403 4.7.0 no"))),
            (Lines{"a.test mx.a.test[192.0.2.1] failed tls-remote-alert-70-protocol-version"}));
  // Another host was tried after it: which one failed is not said.
  EXPECT_EQ(to_lines(read_log(failed + tls("mx2.a.test", "OK") +
                              to("x@a.test", "mx2.a.test. [192.0.2.2]"))),
            (Lines{"a.test [] failed tls-remote-alert-70-protocol-version",
                   "a.test mx2.a.test[192.0.2.2] established"}));
  EXPECT_EQ(to_lines(read_log(failed + to("x@a.test", "mx2.a.test. [192.0.2.2]",
                                          "dsn=4.0.0, stat=Deferred: Connection refused by "
                                          "mx2.a.test."))),
            (Lines{"a.test [] failed tls-remote-alert-70-protocol-version"}));
}

TEST(SendmailLog, tells_starttls_that_is_missing_from_one_that_is_refused) {
  EXPECT_EQ(
      to_lines(read_log(line("STARTTLS=client, relay=mx.a.test, warning=DANE configured in "
                             "DNS but STARTTLS not offered") +
                        to("x@a.test", "mx.a.test. [192.0.2.1]", "dsn=4.0.0, stat=Deferred"))),
      (Lines{"a.test mx.a.test[192.0.2.1] not_offered"}));
  EXPECT_EQ(to_lines(read_log(line("ruleset=tls_server, arg1=TEMP, relay=mx.a.test, reject=403 "
                                   "4.7.0 authentication failure ") +
                              to("x@a.test", "mx.a.test. [IPv6:2001:db8:0:0:0:0:0:1]",
                                 "dsn=4.7.0, reply=454 4.7.0 no TLS, stat=Deferred: 403 4.7.0"))),
            (Lines{"a.test mx.a.test[2001:db8::1] refused smtp-starttls-reply-code-454"}));
}

TEST(SendmailLog, takes_mail_without_tls_for_starttls_that_was_not_offered) {
  const std::string shows_tls = tls("mx.z.test", "OK") + to("x@z.test", "mx.z.test. [192.0.2.9]");
  const std::string clear = to("x@a.test", "mx.a.test. [192.0.2.1]");
  EXPECT_TRUE(read_log(clear).empty());
  EXPECT_EQ(to_lines(read_log(shows_tls + clear + clear)),
            (Lines{"z.test mx.z.test[192.0.2.9] established",
                   "a.test mx.a.test[192.0.2.1] not_offered"}));
  // A name that Sendmail cut is not known.
  EXPECT_EQ(
      to_lines(read_log(shows_tls + to("x@a.test", "mx-with-...name.a.test. [192.0.2.1]"))).back(),
      "a.test [192.0.2.1] not_offered");
}

TEST(SendmailLog, finds_a_host_whose_name_was_cut) {
  EXPECT_EQ(to_lines(read_log(tls("mx1.dane-unusable-nostarttls.a.test", "OK") +
                              to("x@a.test", "mx1.dane-...rttls.a.test. [192.0.2.1]"))),
            (Lines{"a.test mx1.dane-unusable-nostarttls.a.test[192.0.2.1] established"}));
}

TEST(SendmailLog, understands_what_the_rules_for_mta_sts_refuse) {
  const auto rejected = [](std::string_view what) {
    return to_lines(read_log(tls("mx.a.test", "OK") +
                             line("6ANIxYR4001514: ruleset=tls_rcpt, arg1=x@a.test, "
                                  "relay=mx.a.test., reject=450 4.7.0 x@a.test... mx.a.test " +
                                  std::string(what)) +
                             to("x@a.test", "mx.a.test. [192.0.2.1]", "dsn=4.0.0, stat=Deferred")));
  };
  EXPECT_EQ(rejected("not listed in SANs"),
            (Lines{"a.test mx.a.test[192.0.2.1] established pkix=62,"}));
  EXPECT_EQ(rejected("not found in mx2.a.test:mx3.a.test"),
            (Lines{"a.test mx.a.test[192.0.2.1] skipped"}));
}

TEST(SendmailLog, leaves_out_other_mailers_and_addresses) {
  for (const std::string_view mailer : {"relay", "local", "prog", "msp"}) {
    EXPECT_TRUE(read_log(tls("mx.a.test", "OK") +
                         line("6ANIxYR4001514: to=x@a.test, mailer=" + std::string(mailer) +
                              ", pri=1, relay=mx.a.test. [192.0.2.1], dsn=2.0.0, stat=Sent"))
                    .empty())
        << mailer;
  }
  EXPECT_TRUE(
      read_log(tls("[192.0.2.1]", "OK") + to("x@a.test", "[192.0.2.1] [192.0.2.1]")).empty());
}

}  // namespace
}  // namespace tlsrpt::sender
