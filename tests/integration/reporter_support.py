# SPDX-License-Identifier: BSD-2-Clause
"""A reporter with a configuration, a store and an SMTP server of its own, for the tests that look
at what it sends."""

import datetime
import json
import os
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from smtp_sink import SmtpSink

BUILD = Path(os.environ["OPENTLSRPT_BUILD"])
SOURCE = Path(os.environ["OPENTLSRPT_SOURCE"])
REPORTER = BUILD / "sender" / "opentlsrpt-reporter"
OUTCOME_TOOL = BUILD / "tests" / "outcome_tool"
DKIM_TOOL = BUILD / "tests" / "dkim_tool"
KEY = SOURCE / "tests" / "data" / "dkim" / "rsa2048.pem"
PATIENCE = 20

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
# Closed at any hour; yesterday is not, for a moment after midnight.
REPORTED = TODAY - datetime.timedelta(days=2)


def datagram(domain, rua=None, failed=False, **more):
    policy = {"policy-type": 9, "policy-domain": domain, "t": 0, "f": 0}
    if failed:
        policy.update(t=1, f=1)
        policy["failure-details"] = [{"c": 201, "n": "mx." + domain}]
    record = "v=TLSRPTv1; rua=" + (rua if rua is not None else f"mailto:tls@{domain}")
    return {"d": domain, "pr": record, "policies": [policy], **more}


def dead_port():
    """A loopback UDP port where nobody listens: every DNS question fails at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ReporterCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.database = self.folder / "outbound.db"
        self.conf = self.folder / "opentlsrpt.conf"
        self.key = self.folder / "key.pem"
        self.key.write_bytes(KEY.read_bytes())
        self.key.chmod(0o600)
        self.sink = SmtpSink()
        self.sink.__enter__()
        self.addCleanup(self.sink.__exit__)
        self.configure()

    def configure(self, **changes):
        values = {
            "Database": f"sqlite:{self.folder}",
            "OrganizationName": "Société d’Exemple",
            "ContactInfo": "tlsrpt@sender.example",
            "ReportFrom": "noreply@sender.example",
            "EnvelopeSender": "bounces@sender.example",
            "KeyFile": self.key,
            "Selector": "s1",
            "Nameserver": f"127.0.0.1:{dead_port()}",
            "DNSTimeout": "2s",
            "SMTPServer": self.sink.address,
            "SMTPTimeout": "5s",
            "SendWindow": "0",
            **changes,
        }
        self.conf.write_text("".join(f"{k} {v}\n" for k, v in values.items() if v is not None))

    def count(self, *datagrams, day=REPORTED):
        lines = "".join(json.dumps(one) + "\n" for one in datagrams)
        subprocess.run([OUTCOME_TOOL, self.database, str(day)], input=lines.encode(), check=True,
                       timeout=PATIENCE)

    def run_reporter(self, *arguments):
        return subprocess.run([REPORTER, "-c", self.conf, *arguments], capture_output=True,
                              text=True, timeout=60)

    def query(self, sql):
        database = sqlite3.connect(self.database, timeout=5)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def execute(self, sql):
        database = sqlite3.connect(self.database, timeout=5)
        try:
            database.execute(sql)
            database.commit()
        finally:
            database.close()

    def states(self):
        rows = self.query("SELECT d.state FROM delivery d JOIN plan p ON p.id=d.plan"
                          " ORDER BY p.domain, d.destination")
        return [row[0] for row in rows]

    def preview(self, *arguments):
        done = self.run_reporter("preview", *arguments)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def wait_for(self, condition, what, patience=PATIENCE):
        end = time.monotonic() + patience
        while not condition():
            if time.monotonic() > end:
                self.fail("waited in vain for " + what)
            time.sleep(0.05)

    def start_daemon(self, log="daemon.log"):
        log = open(self.folder / log, "ab")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([REPORTER, "-f", "-c", self.conf], stderr=log, stdout=log)

        def end():
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()

        self.addCleanup(end)
        return daemon

    def log(self, log="daemon.log"):
        return (self.folder / log).read_text()
