# SPDX-License-Identifier: BSD-2-Clause
"""Report mails for tests: made, signed with the project's own signer, and read back.

    signer = Signer("sender.example")
    zones = signer.zones()                      # for UnboundServer
    mail = signer.sign(report_mail("sender.example", "example.org", report_id="1@sender.example"))
"""

import base64
import gzip
import json
import os
import subprocess
import time

BUILD = os.environ.get("OPENTLSRPT_BUILD", "")
SOURCE = os.environ.get("OPENTLSRPT_SOURCE",
                        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def report_json(policy_domain, report_id, successes=10, failures=0, submitter="sender.example",
                day="2026-03-01"):
    """The bytes of one RFC 8460 report."""
    return json.dumps({
        "organization-name": submitter + " Ltd",
        "date-range": {"start-datetime": day + "T00:00:00Z", "end-datetime": day + "T23:59:59Z"},
        "contact-info": "tlsrpt@" + submitter,
        "report-id": report_id,
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": policy_domain,
                       "policy-string": ["version: STSv1", "mode: enforce"]},
            "summary": {"total-successful-session-count": successes,
                        "total-failure-session-count": failures},
        }],
    }).encode()


def report_mail(submitter, policy_domain, report_id, packed=None, recipient="tls@example.org",
                message_id=None, **json_options):
    """A complete unsigned message with CRLF line ends. packed: other bytes than the gzipped report."""
    if packed is None:
        packed = gzip.compress(report_json(policy_domain, report_id, submitter=submitter,
                                           **json_options), mtime=0)
    body = base64.encodebytes(packed).replace(b"\n", b"\r\n")
    now = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    head = (
        f"From: TLS reports <tlsrpt@{submitter}>\r\n"
        f"To: {recipient}\r\n"
        f"Subject: Report Domain: {policy_domain} Submitter: {submitter}\r\n"
        f"\tReport-ID: <{report_id}>\r\n"
        f"Date: {now}\r\n"
        f"Message-ID: <{message_id or report_id}>\r\n"
        "MIME-Version: 1.0\r\n"
        f"TLS-Report-Domain: {policy_domain}\r\n"
        f"TLS-Report-Submitter: {submitter}\r\n"
        "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
        "\tboundary=\"=_b\"\r\n"
        "\r\n"
        "--=_b\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        "An aggregate TLS report.\r\n"
        ".a line that begins with a dot\r\n"
        "\r\n"
        "--=_b\r\n"
        "Content-Type: application/tlsrpt+gzip\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename=\"{submitter}!{policy_domain}!1!2!001.json.gz\"\r\n"
        "\r\n")
    return head.encode() + body + b"\r\n--=_b--\r\n"


def plain_mail(subject="hello", recipient="someone@example.org", body=b"Hello.\r\n",
               sender="a@friend.example"):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
            f"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n"
            f"Message-ID: <{subject.replace(' ', '-')}@friend.example>\r\n\r\n").encode() + body


class Signer:
    """Signs for one domain with a key of tests/data/dkim."""

    def __init__(self, domain, key="rsa2048", selector="s1", tags="s=tlsrpt; "):
        self.domain = domain
        self.selector = selector
        self.tags = tags
        self.key = os.path.join(SOURCE, "tests", "data", "dkim", key + ".pem")
        self.tool = os.path.join(BUILD, "tests", "dkim_tool")

    def _run(self, *arguments, message=b""):
        return subprocess.run([self.tool, *arguments], input=message, check=True,
                              capture_output=True, timeout=60).stdout

    def record(self):
        public = self._run("pubkey", "--key", self.key).decode().strip()
        if public.startswith("v="):
            return public
        return f"v=DKIM1; k=rsa; {self.tags}p={public}"

    def zones(self):
        """The signer's zone, for UnboundServer."""
        record = self.record()
        strings = " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))
        return {self.domain: f"{self.selector}._domainkey TXT ( {strings} )\n"}

    def sign(self, message, *options):
        """options: further ones of dkim_tool, as ("--header-canon", "simple")."""
        return self._run("sign", "--key", self.key, "--domain", self.domain, "--selector",
                         self.selector, "--time", str(int(time.time())), *options,
                         message=message)
