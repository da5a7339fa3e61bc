# SPDX-License-Identifier: BSD-2-Clause
"""What tests of the milter behind a real Postfix share: a resolver, a Postfix, a milter for each test."""

import unittest

import postfix_server
from milter_process import MilterProcess
from postfix_server import PostfixServer
from report_mails import Signer
from unbound_server import UnboundServer

SENDER = "tlsrpt@sender.example"
SKIP = postfix_server.skip_reason() or (
    "missing: " + UnboundServer.missing() if UnboundServer.missing() else None)


@unittest.skipIf(SKIP, SKIP)
class MilterCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.signer = Signer("sender.example")
        cls.dns = UnboundServer(cls.signer.zones())
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.postfix = PostfixServer()
        cls.postfix.start()
        cls.addClassCleanup(cls.postfix.stop)
        cls.number = 0

    def milter(self, **keys):
        """A fresh milter in front of the running Postfix. default_action=tempfail shows its faults."""
        milter = MilterProcess(Nameserver=self.dns.address, DNSTimeout="3s", **keys)
        milter.__enter__()
        self.addCleanup(milter.__exit__)
        self.postfix.reconfigure(
            smtpd_milters="{ " + milter.postfix_address() + ", default_action=tempfail }")
        return milter
