# SPDX-License-Identifier: BSD-2-Clause
"""The manual's recipe for OpenSMTPD, in a real one that tests/fetch_mtas has unpacked.

Its paths and users are compiled in, so it runs in a mount namespace where they are ours; that needs
root.
"""

import os
import signal
import smtplib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import mta_packages
from man_recipes import recipe
from pipe_case import ADDRESS, PipeCase
from postfix_server import free_port
from report_mails import plain_mail
from smtp_client import SmtpClient

SENDER = "tlsrpt@sender.example"

# Two ids that nobody else needs to have.
DAEMON, QUEUE = 64001, 64002

START = """\
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/spool
mkdir -p /var/lib/opensmtpd/empty
mkdir -m 711 /var/spool/smtpd
mkdir -m 770 /var/spool/smtpd/offline
for name in corrupt incoming purge queue temporary; do mkdir -m 700 /var/spool/smtpd/$name; done
chown {queue} /var/spool/smtpd/*
chown 0:{queue} /var/spool/smtpd/offline
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
mount --bind {root}/usr/libexec /usr/libexec
exec {root}/usr/sbin/smtpd -d -f {folder}/smtpd.conf
"""


def can_mount():
    if os.geteuid() != 0:
        return False
    try:
        return subprocess.run(["unshare", "-m", "-p", "-f", "mount", "-t", "tmpfs", "tmpfs", "/run"],
                              check=False, capture_output=True, timeout=30).returncode == 0
    except FileNotFoundError:
        return False


class OpenSmtpd(PipeCase):
    package = "opensmtpd"

    @classmethod
    def skip_reason(cls):
        return super().skip_reason() or (
            None if can_mount() else "a mount namespace needs root, and a kernel that allows it")

    def setUp(self):
        super().setUp()
        user, group = self.user.pw_uid, self.user.pw_gid
        self.write("passwd", "root:x:0:0::/root:/bin/sh\n"
                             f"opensmtpd:x:{DAEMON}:{DAEMON}::/var/lib/opensmtpd/empty:/bin/false\n"
                             f"opensmtpq:x:{QUEUE}:{QUEUE}::/var/lib/opensmtpd/empty:/bin/false\n"
                             f"opentlsrpt:x:{user}:{group}::/:/bin/sh\n")
        self.write("group", f"root:x:0:\nopensmtpd:x:{DAEMON}:\nopensmtpq:x:{QUEUE}:\n"
                            f"opentlsrpt:x:{group}:\n")
        self.client = SmtpClient()
        self.client.port = free_port()
        self.give_away()
        # It insists on a configuration that is root's.
        self.write("smtpd.conf", f"listen on 127.0.0.1 port {self.client.port}\n"
                   + self.ours(recipe("opentlsrpt.7", "opensmtpd")))
        self.start()

    def start(self):
        script = START.format(folder=self.folder, root=self.root, queue=QUEUE)
        with open(self.path("log"), "wb") as log:
            # Its children are in a process namespace that ends with the first of them.
            process = subprocess.Popen(["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c",
                                        script], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=mta_packages.environment("opensmtpd"))
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGKILL)
        self.wait_for(self.is_ready)

    def is_ready(self):
        try:
            with self.client.connect(timeout=10):
                return True
        except (OSError, smtplib.SMTPException):
            return False

    def wait_for(self, condition):
        deadline = time.monotonic() + 120
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.05)

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def send(self, mail, result):
        """Returns when the program has had the mail, with that result."""
        self.client.send(SENDER, [ADDRESS], mail)
        self.wait_for(lambda: "result=" in self.log())
        self.assertIn("result=" + result, self.log())

    def test_report_is_stored_and_its_signature_holds(self):
        self.send(self.report("1@sender.example"), "Ok")
        self.assertEqual(self.stored(), [("1@sender.example", "pass")], self.log())

    def test_mail_that_is_no_report_is_nobodys_bounce(self):
        self.send(plain_mail(recipient=ADDRESS), "Ok")
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.refused(), 1, self.log())

    def test_trouble_holds_the_mail_back(self):
        with self.trouble():
            self.send(self.report("2@sender.example"), "TempFail")
            self.assertEqual(self.stored(), [])
        self.wait_for(lambda: "result=Ok" in self.log())
        self.assertEqual(self.stored(), [("2@sender.example", "pass")], self.log())


if __name__ == "__main__":
    unittest.main()
