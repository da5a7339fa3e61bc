#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which reports opentlsrpt-milter believes: keys in a real DNS in all their shapes, and forged mails
that come through a real Postfix, which has its own idea of where a header ends."""

import base64
import os
import re
import subprocess
import tempfile
import time
import unittest

from milter_case import SENDER, MilterCase
from milter_process import PROGRAM
from report_mails import Signer, report_json, report_mail
from unbound_server import UnboundServer, Zone

# Of -t, for each line that it prints.
STATUS = {"report-stored": 0, "not-a-report": 1, "report-refused": 1, "dns-error": 75}

AWAY = (b"From: r@sender.example\r\nTo: tls@example.org\r\nSubject: I am away\r\n"
        b"Message-ID: <away@sender.example>\r\n"
        b"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n\r\nBack soon.\r\n")


def sign(mail, domain="sender.example", selector="s1", headers="From:To:Subject:Date"):
    signer = Signer(domain, selector=selector)
    return subprocess.run(
        [signer.tool, "sign", "--key", signer.key, "--domain", domain, "--selector", selector,
         "--headers", headers, "--time", str(int(time.time()))],
        input=mail, check=True, capture_output=True, timeout=60).stdout


def strings(text, size=200):
    return "( " + " ".join(f'"{text[i:i + size]}"' for i in range(0, len(text), size)) + " )"


@unittest.skipIf(UnboundServer.missing(), "missing: " + UnboundServer.missing())
class KeysInDns(unittest.TestCase):
    """One selector for each shape that a key can have in DNS."""

    @classmethod
    def setUpClass(cls):
        public = re.search("p=(.*)", Signer("sender.example").record())[1]
        other = re.search("p=(.*)", Signer("sender.example", key="rsa4096").record())[1]
        key = "v=DKIM1; k=rsa; p=" + public
        records = {
            "plain": [key],
            "short-strings": [strings(key, 10)],
            "long-strings": [strings(key, 255)],
            "bare": ["p=" + public],
            "two": ["v=DKIM1; p=" + other, key],
            "with-spf": ["v=spf1 -all", key],
            "revoked": ["v=DKIM1; p="],
            "no-key": ["v=DKIM1; k=rsa"],
            "testing": ["v=DKIM1; t=y; p=" + public],
            "strict": ["v=DKIM1; t=s; p=" + public],
            "sha1": ["v=DKIM1; h=sha1; p=" + public],
            "old": ["v=DKIM1; g=*; p=" + public],
            "other-key": ["v=DKIM1; p=" + other],
            "email": ["v=DKIM1; s=email; p=" + public],
            "tlsrpt": ["v=DKIM1; s=tlsrpt; p=" + public],
            "both": ["v=DKIM1; s=tlsrpt:email; p=" + public],
            "any": ["v=DKIM1; s=*; p=" + public],
            "chat": ["v=DKIM1; s=chat; p=" + public],
        }
        lines = []
        for name, texts in records.items():
            for text in texts:
                value = text if text.startswith("(") else strings(text)
                lines.append(f"{name}._domainkey TXT {value}")
        lines += ["alias._domainkey CNAME plain._domainkey",
                  "dangling._domainkey CNAME nowhere.sender.example.",
                  "a-only._domainkey A 127.0.0.1",
                  "broken._domainkey CNAME k1.broken.example."]
        cls.dns = UnboundServer({
            "sender.example": "\n".join(lines) + "\n",
            "broken.example": Zone(f"k1 TXT {strings(key)}", signed=True, bogus=True),
            "other.example": f"s1._domainkey TXT {strings(key)}\n",
        })
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.config = os.path.join(cls.folder.name, "opentlsrpt.conf")
        with open(cls.config, "w", encoding="ascii") as config:
            config.write(f"ReportAddress tls@example.org\nNameserver {cls.dns.address}\n"
                         f"DNSTimeout 3s\nDatabase sqlite:{cls.folder.name}\n")

    def verdict(self, mail):
        """The line that -t prints: its tag and the rest."""
        path = os.path.join(self.folder.name, "mail.eml")
        with open(path, "wb") as file:
            file.write(mail)
        done = subprocess.run([PROGRAM, "-c", self.config, "-t", path], capture_output=True,
                              text=True, timeout=60, check=False)
        tag, _, rest = done.stdout[len(path) + 2:].partition(" ")
        self.assertEqual(done.returncode, STATUS.get(tag), done.stdout + done.stderr)
        return tag, rest

    def check(self, expected, detail, mail):
        tag, rest = self.verdict(mail)
        self.assertEqual(tag, expected, rest)
        self.assertIn(detail, rest)

    def test_each_shape_of_a_key(self):
        mail = report_mail("sender.example", "example.org", "1@sender.example")
        for selector, expected, detail in (
                ("plain", "report-stored", "dkim=pass"),
                ("short-strings", "report-stored", "dkim=pass"),
                ("long-strings", "report-stored", "dkim=pass"),
                ("bare", "report-stored", "dkim=pass"),
                ("two", "report-stored", "dkim=pass"),
                ("with-spf", "report-stored", "dkim=pass"),
                ("alias", "report-stored", "dkim=pass"),
                ("strict", "report-stored", "dkim=pass"),
                ("old", "report-stored", "dkim=pass"),
                ("any", "report-stored", "dkim=pass"),                  # R193
                ("tlsrpt", "report-stored", "dkim=pass"),               # R194
                ("both", "report-stored", "dkim=pass"),                 # R194
                ("email", "report-stored", "dkim-key-service-type"),    # R195
                ("chat", "report-refused", "key-service-type"),         # R196
                ("testing", "report-refused", "key-testing"),           # R199
                ("revoked", "report-refused", "key-revoked"),           # R201
                ("no-key", "report-refused", "key-malformed"),
                ("sha1", "report-refused", "key-hash"),
                ("other-key", "report-refused", "signature"),
                ("absent", "report-refused", "key-not-found"),          # NXDOMAIN
                ("a-only", "report-refused", "key-not-found"),          # no TXT there
                ("dangling", "report-refused", "key-not-found"),
                ("broken", "dns-error", "key-lookup-failed")):          # SERVFAIL; R211
            with self.subTest(selector=selector):
                self.check(expected, detail, sign(mail, selector=selector))

    def test_a_broken_dns_delays_only_what_could_pass(self):  # R212
        mail = report_mail("sender.example", "example.org", "1@sender.example")
        signed = sign(mail, selector="broken")
        self.check("report-refused", "body-hash", signed + b"more\r\n")
        self.check("report-stored", "dkim=pass", sign(signed, selector="plain"))
        self.check("dns-error", "key-lookup-failed", sign(signed, selector="absent"))
        self.check("report-refused", "not-aligned",
                   sign(report_mail("other.example", "example.org", "1@other.example"),
                        selector="broken"))
        self.check("not-a-report", "", sign(AWAY, selector="broken"))


class ForgeriesThroughPostfix(MilterCase):
    """Made of a mail that sender.example really signed, as an answer of a program."""

    def check_refused(self, mail):
        milter = self.milter()
        self.postfix.send("x@other.example", ["tls@example.org"], mail)
        self.assertEqual(milter.query("SELECT id FROM report"), [], mail)
        self.assertEqual(milter.query("SELECT refusal FROM refused"), [("not-authentic",)],
                         milter.log())
        return milter.lines("report-refused")[0]

    def test_fields_that_look_like_a_part(self):
        payload = base64.b64encode(report_json("example.org", "1@sender.example"))
        fields = (b"Content-Type: multipart/mixed; boundary=\"b:\"\r\n--b:\r\n"
                  b"Content-Type: application/tlsrpt+json\r\n"
                  b"Content-Transfer-Encoding: base64\r\n"
                  b"--" + payload + b":\r\n--b:--\r\n")
        genuine = sign(AWAY)
        line = self.check_refused(genuine.replace(b"Subject: I", fields + b"Subject: I"))
        self.assertRegex(line, "header-malformed|body-hash")

    def test_line_that_is_no_field(self):
        text = report_json("example.org", "1@sender.example")
        genuine = sign(AWAY)
        self.check_refused(genuine.replace(b"\r\n\r\nBack", b"\r\n{\r\n" + text[1:] + b"\r\n\r\nBack"))

    def test_content_type_on_top_of_the_signed_one(self):
        returned = report_mail("sender.example", "example.org", "1@sender.example")
        bounce = (b"From: r@sender.example\r\nTo: tls@example.org\r\nSubject: Undelivered\r\n"
                  b"Message-ID: <bounce@sender.example>\r\n"
                  b"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                  b"Content-Type: multipart/report; report-type=delivery-status; boundary=outer\r\n"
                  b"\r\n--outer\r\n\r\nNobody is there.\r\n--outer\r\n"
                  b"Content-Type: message/rfc822\r\n\r\n" + returned + b"--outer--\r\n")
        top = b"Content-Type: multipart/report; report-type=tlsrpt; boundary=\"=_b\"\r\n"
        line = self.check_refused(top + sign(bounce, headers="From:To:Subject:Content-Type"))
        self.assertIn("content-type-not-signed", line)
        line = self.check_refused(top + sign(bounce))
        self.assertIn("content-type-not-signed", line)

    def test_the_genuine_report_is_taken(self):
        milter = self.milter()
        mail = sign(report_mail("sender.example", "example.org", "2@sender.example"))
        self.postfix.send(SENDER, ["tls@example.org"], mail)
        self.assertEqual(milter.query("SELECT report_id, dkim FROM report"),
                         [("2@sender.example", "pass")], milter.log())


if __name__ == "__main__":
    unittest.main()
