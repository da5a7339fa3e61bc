# SPDX-License-Identifier: BSD-2-Clause
"""What tests of the milter in a real mail server share: a resolver, the server, and milters.

The server is Postfix; a test class with another one says server = SendmailServer.
"""

import os
import shutil
import signal
import tempfile
import unittest

import postfix_server
import sendmail_server
from milter_process import MilterProcess
from report_mails import Signer, report_mail
from unbound_server import UnboundServer

SENDER = "tlsrpt@sender.example"
REPORT_ADDRESS = "tls@example.org"


def lf(message):
    return message.replace(b"\r\n", b"\n")


class MilterCase(unittest.TestCase):
    server = postfix_server.PostfixServer
    running = None
    other_signers = ()  # domains that sign as well

    @classmethod
    def setUpClass(cls):
        module = {postfix_server.PostfixServer: postfix_server,
                  sendmail_server.SendmailServer: sendmail_server}[cls.server]
        missing = UnboundServer.missing()
        skip = module.skip_reason() or ("missing: " + missing if missing else None)
        if skip:
            raise unittest.SkipTest(skip)
        cls.signer = Signer("sender.example")
        zones = cls.signer.zones()
        for domain in cls.other_signers:
            zones.update(Signer(domain).zones())
        cls.dns = UnboundServer(zones)
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.mta = cls.postfix = cls.server()
        cls.mta.start()
        cls.addClassCleanup(cls.mta.stop)
        # One place for the sockets of all milters: the server need not be told of each.
        cls.sockets = tempfile.mkdtemp(prefix="opentlsrpt-sockets-",
                                       dir=cls.mta.folder_of_sockets())
        cls.addClassCleanup(shutil.rmtree, cls.sockets)
        os.chmod(cls.sockets, 0o755)
        cls.number = 0

    def milter(self, default_action="tempfail", **keys):
        """A fresh milter in front of the running server, instead of the one before."""
        if self.running:
            self.running.stop(signal.SIGKILL)
        milter = MilterProcess(Socket="local:" + os.path.join(self.sockets, "milter.sock"),
                               Nameserver=self.dns.address, DNSTimeout="3s", **keys)
        self.running = milter
        milter.__enter__()
        # libmilter takes up to five seconds to stop; how it stops is the matter of other tests.
        self.addCleanup(milter.__exit__)
        self.addCleanup(milter.stop, signal.SIGKILL)
        self.mta.use_milter(milter.path(), default_action)
        return milter

    def unique(self):
        type(self).number += 1
        return f"{os.getpid()}.{self.number}@sender.example"

    def signed_report(self, report_id=None, **options):
        return self.signer.sign(report_mail("sender.example", "example.org",
                                            report_id or self.unique(), **options))

    def delivered(self, message_id, address=REPORT_ADDRESS):
        wanted = f"Message-ID: <{message_id}>".encode()
        return [mail for mail in self.mta.mails(address) if wanted in mail]
