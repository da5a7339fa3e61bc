# SPDX-License-Identifier: BSD-2-Clause
"""The manual's recipe for Exim, in a real Exim that tests/fetch_mtas has unpacked."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import mta_packages
from man_recipes import recipe
from pipe_case import ADDRESS, PipeCase
from report_mails import plain_mail, report_mail
from smtp_client import dot_stuffed

CONFIGURATION = """\
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
primary_hostname = exim.test
keep_environment = LD_PRELOAD:LD_LIBRARY_PATH:NSS_WRAPPER_PASSWD:NSS_WRAPPER_GROUP
untrusted_set_sender = *
no_local_from_check
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  accept control = dkim_disable_verify
begin routers
{router}
begin transports
{transport}
begin retry
* * F,4d,1m
"""


class Exim(PipeCase):
    package = "exim"

    def setUp(self):
        super().setUp()
        self.exim = os.path.join(self.root, "usr", "sbin", "exim4")
        # Exim insists on its user; the recipe on ours. Here both are who runs it.
        uid, gid = self.user.pw_uid, self.user.pw_gid
        self.write("passwd", f"Debian-exim:x:{uid}:{gid}::/:/bin/sh\n"
                             f"opentlsrpt:x:{uid}:{gid}::/:/bin/sh\n")
        self.write("group", f"Debian-exim:x:{gid}:\nopentlsrpt:x:{gid}:\n")
        self.write("exim.conf", CONFIGURATION.format(
            program=self.exim, folder=self.folder, router=recipe("opentlsrpt.7", "exim-router"),
            transport=self.ours(recipe("opentlsrpt.7", "exim-transport"))))
        os.mkdir(self.path("spool"))
        self.give_away()
        self.environment = dict(
            mta_packages.environment("exim"), LD_PRELOAD="libnss_wrapper.so",
            NSS_WRAPPER_PASSWD=self.path("passwd"), NSS_WRAPPER_GROUP=self.path("group"))

    def run_exim(self, *arguments, **options):
        return self.run_as_user([self.exim, "-C", self.path("exim.conf"), *arguments],
                                env=self.environment, **options).stdout

    def send(self, mail):
        """Through an SMTP dialogue; what can be delivered is, when this returns."""
        dialogue = ("EHLO client.test\r\nMAIL FROM:<tlsrpt@sender.example>\r\n"
                    f"RCPT TO:<{ADDRESS}>\r\nDATA\r\n").encode() + dot_stuffed(mail) + b"QUIT\r\n"
        answers = self.run_exim("-odf", "-bs", input=dialogue)
        self.assertIn(b"250 OK id=", answers, self.log())

    def queued(self):
        return int(self.run_exim("-bpc"))

    def log(self):
        with open(self.path("mainlog"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def test_report_is_stored_and_its_signature_holds(self):
        self.send(self.report("1@sender.example"))
        self.assertEqual(self.stored(), [("1@sender.example", "pass")], self.log())
        self.assertEqual(self.queued(), 0)
        self.assertNotIn("error", self.log())

    def test_mail_that_is_no_report_is_nobodys_bounce(self):
        self.send(plain_mail(recipient=ADDRESS))
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.refused(), 1)
        self.assertEqual(self.queued(), 0, self.log())
        self.assertNotIn("<= <>", self.log())

    def test_refused_report_is_recorded_and_nobodys_bounce(self):
        self.send(report_mail("sender.example", "example.com", "4@sender.example"))
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.refused(), 1)
        self.assertEqual(self.queued(), 0, self.log())
        self.assertNotIn("<= <>", self.log())

    def test_trouble_holds_the_mail_back(self):
        with self.trouble():
            self.send(self.report("2@sender.example"))
            self.assertEqual(self.stored(), [])
            self.assertEqual(self.queued(), 1, self.log())
        self.run_exim("-qff")
        self.assertEqual(self.stored(), [("2@sender.example", "pass")], self.log())
        self.assertEqual(self.queued(), 0)

    def test_faulty_configuration_holds_the_mail_back(self):
        self.write("opentlsrpt.conf", "Databse sqlite:/nowhere\n")
        self.send(self.report("3@sender.example"))
        self.assertEqual(self.queued(), 1, self.log())
        self.assertNotIn("<= <>", self.log())


if __name__ == "__main__":
    unittest.main()
