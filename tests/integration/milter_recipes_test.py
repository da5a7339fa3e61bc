# SPDX-License-Identifier: BSD-2-Clause
"""The manual's recipes for the milter in Postfix and Sendmail, tried as they are printed."""

import os
import pwd
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from man_recipes import recipe
from milter_case import REPORT_ADDRESS, SENDER, MilterCase
from milter_process import MilterProcess
from postfix_server import PostfixServer
from sendmail_server import SendmailServer

USER = "nobody"  # in the place of opentlsrpt, which this machine need not have
UMASK = "0007"  # the default, which MilterProcess overrides


class RecipeCase(MilterCase):
    def start(self, **keys):
        milter = MilterProcess(below=self.mta.folder_of_sockets(), Nameserver=self.dns.address,
                               UMask=UMASK, **keys)
        self.addCleanup(milter.__exit__)
        return milter

    def check(self, milter):
        report_id = self.unique()
        self.mta.send(SENDER, [REPORT_ADDRESS], self.signed_report(report_id))
        self.assertEqual(milter.query("SELECT report_id, dkim FROM report"), [(report_id, "pass")],
                         self.mta.log())


def smtpd_milters(page, name):
    """The parameter's value in a recipe for main.cf."""
    parameter, value = recipe(page, name).split("=", 1)
    assert parameter.strip() == "smtpd_milters"
    return value.strip()


class PostfixRecipes(RecipeCase):
    def test_without_a_chroot(self):
        # The group is Postfix's own here, instead of one that Postfix's user has joined.
        milter = self.start(UserID=USER + ":postfix")
        os.chmod(milter.folder, 0o750)
        user = pwd.getpwnam(USER)
        os.chown(milter.folder, user.pw_uid, pwd.getpwnam("postfix").pw_gid)
        milter.start()
        for page in ("opentlsrpt.7", "opentlsrpt-milter.8"):
            name = "postfix" if page == "opentlsrpt.7" else "postfix-main"
            value = smtpd_milters(page, name)
            self.assertIn("/run/opentlsrpt/milter.sock", value)
            self.mta.reconfigure(smtpd_milters=value.replace("/run/opentlsrpt/milter.sock",
                                                             milter.path()))
            report_id = self.unique()
            self.mta.send(SENDER, [REPORT_ADDRESS], self.signed_report(report_id))
            self.assertEqual(milter.query("SELECT report_id FROM report ORDER BY id DESC LIMIT 1"),
                             [(report_id,)], self.mta.log())

    def test_in_a_chroot(self):
        with PostfixServer(chroot=True) as postfix:
            def here(text):
                return (text.replace("/var/spool/postfix", postfix.queue_folder())
                        .replace("opentlsrpt ", USER + " ").replace("-g " + USER, "-g nogroup"))

            self.mta = postfix
            keys = dict(line.split(None, 1) for line in
                        here(recipe("opentlsrpt-milter.8", "postfix-chroot-conf")).splitlines())
            self.assertEqual(keys.pop("ReportAddress"), "tls-reports@example.org")
            self.assertEqual(keys.pop("UserID"), "opentlsrpt")
            milter = self.start(UserID=USER, **keys)
            folders = here(recipe("opentlsrpt-milter.8", "postfix-chroot-folders"))
            folders = folders.replace("/var/lib/opentlsrpt", milter.folder)
            subprocess.run(["sh", "-e", "-c", folders], check=True)
            milter.start()
            for page, name in (("opentlsrpt-milter.8", "postfix-chroot-main"),
                               ("opentlsrpt.7", "postfix-chroot")):
                postfix.reconfigure(smtpd_milters=smtpd_milters(page, name))
                report_id = self.unique()
                postfix.send(SENDER, [REPORT_ADDRESS], self.signed_report(report_id))
                self.assertEqual(
                    milter.query("SELECT report_id FROM report ORDER BY id DESC LIMIT 1"),
                    [(report_id,)], postfix.log())


class SendmailRecipes(RecipeCase):
    server = SendmailServer

    def test_lines_of_the_mc_file(self):
        for page in ("opentlsrpt.7", "opentlsrpt-milter.8"):
            milter = self.start()
            os.chmod(milter.folder, 0o750)
            milter.start()
            lines = recipe(page, "sendmail")
            self.assertIn("/run/opentlsrpt/milter.sock", lines)
            self.mta.configure(lines.replace("/run/opentlsrpt/milter.sock", milter.path()))
            self.check(milter)
            # Without the filter, mail flows.
            milter.stop()
            self.assertEqual(self.mta.send(SENDER, [REPORT_ADDRESS], self.signed_report())[0], 250)


if __name__ == "__main__":
    unittest.main()
