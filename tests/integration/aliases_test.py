# SPDX-License-Identifier: BSD-2-Clause
"""The manual's line for /etc/aliases, in a real Postfix and a real Sendmail without the milter."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import postfix_server
import sendmail_server
from man_recipes import recipe
from pipe_case import ADDRESS, PipeCase
from postfix_server import PostfixServer
from report_mails import plain_mail
from sendmail_server import SendmailServer

SENDER = "tlsrpt@sender.example"
DOMAIN = ADDRESS.rpartition("@")[2]
SENDMAIL_MC = """\
define(`ALIAS_FILE', `{path}')dnl
define(`confDEF_USER_ID', `{uid}:{gid}')dnl
define(`confDONT_BLAME_SENDMAIL', `MapInUnsafeDirPath')dnl
MAILER(`local')dnl"""


class Aliases:
    """The tests; a subclass has self.mta, and says how a mail shows that it is to be tried again."""

    def send(self, mail):
        self.mta.send(SENDER, [ADDRESS], mail)

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.mta.log())
            time.sleep(0.05)

    def test_report_is_stored_and_its_signature_holds(self):
        self.send(self.report("1@sender.example"))
        self.mta.wait_for_empty_queue()
        self.assertEqual(self.stored(), [("1@sender.example", "pass")], self.mta.log())

    def test_mail_that_is_no_report_is_recorded_and_nobodys_bounce(self):
        self.send(plain_mail(recipient=ADDRESS))
        self.mta.wait_for_empty_queue()
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.refused(), 1, self.mta.log())
        self.assertFalse(self.has_bounced())

    def test_trouble_holds_the_mail_back(self):
        with self.trouble():
            self.send(self.report("2@sender.example"))
            self.wait_for(self.is_deferred)
            self.assertEqual(self.stored(), [])
        self.try_again()
        self.mta.wait_for_empty_queue()
        self.assertEqual(self.stored(), [("2@sender.example", "pass")], self.mta.log())


class AliasesOfPostfix(Aliases, PipeCase):
    @classmethod
    def skip_reason(cls):
        return postfix_server.skip_reason()

    def setUp(self):
        super().setUp()
        self.give_away()
        os.chmod(self.folder, 0o755)
        self.mta = PostfixServer(domains=(), parameters={
            "mydestination": DOMAIN, "default_privs": self.user.pw_name})
        self.mta.start()
        self.addCleanup(self.mta.stop)
        # The file is root's, or the program would run as its owner.
        path = self.write("aliases", self.ours(recipe("opentlsrpt.7", "aliases")))
        self.postfix("postalias", "hash:" + path)
        self.mta.reconfigure(alias_maps="hash:" + path)

    def postfix(self, program, *arguments):
        config = os.path.join(self.mta.folder, "etc")
        subprocess.run([program, "-c", config, *arguments], check=True, capture_output=True,
                       timeout=60, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))

    def is_deferred(self):
        return "status=deferred" in self.mta.log()

    def try_again(self):
        self.postfix("postqueue", "-f")

    def has_bounced(self):
        return "bounced" in self.mta.log()


class AliasesOfSendmail(Aliases, PipeCase):
    package = "sendmail"

    @classmethod
    def skip_reason(cls):
        return sendmail_server.skip_reason()

    def setUp(self):
        super().setUp()
        self.give_away()
        self.mta = SendmailServer(domains=(), local=(DOMAIN,))
        self.mta.start()
        self.addCleanup(self.mta.stop)
        path = os.path.join(self.mta.folder, "aliases")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.ours(recipe("opentlsrpt.7", "aliases")))
        user = self.user
        self.mta.configure(SENDMAIL_MC.format(path=path, uid=user.pw_uid, gid=user.pw_gid))
        self.mta.make_aliases()

    def is_deferred(self):
        return "Deferred" in self.mta.queue_file()

    def try_again(self):
        """Its queue runner comes every second."""

    def has_bounced(self):
        return os.path.exists(os.path.join(self.mta.folder, "discarded"))


if __name__ == "__main__":
    unittest.main()
