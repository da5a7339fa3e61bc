# SPDX-License-Identifier: BSD-2-Clause
"""The milter behind a real Postfix, with a real resolver: what milter_scenarios.py does not ask of every
mail server."""

import os
import signal
import smtplib
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_case import REPORT_ADDRESS, SENDER, MilterCase, lf
from postfix_server import PostfixServer
from report_mails import plain_mail, report_mail
from smtp_client import without_trace


class MilterBehindPostfix(MilterCase):
    def test_signed_report_is_stored_and_delivered_unchanged(self):
        milter = self.milter()
        report_id = self.unique()
        mail = self.signed_report(report_id)
        self.postfix.send(SENDER, ["tls+unit@example.org"], mail)
        stored = milter.query("SELECT report_id, dkim, dkim_domain, queue_id FROM report")
        self.assertEqual([row[:3] for row in stored], [(report_id, "pass", "sender.example")])
        self.assertIn(stored[0][3], self.postfix.log(), "the queue id is Postfix's")
        self.postfix.wait_for_empty_queue()
        (mail_delivered,) = self.delivered(report_id)
        self.assertEqual(without_trace(mail_delivered), lf(mail))
        (line,) = milter.lines("report-stored")
        self.assertIn("dkim=pass", line)
        self.assertIn("domain=example.org", line)

    def test_report_is_kept_by_the_sender_while_the_database_is_locked(self):
        milter = self.milter()
        report_id = self.unique()
        mail = self.signed_report(report_id)
        blocker = sqlite3.connect(milter.database(), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            self.postfix.send(SENDER, [REPORT_ADDRESS], mail)
        self.assertEqual(caught.exception.smtp_code, 451)
        self.assertTrue(caught.exception.smtp_error.startswith(b"4.3.0"))
        self.assertEqual(len(milter.lines("intake-failed")), 1)
        # Mail for others does not even notice.
        self.postfix.send("a@friend.example", ["someone@example.org"], plain_mail(self.unique()))
        blocker.execute("ROLLBACK")
        blocker.close()
        self.postfix.send(SENDER, [REPORT_ADDRESS], mail)
        self.assertEqual(milter.query("SELECT report_id FROM report"), [(report_id,)],
                         milter.log())
        self.postfix.wait_for_empty_queue()
        self.assertEqual(len(self.delivered(report_id)), 1)

    def test_key_that_cannot_be_looked_up_is_a_temporary_answer(self):  # R211
        milter = self.milter()
        mail = self.signed_report()
        mail = mail.replace(b"s=s1;", b"s=s1;", 1)
        self.dns.stop()
        try:
            with self.assertRaises(smtplib.SMTPDataError) as caught:
                self.postfix.send(SENDER, [REPORT_ADDRESS], mail)
        finally:
            self.dns.start()
        self.assertEqual(caught.exception.smtp_code, 451)
        self.assertTrue(caught.exception.smtp_error.startswith(b"4.7.5"))
        self.assertEqual(milter.query("SELECT id FROM report"), [])
        self.assertEqual(len(milter.lines("dns-error")), 1)

    def test_what_dns_keeps_unverified_is_kept_if_it_will_not_come_again(self):  # R211
        for action in ("accept", "discard", "reject"):
            milter = self.milter(On_DNSError=action)
            report_id = self.unique()
            mail = self.signed_report(report_id)
            self.dns.stop()
            try:
                if action == "reject":
                    with self.assertRaises(smtplib.SMTPDataError) as caught:
                        self.postfix.send(SENDER, [REPORT_ADDRESS], mail)
                    self.assertEqual(caught.exception.smtp_code, 550)
                else:
                    self.postfix.send(SENDER, [REPORT_ADDRESS], mail)
            finally:
                self.dns.start()
            self.assertEqual(milter.query("SELECT refusal, kept = size FROM refused"),
                             [("not-authentic", 1)], milter.log())
            self.assertEqual(milter.query("SELECT id FROM report"), [])
            milter.keys["Nameserver"] = self.dns.address
            done = subprocess.run(
                [os.path.join(os.environ["OPENTLSRPT_BUILD"], "milter", "opentlsrpt-reports"),
                 "-c", milter.config_file(), "import", "--rejected"],
                capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(
                milter.query("SELECT report_id, dkim, dkim_domain, dkim_selector FROM report"),
                [(report_id, "pass", "sender.example", "s1")], done.stdout)
            self.assertEqual(milter.query("SELECT id FROM refused"), [])

    def test_bad_mails_between_good_ones_cost_nobody_anything(self):
        milter = self.milter(MaximumMessageSize="1M", LogWhy="yes")
        tampered = self.signed_report().replace(b"An aggregate", b"No aggregate")
        bad = [
            report_mail("sender.example", "example.org", self.unique()),
            tampered,
            self.signed_report(packed=b"\x1f\x8b\x08\x00 damaged"),
            self.signed_report(packed=b"{ not json"),
            self.signed_report(packed=b""),
            self.signed_report(packed=os.urandom(2 << 20)),
            plain_mail(self.unique(), REPORT_ADDRESS),
            plain_mail(self.unique(), REPORT_ADDRESS, body=os.urandom(3000).replace(b"\r", b" ")
                       .replace(b"\n", b" ").replace(b"\0", b" ")[:900] + b"\r\n"),
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * 5000,
            b"From: a@b\r\nFrom: c@d\r\nTLS-Report-Domain: \xff\r\n\r\n\r\n",
            b"\r\n",
        ]
        good = []
        with self.postfix.connect() as client:
            for mail in bad:
                PostfixServer.send_on(client, SENDER, [REPORT_ADDRESS], mail)
                good.append(self.unique())
                PostfixServer.send_on(client, SENDER, [REPORT_ADDRESS],
                                      self.signed_report(good[-1]))
                client.mail(SENDER)  # a transaction that the client gives up
                client.rcpt(REPORT_ADDRESS)
                client.rset()
        self.assertEqual(milter.query("SELECT report_id FROM report ORDER BY id"),
                         [(report_id,) for report_id in good])
        refusals = [row[0] for row in milter.query("SELECT refusal FROM refused ORDER BY id")]
        self.assertEqual(refusals[:2], ["not-authentic", "not-authentic"])
        self.assertIn("too-large", refusals)
        self.assertIn("gzip-damaged", refusals)
        self.postfix.wait_for_empty_queue()
        for report_id in good:
            self.assertEqual(len(self.delivered(report_id)), 1)

    def test_termination_in_traffic_loses_nothing_and_stores_nothing_twice(self):
        milter = self.milter()
        mails = {report_id: self.signed_report(report_id)
                 for report_id in (self.unique() for _ in range(60))}
        todo = list(mails)
        lock = threading.Lock()
        tries = []
        faults = []

        def send():
            while True:
                with lock:
                    if not todo:
                        return
                    report_id = todo.pop()
                deadline = time.monotonic() + 60
                while True:
                    try:
                        self.postfix.send(SENDER, [REPORT_ADDRESS], mails[report_id])
                        break
                    except (smtplib.SMTPException, OSError) as error:
                        with lock:
                            tries.append(error)
                        if time.monotonic() > deadline:
                            faults.append(error)
                            return
                        time.sleep(0.1)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(todo) > 40:
            time.sleep(0.01)
        self.assertEqual(milter.stop(), 0)
        milter.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        stored = sorted(row[0] for row in milter.query("SELECT report_id FROM report"))
        self.assertEqual(stored, sorted(mails))
        self.postfix.wait_for_empty_queue()
        for report_id in mails:
            self.assertGreaterEqual(len(self.delivered(report_id)), 1)

    def test_hup_and_usr1_read_the_configuration_again(self):
        milter = self.milter()
        bad = report_mail("sender.example", "example.org", self.unique())
        for number, action, code in ((signal.SIGUSR1, "reject", 550),
                                     (signal.SIGHUP, "tempfail", 451)):
            before = len(milter.lines("reloaded"))
            milter.keys["On-BadReport"] = action
            milter.config_file()
            milter.process.send_signal(number)
            deadline = time.monotonic() + 10
            while len(milter.lines("reloaded")) == before:
                self.assertLess(time.monotonic(), deadline, milter.log())
                time.sleep(0.02)
            with self.assertRaises(smtplib.SMTPDataError) as caught:
                self.postfix.send(SENDER, [REPORT_ADDRESS], bad)
            self.assertEqual(caught.exception.smtp_code, code)
        self.postfix.send(SENDER, [REPORT_ADDRESS], self.signed_report())
        self.assertEqual(len(milter.query("SELECT id FROM report")), 1)

    def test_header_of_ours_stands_on_top_and_those_of_strangers_are_gone(self):
        self.milter(AddHeader="yes")
        report_id = self.unique()
        mail = self.signed_report(report_id)
        forged = (b"TLSRPT-Results: mx; tlsrpt=stored\r\ntlsrpt-results:\r\n\tother\r\n"
                  b"X-Other: stays\r\nTLSRPT-Results: third\r\n")
        self.postfix.send(SENDER, [REPORT_ADDRESS], forged + mail)
        self.postfix.wait_for_empty_queue()
        (delivered,) = self.delivered(report_id)
        head = delivered[:delivered.index(b"\n\n")].split(b"\n")
        found = [line for line in head if line.lower().startswith(b"tlsrpt-results:")]
        self.assertEqual(found, [
            f"TLSRPT-Results: {self.postfix.name}; tlsrpt=stored policy.reports=1; dkim=pass "
            "header.d=sender.example header.s=s1".encode()])
        self.assertLess(head.index(found[0]),
                        min(i for i, line in enumerate(head) if line.startswith(b"Received:")))
        self.assertIn(b"X-Other: stays", head)
        self.assertTrue(delivered.endswith(lf(mail)), "the rest is as it was sent")

    def test_quarantined_report_is_held(self):
        self.milter(On_BadReport="quarantine")
        report_id = self.unique()
        self.postfix.send(SENDER, [REPORT_ADDRESS],
                          report_mail("sender.example", "example.org", report_id))
        held = os.listdir(os.path.join(self.postfix.folder, "queue", "hold"))
        self.addCleanup(lambda: [os.unlink(os.path.join(self.postfix.folder, "queue", "hold", name))
                                 for name in held])
        self.assertEqual(len(held), 1)
        self.assertEqual(self.delivered(report_id), [])
        self.assertIn("TLS report not accepted: not-authentic", self.postfix.log())

    def test_star_finds_reports_to_anybody(self):
        milter = self.milter(ReportAddress="*", On_Default="reject")
        report_id = self.unique()
        mail = self.signed_report(report_id)
        self.postfix.send(SENDER, ["someone@example.org"], mail)
        other = plain_mail(self.unique())
        before = len(self.postfix.mails("someone@example.org"))
        self.postfix.send("a@friend.example", ["someone@example.org"], other)
        self.postfix.wait_for_empty_queue()
        self.assertEqual(milter.query("SELECT report_id FROM report"), [(report_id,)])
        self.assertEqual(milter.query("SELECT id FROM refused"), [])
        self.assertGreater(len(self.postfix.mails("someone@example.org")), before)
        (delivered,) = self.delivered(report_id, "someone@example.org")
        self.assertEqual(without_trace(delivered), lf(mail))


if __name__ == "__main__":
    unittest.main()
