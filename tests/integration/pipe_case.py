# SPDX-License-Identifier: BSD-2-Clause
"""What tests share that hand report mails to `opentlsrpt-reports import --pipe`, as other MTAs do.

The programs run as somebody without privileges; where this is root, as nobody.
"""

import contextlib
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import mta_packages
from report_mails import Signer, report_mail
from unbound_server import UnboundServer

PROGRAM = os.path.join(mta_packages.BUILD, "milter", "opentlsrpt-reports")
ADDRESS = "tls-reports@example.com"


class PipeCase(unittest.TestCase):
    package = None  # of tests/fetch_mtas, if any

    @classmethod
    def skip_reason(cls):
        """Why the mail server cannot be run here, or None."""
        return mta_packages.skip_reason(cls.package)

    @classmethod
    def setUpClass(cls):
        missing = UnboundServer.missing()
        skip = cls.skip_reason() or ("missing: " + missing if missing else None)
        if skip:
            raise unittest.SkipTest(skip)
        cls.signer = Signer("sender.example")
        cls.dns = UnboundServer(cls.signer.zones())
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.root = mta_packages.folder(cls.package) if cls.package else None
        cls.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-pipe-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.configure()
        # What the recipes call, on a configuration of its own.
        self.program = self.write(
            "opentlsrpt-reports",
            f'#!/bin/sh\nexec {PROGRAM} "$@" -c {self.folder}/opentlsrpt.conf\n', 0o755)

    def configure(self):
        self.write("opentlsrpt.conf",
                   f"Database sqlite:{self.folder}\nNameserver {self.dns.address}\n"
                   "DNSTimeout 3s\nPolicyDomains example.com\n")

    @contextlib.contextmanager
    def trouble(self):
        """Keys cannot be looked up meanwhile."""
        self.dns.stop()
        try:
            yield
        finally:
            self.dns.start()
            self.configure()  # it answers elsewhere now

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def give_away(self):
        """The folder belongs to the user as whom the programs run."""
        for folder, _, files in os.walk(self.folder):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def run_as_user(self, command, **options):
        if os.geteuid() == 0:
            options.update(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[])
        return subprocess.run(command, check=False, capture_output=True, timeout=120,
                              cwd=self.folder, **options)

    def ours(self, recipe):
        """A recipe with the paths of this test in it."""
        return recipe.replace("/usr/bin/opentlsrpt-reports", self.program)

    def report(self, report_id):
        mail = report_mail("sender.example", "example.com", report_id, recipient=ADDRESS)
        return self.signer.sign(mail, "--header-canon", "simple", "--body-canon", "simple")

    def query(self, sql):
        path = self.path("received.db")
        if not os.path.exists(path):
            return []
        connection = sqlite3.connect(path, timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def stored(self):
        """(report id, DKIM verdict) of every stored report."""
        return self.query("SELECT report_id, dkim FROM report ORDER BY id")

    def refused(self):
        """How many mails were recorded as refused."""
        return len(self.query("SELECT id FROM refused"))
