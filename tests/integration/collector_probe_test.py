#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where a log does not tell whether the certificate of an MX host fits an MTA-STS policy, as always
in mode testing, opentlsrpt-collector looks at it itself. In a network of its own: MX hosts with
certificates at port 25, a policy host at port 443, a resolver, and the log of a Postfix.
"""

import datetime
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import own_network  # noqa: E402
from collector_support import Collector, wait_until  # noqa: E402
from https_server import Authority, HttpsServer, answer  # noqa: E402
from mail_server import MailServer  # noqa: E402
from unbound_server import UnboundServer  # noqa: E402

SKIP = own_network.skip_reason() or (
    UnboundServer.missing() and f"not installed: {UnboundServer.missing()}")
POLICY = "version: STSv1\nmode: {mode}\nmx: mx.{name}.example\nmax_age: 86400\n"
# Loopback addresses in a log are those of a content filter.
ADDRESSES = {name: f"192.0.2.{number}" for number, name in enumerate(
    ("good", "othername", "selfsigned", "notls", "away", "enforced"), 11)}
# It has to be public; nothing leaves this network.
POLICY_HOST = "11.0.0.1"
TESTING_ONLY = {"LogSessions": "sts-testing"}


def lines(name, word="Trusted"):
    """One session of smtp(8), which did not demand anything of the certificate."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    mx = f"mx.{name}.example[{ADDRESSES[name]}]:25"
    return (f"{stamp} out1 postfix/smtp[77]: {word} TLS connection established to {mx}: TLSv1.3 "
            "with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n"
            f"{stamp} out1 postfix/smtp[77]: 4F0000AB: to=<u@{name}.example>, relay={mx}, "
            "delay=0.6, delays=0.1/0/0.3/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)\n")


@unittest.skipIf(SKIP, SKIP)
class CollectorProbeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        own_network.enter(folder.name)
        for address in (*ADDRESSES.values(), POLICY_HOST):
            own_network.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        cls.authority = Authority(folder.name)
        context = cls.authority.context
        cls.hosts = {}
        for name, tls in {"good": context("mx.good.example"),
                          "othername": context("else.example"),
                          "selfsigned": context("mx.selfsigned.example", self_signed=True),
                          "enforced": context("mx.enforced.example"),
                          "notls": None}.items():
            cls.hosts[name] = MailServer(ADDRESSES[name], tls)
            cls.addClassCleanup(cls.hosts[name].stop)
        policies = HttpsServer(context(*(f"mta-sts.{name}.example" for name in ADDRESSES)),
                               {"/.well-known/mta-sts.txt": cls.serve_policy}, address=POLICY_HOST,
                               port=443)
        policies.__enter__()
        cls.addClassCleanup(policies.__exit__, None, None, None)
        cls.dns = UnboundServer({
            f"{name}.example": f"@ MX 10 mx\nmx A {address}\nmta-sts A {POLICY_HOST}\n"
                               '_mta-sts TXT "v=STSv1; id=1"\n'
                               f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:r@{name}.example"\n'
            for name, address in ADDRESSES.items()})
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)

    @staticmethod
    def serve_policy(connection, request):
        name = dict(request.fields)["Host"].split(".")[1]
        body = POLICY.format(name=name, mode="enforce" if name == "enforced" else "testing")
        answer("200 OK", "Content-Type: text/plain", body=body.encode())(connection, request)

    def follow(self, text, sessions, **keys):
        """Lets a collector read this; what it then has counted."""
        for host in self.hosts.values():
            host.commands.clear()
        collector = Collector(Nameserver=self.dns.address, TrustFile=str(self.authority.certificate),
                              **keys)
        self.addCleanup(collector.close)
        path = collector.folder / "mail.log"
        path.touch()
        collector.keys["LogFile"] = str(path)
        collector.start()
        wait_until(lambda: "log-followed" in collector.log(), "the log")
        path.write_text(text)
        wait_until(lambda: collector.counter("log-sessions") == sessions, "the sessions")
        self.assertEqual(collector.stop(), 0, collector.log())
        self.collector = collector
        return collector.query("SELECT domain, policy_type, successes, failures FROM outcome "
                               "ORDER BY domain")

    def details(self):
        return self.collector.query(
            "SELECT domain, result_type, failure_reason_code, receiving_mx_hostname, receiving_ip "
            "FROM outcome_detail JOIN outcome ON id = outcome ORDER BY domain")

    def starttls(self, name):
        return self.hosts[name].commands.count("STARTTLS")

    def test_each_certificate_is_seen_once(self):
        names = ("good", "othername", "selfsigned")
        rows = self.follow("".join(map(lines, names * 3)), 9)
        self.assertEqual(rows, [("good.example", "sts", 3, 0), ("othername.example", "sts", 0, 3),
                                ("selfsigned.example", "sts", 0, 3)])
        self.assertEqual(self.details(), [
            ("othername.example", "certificate-host-mismatch", "", "mx.othername.example",
             ADDRESSES["othername"]),
            ("selfsigned.example", "certificate-not-trusted",
             "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT", "mx.selfsigned.example",
             ADDRESSES["selfsigned"])])
        self.assertEqual([self.starttls(name) for name in names], [1, 1, 1])
        self.assertEqual(self.collector.counter("log-probes"), 3)
        for name in names:
            self.assertFalse([line for line in self.hosts[name].commands
                              if line.startswith("MAIL")], "no mail is begun")

    def test_a_certificate_that_cannot_be_seen_is_not_guessed(self):
        rows = self.follow(lines("notls") + lines("away") + lines("notls"), 3)
        self.assertEqual(rows, [])
        self.assertEqual(self.collector.counter("log-unjudged"), 3)
        self.assertEqual(self.collector.counter("log-probes"), 2)

    def test_with_sts_testing_no_other_host_is_looked_at(self):
        rows = self.follow(lines("good") + lines("enforced"), 2, **TESTING_ONLY)
        self.assertEqual(rows, [("good.example", "sts", 1, 0)])
        self.assertEqual(self.starttls("enforced"), 0)

    def test_it_can_be_turned_off(self):
        rows = self.follow(lines("good"), 1, LogProbe="no")
        self.assertEqual(rows, [])
        self.assertEqual(self.starttls("good"), 0)
        self.assertEqual(self.collector.counter("log-unjudged"), 1)

    def test_untrusted_is_explained_and_not_excused(self):
        rows = self.follow(lines("good", "Untrusted") + lines("selfsigned", "Untrusted"), 2,
                           LogTrustStore="yes")
        self.assertEqual(rows, [("good.example", "sts", 0, 1), ("selfsigned.example", "sts", 0, 1)])
        self.assertEqual([row[:3] for row in self.details()], [
            ("good.example", "certificate-not-trusted", ""),
            ("selfsigned.example", "certificate-not-trusted",
             "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT")])


if __name__ == "__main__":
    unittest.main()
