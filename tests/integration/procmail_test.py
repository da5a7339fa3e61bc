# SPDX-License-Identifier: BSD-2-Clause
"""The manual's recipe for procmail, in a real procmail that tests/fetch_mtas has unpacked."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import mta_packages
from man_recipes import recipe
from pipe_case import PipeCase
from report_mails import plain_mail


class Procmail(PipeCase):
    package = "procmail"

    def setUp(self):
        super().setUp()
        self.write("procmailrc", f"DEFAULT={self.folder}/mbox\nORGMAIL={self.folder}/mbox\n"
                                 f"SHELL=/bin/sh\nLOGFILE={self.folder}/log\n"
                   + self.ours(recipe("opentlsrpt.7", "procmail")))
        self.give_away()

    def deliver(self, mail):
        """The status for the MTA."""
        # procmail gets local line ends from an MTA.
        return self.run_as_user([os.path.join(self.root, "usr", "bin", "procmail"), "-m",
                                 self.path("procmailrc")],
                                env=mta_packages.environment("procmail"),
                                input=mail.replace(b"\r\n", b"\n")).returncode

    def test_report_is_stored_and_its_signature_holds(self):
        self.assertEqual(self.deliver(self.report("1@sender.example")), 0)
        self.assertEqual(self.stored(), [("1@sender.example", "pass")])
        self.assertFalse(os.path.exists(self.path("mbox")))

    def test_trouble_is_told_to_the_mta(self):
        with self.trouble():
            self.assertEqual(self.deliver(self.report("2@sender.example")), 75)
        self.assertEqual(self.stored(), [])
        self.assertFalse(os.path.exists(self.path("mbox")))

    def test_other_mail_goes_on(self):
        self.assertEqual(self.deliver(plain_mail()), 0)
        self.assertEqual(self.stored(), [])
        self.assertTrue(os.path.exists(self.path("mbox")))


if __name__ == "__main__":
    unittest.main()
