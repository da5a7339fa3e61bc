# SPDX-License-Identifier: BSD-2-Clause
"""The manual's recipe for Dovecot's Sieve, in a real one that tests/fetch_mtas has unpacked."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import mta_packages
from man_recipes import recipe
from pipe_case import ADDRESS, PipeCase

CONFIGURATION = """\
protocols =
base_dir = {folder}/run
log_path = {folder}/log
mail_location = maildir:{folder}/Maildir
default_internal_user = {user}
default_login_user = {user}
ssl = no
mail_plugin_dir = {modules}
plugin {{
  sieve_plugin_dir = {modules}/sieve
}}
{recipe}
"""


class Dovecot(PipeCase):
    package = "dovecot"

    def setUp(self):
        super().setUp()
        self.write("etc/sieve-before/tlsrpt.sieve", recipe("opentlsrpt.7", "sieve"))
        self.write("etc/sieve-pipe/opentlsrpt", self.ours(recipe("opentlsrpt.7", "sieve-pipe")),
                   0o755)
        self.write("dovecot.conf", CONFIGURATION.format(
            folder=self.folder, user=self.user.pw_name,
            modules=os.path.join(self.root, "usr", "lib", "dovecot", "modules"),
            recipe=recipe("opentlsrpt.7", "dovecot").replace("/etc/dovecot", self.path("etc"))))
        self.give_away()

    def deliver(self, mail):
        environment = dict(mta_packages.environment("dovecot", "usr/lib/dovecot"),
                           HOME=self.folder, USER=self.user.pw_name)
        # What `dovecot-lda -c` does itself where doveconf is installed.
        done = self.run_as_user(
            [os.path.join(self.root, "usr", "bin", "doveconf"), "-c", self.path("dovecot.conf"),
             "-f", "service=lda", "-m", "lda", "-e",
             os.path.join(self.root, "usr", "lib", "dovecot", "dovecot-lda"),
             "-f", "tlsrpt@sender.example", "-a", ADDRESS, "-r", ADDRESS],
            env=environment, input=mail)
        self.assertEqual(done.returncode, 0, (done.stderr, self.log()))

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def inbox(self):
        folder = self.path("Maildir", "new")
        return os.listdir(folder) if os.path.isdir(folder) else []

    def test_report_is_stored_and_its_signature_holds(self):
        self.deliver(self.report("1@sender.example"))
        self.assertEqual(self.stored(), [("1@sender.example", "pass")], self.log())
        self.assertEqual(self.inbox(), [])

    def test_trouble_puts_the_mail_into_the_inbox_for_a_later_import(self):
        with self.trouble():
            self.deliver(self.report("2@sender.example"))
        self.assertEqual(self.stored(), [])
        self.assertEqual(len(self.inbox()), 1, self.log())
        self.assertIn("opentlsrpt", self.log())
        for _ in range(2):
            done = self.run_as_user(
                [self.program, "import", "--require-dkim", self.path("Maildir")])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.stored(), [("2@sender.example", "pass")])


if __name__ == "__main__":
    unittest.main()
