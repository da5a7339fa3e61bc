# SPDX-License-Identifier: BSD-2-Clause
"""What the milter does when something that it needs fails: nothing is lost, no other mail is touched."""

import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_case import SENDER, MilterCase
from milter_process import PROGRAM, MilterProcess, children, memory_kilobytes
from postfix_server import PostfixServer
from report_mails import plain_mail, report_mail


def descriptors(process):
    return len(os.listdir(f"/proc/{process}/fd"))


class Configuration(unittest.TestCase):
    def test_problems_of_every_kind_name_their_lines(self):
        milter = MilterProcess(PolicyDomains="example.org, a..b", LogWhy="perhaps",
                               Socket="nowhere", Nameserver="127.0.0.1")
        self.addCleanup(milter.__exit__)
        path = milter.config_file()
        with open(path, encoding="ascii") as file:
            lines = [line.split()[0] for line in file]
        done = subprocess.run([PROGRAM, "-n", "-c", path], check=False, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 78)
        for key in ("PolicyDomains", "LogWhy", "Socket"):
            self.assertIn(f"{path}:{lines.index(key) + 1}: {key}", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 3, done.stderr)


    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody whom limits bind")
    def test_does_not_start_where_no_reader_can_work(self):
        milter = MilterProcess(Nameserver="127.0.0.1")
        self.addCleanup(milter.__exit__)
        os.chmod(milter.folder, 0o777)
        path = milter.config_file()
        done = subprocess.run(["prlimit", "--as=200000000", PROGRAM, "-f", "-c", path],
                              user="nobody", group="nogroup", extra_groups=[], check=False,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 71, done.stderr)
        self.assertIn("a confined reader cannot work here", done.stderr)


class MilterFailures(MilterCase):
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

    def test_full_disk_puts_reports_off_until_there_is_room(self):
        folder = tempfile.mkdtemp(prefix="opentlsrpt-disk-")
        self.addCleanup(os.rmdir, folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
                                 check=False, capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("a small disk cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        milter = self.milter(Database="sqlite:" + folder)
        milter.database = lambda: os.path.join(folder, "received.db")
        first, mail = self.signed_report()
        self.assertEqual(self.send(mail), 250)
        filler = os.path.join(folder, "filler")
        with open(filler, "wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(bytes(4096))
        second, mail = self.signed_report()
        self.assertEqual(self.send(mail), 451)
        self.assertEqual(self.send(plain_mail(), "someone@example.org"), 250)
        os.unlink(filler)
        self.assertEqual(self.send(mail), 250)
        self.assertEqual(milter.query("SELECT report_id FROM report ORDER BY id"),
                         [(first,), (second,)])

    def test_removed_database_is_made_anew(self):
        milter = self.milter()
        self.assertEqual(self.send(self.signed_report()[1]), 250)
        for name in os.listdir(milter.folder):
            if name.startswith("received.db"):
                os.unlink(os.path.join(milter.folder, name))
        report_id, mail = self.signed_report()
        self.assertEqual(self.send(mail), 250)
        self.assertEqual(milter.query("SELECT report_id FROM report"), [(report_id,)])

    def test_without_the_spawner_it_ends_and_can_be_started_again(self):
        milter = self.milter()
        (spawner,) = children(milter.process.pid)
        os.kill(spawner, signal.SIGKILL)
        report_id, mail = self.signed_report()
        self.assertEqual(self.send(mail), 451)
        self.assertEqual(milter.process.wait(timeout=30), 70)
        self.assertEqual(len(milter.lines("spawner-died")), 1, milter.log())
        milter.start()
        self.assertEqual(self.send(mail), 250)
        self.assertEqual(milter.query("SELECT report_id FROM report"), [(report_id,)])

    def test_memory_and_descriptors_stay_where_they_are(self):
        milter = self.milter()
        _, good = self.signed_report()
        bad = report_mail("sender.example", "example.org", "unsigned", packed=b"\x1f\x8b junk")
        process = milter.process.pid
        deadline = time.monotonic() + 20

        def readers_left(wanted):
            """Those of sessions that have just ended may be on their way out."""
            until = time.monotonic() + 20
            while len(children(spawner)) > wanted and time.monotonic() < until:
                time.sleep(0.02)
            return len(children(spawner))

        def batch(mails):
            for _ in range(mails // 50):
                with self.postfix.connect() as client:
                    for i in range(50):
                        report = good if i % 2 else bad
                        PostfixServer.send_on(client, SENDER, ["tls@example.org"],
                                              report if i % 5 == 0 else plain_mail())
                if time.monotonic() > deadline:
                    return

        batch(300)  # arenas and caches fill
        memory, files = memory_kilobytes(process), descriptors(process)
        (spawner,) = children(process)
        waiting = readers_left(4)  # for the next reports
        batch(900)
        self.assertLess(memory_kilobytes(process), memory + 4096)
        self.assertLessEqual(descriptors(process), files + 2)
        self.assertEqual(children(process), [spawner])
        self.assertLessEqual(readers_left(waiting), waiting)


if __name__ == "__main__":
    unittest.main()
