# SPDX-License-Identifier: BSD-2-Clause
"""A store that the milter cannot use: reports are put off, other mail passes, nothing acknowledged is lost."""

import json
import os
import signal
import smtplib
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_case import SENDER, MilterCase
from milter_process import BUILD, PROGRAM, MilterProcess
from report_mails import plain_mail, report_mail

REPORTS = os.path.join(BUILD, "milter", "opentlsrpt-reports")
PAGE = 4096


class MilterStoreFaults(MilterCase):
    def signed_report(self):
        type(self).number += 1
        report_id = f"{os.getpid()}.{self.number}@sender.example"
        return report_id, self.signer.sign(report_mail("sender.example", "example.org", report_id))

    def send(self, mail, recipient="tls@example.org"):
        """The code of the answer."""
        try:
            return self.postfix.send(SENDER, [recipient], mail)[0]
        except smtplib.SMTPResponseException as error:
            return error.smtp_code

    def listed(self, milter):
        """Exit status, ids and complaints of opentlsrpt-reports list."""
        done = subprocess.run([REPORTS, "-c", milter.config_file(), "list", "--json", "--limit",
                               "0"], check=False, capture_output=True, timeout=60)
        ids = [json.loads(line)["report"]["report-id"] for line in done.stdout.splitlines()]
        return done.returncode, sorted(ids), done.stderr.decode()

    def test_damaged_database(self):
        milter = self.milter()
        self.assertEqual(self.send(self.signed_report()[1]), 250)
        connection = sqlite3.connect(milter.database(), timeout=30)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with open(milter.database(), "r+b") as file:
            file.seek(PAGE)
            file.write(os.urandom(os.path.getsize(milter.database()) - PAGE))
        report_id, mail = self.signed_report()
        self.assertEqual(self.send(mail), 451)
        (line,) = milter.lines("intake-failed")
        self.assertIn(milter.database(), line)
        self.assertIn("damaged", line)
        self.assertEqual(self.send(plain_mail(), "someone@example.org"), 250)
        status, _, complaint = self.listed(milter)
        self.assertEqual(status, 74)
        self.assertIn(milter.database(), complaint)
        os.rename(milter.database(), milter.database() + ".damaged")
        self.assertEqual(self.send(mail), 250)
        self.assertEqual(self.listed(milter), (0, [report_id], ""))

    def test_locked_by_another_program(self):
        milter = self.milter()
        connection = sqlite3.connect(milter.database(), timeout=30, isolation_level=None)
        self.addCleanup(connection.close)
        connection.execute("BEGIN IMMEDIATE")
        report_id, mail = self.signed_report()
        self.assertEqual(self.send(mail), 451)
        self.assertIn("another program holds it", milter.lines("intake-failed")[0])
        self.assertEqual(self.send(plain_mail(), "someone@example.org"), 250)
        connection.execute("ROLLBACK")
        self.assertEqual(self.send(mail), 250)
        self.assertEqual(self.listed(milter), (0, [report_id], ""))

    def test_log_that_a_killed_milter_leaves_behind(self):
        milter = self.milter()
        sent = []
        for _ in range(5):
            report_id, mail = self.signed_report()
            self.assertEqual(self.send(mail), 250)
            sent.append(report_id)
        milter.stop(signal.SIGKILL)
        self.assertGreater(os.path.getsize(milter.database() + "-wal"), 0)
        self.assertEqual(self.listed(milter), (0, sorted(sent), ""))
        milter.start()
        report_id, mail = self.signed_report()
        self.assertEqual(self.send(mail), 250)
        self.assertEqual(self.listed(milter), (0, sorted([*sent, report_id]), ""))


@unittest.skipIf(os.geteuid() != 0, "needs root to become somebody whom modes bind")
class Start(unittest.TestCase):
    def start(self, spoil):
        """Exit status and complaint of a milter that finds its store spoiled."""
        milter = MilterProcess(Nameserver="127.0.0.1", UserID="nobody:nogroup")
        self.addCleanup(milter.__exit__)
        os.chmod(milter.folder, 0o777)
        milter.start()
        milter.stop()
        spoil(milter)
        done = subprocess.run([PROGRAM, "-f", "-c", milter.config_file()], check=False,
                              capture_output=True, text=True, timeout=60)
        self.assertIn(milter.database(), done.stderr)
        return done.returncode, done.stderr

    def test_says_why_its_store_cannot_be_used(self):
        def newer(milter):
            with sqlite3.connect(milter.database()) as connection:
                connection.execute("PRAGMA user_version=99")
            connection.close()

        def damaged(milter):
            with open(milter.database(), "wb") as file:
                file.write(b"no database" * 1000)

        for spoil, status, text in (
                (lambda milter: os.chmod(milter.database(), 0o444), 77, "owner and mode"),
                (damaged, 74, "move it away"),
                (newer, 78, "newer version")):
            code, complaint = self.start(spoil)
            self.assertEqual(code, status, complaint)
            self.assertIn(text, complaint)


if __name__ == "__main__":
    unittest.main()
