# SPDX-License-Identifier: BSD-2-Clause
"""What an operator asks opentlsrpt-reporter, and tells it: queue, status, retry, suppress, explain,
rehearsals, rules, and bounces on standard input."""

import email
import json
import os
import pty
import re
import subprocess
import threading
import unittest

from reporter_support import REPORTED, REPORTER, TODAY, ReporterCase, datagram

DAY = str(REPORTED)


def bounce_of(message, action="failed", status="5.1.1"):
    """The notification that a mail server sends back about a message."""
    recipient = email.message_from_bytes(message)["To"]
    message_id = email.message_from_bytes(message)["Message-ID"]
    return (f"From: MAILER-DAEMON@mx.example\r\nTo: bounces@sender.example\r\n"
            f"MIME-Version: 1.0\r\nContent-Type: multipart/report; "
            f"report-type=delivery-status; boundary=b\r\n\r\n"
            f"--b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n"
            f"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            f"Reporting-MTA: dns; mx.example\r\n\r\n"
            f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; 550 {status} no such user\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Message-ID: {message_id}\r\n\r\n--b--\r\n").encode()


class ViewsCase(ReporterCase):
    def ok(self, *arguments):
        done = self.run_reporter(*arguments)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def send(self, *more, expected=0):
        done = self.run_reporter("send", "--day", DAY, *more)
        self.assertEqual(done.returncode, expected, done)
        return done.stdout

    def queue(self, *arguments):
        return [json.loads(line) for line in self.ok("queue", "--json", *arguments).splitlines()]


class QueueTest(ViewsCase):
    def setUp(self):
        super().setUp()
        self.count(datagram("a.example", "mailto:x@a.example,mailto:y@a.example"),
                   datagram("b.example"))
        self.sink.script = ["550-rcpt", "451-data"]
        self.send(expected=75)

    def test_what_waits_is_shown_and_more_on_request(self):
        self.assertEqual({one["state"] for one in self.queue()}, {"deferred"})
        self.assertEqual(len(self.queue()), 2)
        everything = self.queue("--state", "all")
        self.assertEqual(sorted(one["state"] for one in everything),
                         ["deferred", "deferred", "failed"])
        failed = self.queue("--state", "failed")
        self.assertEqual(len(failed), 1)
        self.assertIn("550", failed[0]["detail"])
        self.assertNotIn("next_attempt", failed[0])
        self.assertEqual(self.queue("--state", "all", "c.example"), [])
        self.assertEqual(self.queue("--day", str(TODAY)), [])

    def test_people_get_a_table_and_the_total(self):
        lines = self.ok("queue").splitlines()
        self.assertRegex(lines[0], r"^NEXT TRY +STATE +TRIES +DAY +DOMAIN +DESTINATION +DETAIL$")
        self.assertEqual(lines[-1], "2 deliveries")
        self.assertEqual(self.ok("queue", "--day", str(TODAY)), "0 deliveries\n")

    def test_the_total_is_true_when_the_list_is_cut(self):
        self.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500)"
                     " INSERT INTO delivery (plan, destination, state, due, attempts, detail,"
                     " scheme) SELECT (SELECT min(id) FROM plan), 'mailto:n' || i ||"
                     " '@a.example', 'waiting', 4e9, 0, '', 'mailto' FROM n")
        lines = self.ok("queue").splitlines()
        self.assertEqual(len(lines), 1002)
        self.assertTrue(lines[-1].startswith("1000 of 1502 deliveries are shown"), lines[-1])

    def test_retry_makes_due_what_failed(self):
        self.sink.script = ["accept"]
        self.assertTrue(self.ok("retry", "b.example").startswith("1 delivery is due now"))
        self.assertTrue(self.ok("retry", "--day", DAY).startswith("3 deliveries are due now"))
        self.assertEqual(len(self.queue()), 3)
        daemon = self.start_daemon()
        self.wait_for(lambda: self.states() == ["delivered"] * 3, "the daemon")
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0)
        self.assertTrue(self.ok("retry", "--all").startswith("0 deliveries"))

    def test_status_says_what_became_of_a_day(self):
        text = self.ok("status", "--day", DAY)
        self.assertRegex(text, r"2 domains, 2 reports built; 0 sent, 2 retrying, 1 failed")
        self.assertIn("Last errors:\n", text)
        self.assertEqual(text.count("\n  a.example mailto:"), 2)
        self.assertNotIn("Collector", text)
        everything = self.ok("status")
        self.assertIn("Reports about yesterday, ", everything)
        self.assertIn(f"{DAY}: 2 domains", everything)
        self.assertIn("\nCollector:\n", everything)

    def test_prometheus_gets_every_state(self):
        text = self.ok("status", "--prometheus")
        self.assertIn('\nopentlsrpt_reporter_deliveries{state="deferred"} 2\n', text)
        self.assertIn('\nopentlsrpt_reporter_deliveries{state="bounced"} 0\n', text)
        self.assertIn("\nopentlsrpt_collector_read_total ", text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[a-z-]+"\})? \d+)$')


class RulesTest(ViewsCase):
    def use_rules(self, text):
        rules = self.folder / "rules"
        rules.write_text(text)
        self.configure(DestinationRules=rules)
        return rules

    def test_rules_are_applied_and_explained(self):
        rules = self.use_rules("rua *@gone.example never  # dead\n"
                               "domain *.example copy archive@sender.example\n"
                               "domain no.example never\n")
        self.count(datagram("a.example", "mailto:x@a.example,mailto:y@gone.example"),
                   datagram("no.example"))
        shown = {one["domain"]: one for one in self.preview("--day", DAY)[1]}
        self.assertEqual(shown["a.example"]["rua"],
                         ["mailto:x@a.example", "mailto:archive@sender.example"])
        self.assertEqual(shown["a.example"]["excluded"], ["mailto:y@gone.example"])
        self.assertEqual((shown["no.example"]["rua"], shown["no.example"]["reason"]),
                         ([], "excluded"))
        self.send()
        self.assertEqual(sorted(one.recipient for one in self.sink.messages),
                         ["archive@sender.example", "x@a.example"])
        text = self.ok("status", "--explain", "A.example")
        for line in (f"  mailto:y@gone.example gets nothing [{rules}:1: rua *@gone.example never]",
                     f"  mailto:archive@sender.example gets the report "
                     f"[{rules}:2: domain *.example copy]",
                     "  mailto:x@a.example gets the report [record]",
                     f"  {DAY} planned, report "):
            self.assertIn("\n" + line, text)
        self.assertRegex(text, r"\n    mailto:x@a\.example delivered, 1 tries: 250 ")
        self.assertIn("Verdict: usable, by the record that an MTA saw\n", text)

    def test_a_mistake_stops_everything_and_is_told(self):
        rules = self.use_rules("domain a.example never ever\nrua x never\n")
        self.count(datagram("a.example"))
        for command in (["send", "--day", DAY], ["preview"], ["-n"]):
            done = self.run_reporter(*command)
            self.assertEqual(done.returncode, 78, done)
            self.assertIn(f"{rules}:1: ", done.stderr)
            self.assertIn(f"{rules}:2: ", done.stderr)
        self.assertEqual(self.sink.messages, [])


class SuppressTest(ViewsCase):
    def test_a_destination_can_be_suppressed_by_hand(self):
        self.count(datagram("a.example", "mailto:x@a.example,mailto:y@a.example"))
        self.assertIn("No destination is suppressed", self.ok("suppress"))
        self.ok("suppress", "add", "X@a.example", "--for", "7d", "--reason", "asked us to")
        self.assertRegex(self.ok("suppress", "list"),
                         r"\nx@a\.example +until \S+Z +by hand +asked us to\n")
        self.send()
        self.assertEqual([one.recipient for one in self.sink.messages], ["y@a.example"])
        self.assertEqual(self.states(), ["suppressed", "delivered"])
        done = self.run_reporter("suppress", "remove", "x@a.example", "z@a.example")
        self.assertEqual(done.returncode, 65)
        self.assertIn("not suppressed: z@a.example", done.stderr)
        self.assertIn("No destination", self.ok("suppress"))


class BounceTest(ViewsCase):
    def bounce(self, mail):
        return subprocess.run([REPORTER, "-c", self.conf, "bounce"], input=mail,
                              capture_output=True, timeout=60)

    def test_bounces_mark_the_delivery_and_suppress_the_destination(self):
        self.configure(BounceLimit="2")
        domains = ["a.example", "b.example"]
        self.count(*[datagram(one, "mailto:dead@x.example") for one in domains])
        self.send()
        bounces = [bounce_of(one.data) for one in self.sink.messages]
        for mail in (bounces[0], bounces[0], bounces[1]):  # one of them twice
            done = self.bounce(mail)
            self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.states(), ["bounced", "bounced"])
        self.assertIn(b"report-bounced", done.stderr)
        self.assertIn(b"destination-suppressed destination=dead@x.example", done.stderr)
        self.assertRegex(self.ok("suppress"), r"\ndead@x\.example +until \S+Z +2 bounced +5\.1\.1 ")
        self.assertIn("2 bounced", self.ok("status", "--day", DAY))

    def test_other_mail_changes_nothing(self):
        self.count(datagram("a.example"))
        self.send()
        forged = re.sub(rb"Message-ID: <([^@]*).@", rb"Message-ID: <\1x@",
                        bounce_of(self.sink.messages[0].data))
        for mail in (b"", b"Subject: away\r\n\r\nuntil May\r\n", forged,
                     bounce_of(self.sink.messages[0].data, "delayed", "4.4.1")):
            self.assertEqual(self.bounce(mail).returncode, 0)
        self.assertEqual(self.states(), ["delivered"])
        self.assertIn("No destination", self.ok("suppress"))

    def test_trouble_with_the_database_lets_the_mta_come_again(self):
        self.count(datagram("a.example"))
        self.send()
        mail = bounce_of(self.sink.messages[0].data)
        self.database.rename(self.folder / "away.db")
        self.assertEqual(self.bounce(mail).returncode, 75)
        self.configure(Syslog="perhaps")
        self.assertEqual(self.bounce(mail).returncode, 75)


class RehearsalTest(ViewsCase):
    def test_a_rehearsal_reaches_the_operator_only(self):
        self.count(datagram("a.example"), datagram("b.example"), day=TODAY)
        out = self.ok("send", "--to", "me@own.example", "--day", "today", "a.example")
        self.assertRegex(out, r"^a\.example mailto:me@own\.example delivered 250 .*\n$")
        self.assertEqual([one.recipient for one in self.sink.messages], ["me@own.example"])
        self.assertEqual(self.query("SELECT * FROM plan"), [])

    def test_a_dry_run_writes_and_sends_nothing(self):
        self.count(datagram("a.example"), datagram("b.example", ""))
        self.assertEqual(self.send("--dry-run").splitlines()[0],
                         "a.example mailto:tls@a.example would-be-sent")
        self.assertEqual(self.query("SELECT * FROM plan"), [])
        self.assertEqual(self.sink.messages, [])

    def test_a_terminal_sees_how_far_it_is(self):
        self.count(*[datagram(f"d{i}.example") for i in range(20)])
        ours, theirs = pty.openpty()
        seen = []

        def read():
            try:
                while chunk := os.read(ours, 4096):
                    seen.append(chunk)
            except OSError:
                pass  # the other side has closed it

        reader = threading.Thread(target=read)
        reader.start()
        done = subprocess.run([REPORTER, "-c", self.conf, "send", "--day", DAY], stderr=theirs,
                              stdout=subprocess.PIPE, timeout=60,
                              env={**os.environ, "TERM": "xterm", "COLUMNS": "60"})
        os.close(theirs)
        reader.join()
        os.close(ours)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 20)
        text = b"".join(seen)
        self.assertRegex(text, rb"\d+ of \d+  \d+%")
        self.assertTrue(text.rstrip().endswith(b"\x1b[K"), text)


if __name__ == "__main__":
    unittest.main()
