# SPDX-License-Identifier: BSD-2-Clause
"""A new signing key, from the first command to foreign verifiers: genkey, the printed line in the
zone of a real Unbound, testkey, and messages that dkimpy, Mail::DKIM and OpenDKIM accept."""

import json
import os
import stat
import subprocess
import unittest

from dkim_peers import (ask_dkimpy, ask_mail_dkim, ask_opendkim, has_dkimpy, has_mail_dkim,
                        has_opendkim, verify_task)
from reporter_support import BUILD, DKIM_TOOL, PATIENCE, ReporterCase
from unbound_server import UnboundServer

DNS_TOOL = BUILD / "tests" / "dns_tool"
DOMAIN = "sender.example"
MESSAGE = (b"From: noreply@sender.example\r\n"
           b"To: tls@rcpt.example\r\n"
           b"Subject: Report Domain: rcpt.example Submitter: sender.example\r\n"
           b"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n"
           b"Message-ID: <1@sender.example>\r\n"
           b"TLS-Report-Domain: rcpt.example\r\n"
           b"TLS-Report-Submitter: sender.example\r\n"
           b"\r\nA report.\r\n")
TAMPERED = (b"A report.", b"Another report.")
SELECTORS = {"r2048": ("--type", "rsa"), "r4096": ("--bits=4096",), "ed": ("--type=ed25519",)}
RSA = ("r2048", "r4096")


def key_name(selector):
    return f"{selector}._domainkey.{DOMAIN}"


class GenkeyCase(ReporterCase):
    def path(self, selector):
        return self.folder / (selector + ".pem")

    def genkey(self, selector, *options):
        return self.run_reporter("genkey", "--output", str(self.path(selector)), *options, selector)

    def zone_line(self, selector, *options):
        done = self.genkey(selector, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def start_dns(self, zone=""):
        dns = UnboundServer({DOMAIN: zone})
        dns.start()
        self.addCleanup(dns.stop)
        return dns


@unittest.skipIf(UnboundServer.missing(), "needs " + UnboundServer.missing())
class Testkey(GenkeyCase):
    def compare(self, dns, *selectors):
        """Exit code, and the words in front of the advice of each key."""
        self.configure(KeyFile=",".join(str(self.path(one)) for one in selectors),
                       Selector=",".join(selectors), Nameserver=dns.address)
        done = self.run_reporter("testkey")
        return done, [" ".join(line.split()[:4]) for line in done.stdout.splitlines()]

    def test_the_printed_line_is_all_that_dns_needs(self):
        lines = self.zone_line("r2048") + self.zone_line("ed", "--type", "ed25519")
        dns = self.start_dns(lines)
        done, keys = self.compare(dns, "r2048", "ed")
        self.assertEqual(keys, [f"r2048 {DOMAIN} rsa-sha256 matches",
                                f"ed {DOMAIN} ed25519-sha256 matches"])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_missing_is_printed_and_heals(self):
        line = self.zone_line("r2048")
        dns = self.start_dns()
        done, keys = self.compare(dns, "r2048")
        self.assertEqual((done.returncode, keys), (69, [f"r2048 {DOMAIN} rsa-sha256 no-record"]))
        self.assertIn(line, done.stderr)
        dns.set_zones({DOMAIN: done.stderr[done.stderr.index(key_name("r2048")):]})
        self.assertEqual(self.compare(dns, "r2048")[0].returncode, 0)

    def test_the_record_of_another_key_is_told(self):
        other = self.zone_line("other").replace("other.", "r2048.")
        line = self.zone_line("r2048")
        dns = self.start_dns(other)
        done, keys = self.compare(dns, "r2048")
        self.assertEqual((done.returncode, keys), (69, [f"r2048 {DOMAIN} rsa-sha256 other-key"]))
        dns.set_zones({DOMAIN: other + line})
        done, keys = self.compare(dns, "r2048")
        self.assertEqual((done.returncode, keys),
                         (69, [f"r2048 {DOMAIN} rsa-sha256 several-records"]))

    def test_nothing_is_said_about_the_key_without_dns(self):
        self.zone_line("r2048")
        dns = self.start_dns()
        dns.stop()
        done, keys = self.compare(dns, "r2048")
        self.assertEqual((done.returncode, keys), (75, [f"r2048 {DOMAIN} rsa-sha256 dns-failure"]))


class Genkey(GenkeyCase):
    def test_the_domain_is_that_of_contact_info_unless_told_otherwise(self):
        self.assertTrue(self.zone_line("a").startswith(key_name("a") + ". IN TXT ( \"v=DKIM1; "))
        line = self.zone_line("b", "--domain", "Other.Example")
        self.assertTrue(line.startswith("b._domainkey.other.example. IN TXT ("))

    def test_a_key_is_for_its_owner_only_and_never_overwritten(self):
        os.umask(0o022)
        self.zone_line("a")
        before = self.path("a").read_bytes()
        self.assertEqual(stat.S_IMODE(self.path("a").stat().st_mode), 0o600)
        done = self.genkey("a")
        self.assertEqual((done.returncode, done.stdout), (73, ""))
        self.assertIn("exists already", done.stderr)
        self.assertEqual(self.path("a").read_bytes(), before)

    def test_wrong_usage_makes_no_file(self):
        before = sorted(self.folder.iterdir())
        for options in (("--bits", "1024"), ("--type", "dsa"), ("second",), ("--domain", "..")):
            self.assertEqual(self.genkey("a", *options).returncode, 64, options)
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_the_next_steps_are_lines_of_a_configuration_that_can_be_used(self):
        done = self.genkey("a")
        lines = [line.split() for line in done.stderr.splitlines()]
        values = {line[0]: line[1] for line in lines if line and line[0] in ("KeyFile", "Selector")}
        self.assertEqual(values, {"KeyFile": str(self.path("a")), "Selector": "a"})
        self.configure(**values)
        self.assertNotEqual(self.run_reporter("testkey").returncode, 78)


@unittest.skipIf(UnboundServer.missing(), "needs " + UnboundServer.missing())
class ForeignVerifiers(GenkeyCase):
    """Each gets the record as Unbound serves it."""

    def setUp(self):
        super().setUp()
        dns = self.start_dns("".join(self.zone_line(*key) for key in self.keys()))
        self.records = {key_name(one): self.served(dns, key_name(one)) for one in SELECTORS}

    @staticmethod
    def keys():
        return [(selector, *options) for selector, options in SELECTORS.items()]

    def served(self, dns, name):
        done = subprocess.run([DNS_TOOL, "--server", dns.address, "txt", name], check=True,
                              capture_output=True, timeout=PATIENCE)
        (record,) = json.loads(done.stdout)["records"]
        return record

    def signed(self, selector):
        return subprocess.run(
            [DKIM_TOOL, "sign", "--key", self.path(selector), "--domain", DOMAIN, "--selector",
             selector], input=MESSAGE, stdout=subprocess.PIPE, check=True, timeout=PATIENCE).stdout

    def check(self, ask, selectors, good):
        signed = [self.signed(one) for one in selectors]
        self.assertEqual(ask(signed), [good for _ in selectors])
        for answer in ask([message.replace(*TAMPERED) for message in signed]):
            self.assertNotEqual(answer, good)

    @unittest.skipUnless(has_dkimpy(), "needs python3-dkim and python3-nacl")
    def test_dkimpy(self):
        # dkimpy 1.1 takes s=tlsrpt:email for one service that it does not know, so it gets the key
        # without s=; the manual page says so.
        records = {name: text.replace("s=tlsrpt:email; ", "") for name, text in
                   self.records.items()}
        self.check(lambda mails: ask_dkimpy([verify_task(one, records) for one in mails]),
                   SELECTORS, True)

    @unittest.skipUnless(has_mail_dkim(), "needs libmail-dkim-perl and libcryptx-perl")
    def test_mail_dkim(self):  # Debian's does not know Ed25519
        self.check(lambda mails: ask_mail_dkim([verify_task(one, self.records) for one in mails]),
                   RSA, "pass")

    @unittest.skipUnless(has_opendkim(), "needs opendkim-tools, unbound, iproute2 and namespaces")
    def test_opendkim(self):  # does not know Ed25519
        self.check(lambda mails: ask_opendkim(mails, self.records), RSA, "0")


if __name__ == "__main__":
    unittest.main()
