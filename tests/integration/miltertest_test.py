# SPDX-License-Identifier: BSD-2-Clause
"""The milter protocol, event by event: miltertest(8) plays the MTA with the scripts in miltertest/."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_process import MilterProcess
from report_mails import Signer, report_mail
from unbound_server import UnboundServer

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "miltertest")
MILTERTEST = shutil.which("miltertest")


@unittest.skipIf(MILTERTEST is None, "miltertest is not installed")
@unittest.skipIf(UnboundServer.missing(), "missing: " + UnboundServer.missing())
class MilterDialogue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.signer = Signer("sender.example")
        cls.dns = UnboundServer(cls.signer.zones())
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)

    def play(self, script, message=b"", **keys):
        """Runs a script against a fresh milter, which must be alive and stop cleanly afterwards."""
        milter = MilterProcess(Nameserver=self.dns.address, **keys)
        milter.__enter__()
        self.addCleanup(milter.__exit__)
        mail = os.path.join(milter.folder, "mail.eml")
        with open(mail, "wb") as file:
            file.write(message)
        done = subprocess.run(
            [MILTERTEST, "-s", os.path.join(SCRIPTS, script), "-D", "folder=" + SCRIPTS,
             "-D", "socket=" + milter.miltertest_address(), "-D", "mail=" + mail],
            check=False, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + milter.log())
        self.assertEqual(milter.stop(), 0, milter.log())
        return milter

    def signed(self, report_id):
        return self.signer.sign(report_mail("sender.example", "example.org", report_id))

    def stored_ids(self, milter):
        return [row[0] for row in milter.query("SELECT report_id FROM report ORDER BY id")]

    def test_negotiation(self):
        self.play("negotiation.lua")

    def test_other_mail_is_accepted_at_data(self):
        milter = self.play("other_mail.lua")
        self.assertEqual(milter.query("SELECT * FROM counter"), [])

    def test_report_mail_is_stored(self):
        milter = self.play("report_mail.lua", self.signed("1@sender.example"))
        self.assertEqual(self.stored_ids(milter), ["1@sender.example"])
        self.assertEqual(milter.query("SELECT dkim, queue_id FROM report"), [("pass", "QUEUEID")])

    def test_body_in_odd_chunks(self):
        milter = self.play("odd_chunks.lua", self.signed("2@sender.example"))
        self.assertEqual(self.stored_ids(milter), ["2@sender.example"])

    def test_bytes_are_kept_as_they_were_on_the_wire(self):  # R253
        mail = report_mail("sender.example", "example.org", "3@sender.example")
        mail = (b"X-Two:  two \r\nX-Fold: a\r\n\t b\r\n  c\r\n"
                b"X-8bit: \xe4\xff\r\n" + mail + b"\r\n\r\n trailing \t\r\n\r\n")
        milter = self.play("odd_chunks.lua", mail)
        self.assertEqual(milter.query("SELECT size, refusal FROM refused"),
                         [(len(mail), "not-authentic")])

    def test_signature_over_exact_bytes_verifies(self):  # R253
        mail = report_mail("sender.example", "example.org", "4@sender.example")
        signed = subprocess.run(
            [self.signer.tool, "sign", "--key", self.signer.key, "--domain", "sender.example",
             "--selector", "s1", "--header-canon", "simple", "--body-canon", "simple"],
            input=mail, check=True, capture_output=True).stdout
        milter = self.play("odd_chunks.lua", signed)
        self.assertEqual(milter.query("SELECT dkim, dkim_reason FROM report"), [("pass", None)],
                         milter.log())

    def test_abort_at_every_stage(self):
        milter = self.play("abort.lua", self.signed("5@sender.example"))
        self.assertEqual(self.stored_ids(milter), ["5@sender.example"])

    def test_peer_list(self):
        milter = self.play("peer_list.lua", self.signed("6@sender.example"), PeerList="192.0.2.7")
        self.assertEqual(self.stored_ids(milter), ["6@sender.example"])

    def test_too_large_mail_is_cut_short_and_recorded(self):
        milter = self.play("too_large.lua", self.signed("7@sender.example"),
                           MaximumMessageSize="64K")
        self.assertEqual(milter.query("SELECT refusal, from_domain FROM refused"),
                         [("too-large", "sender.example")])


if __name__ == "__main__":
    unittest.main()
