# SPDX-License-Identifier: BSD-2-Clause
"""Our DKIM against three others: dkimpy, Mail::DKIM and OpenDKIM verify what we sign, and we
verify what the first two sign, with both algorithms, all canonicalisations, and messages that are
hard to canonicalise."""

import base64
import itertools
import os
import pathlib
import subprocess
import unittest

from dkim_peers import (ask_dkimpy, ask_mail_dkim, ask_opendkim, has_dkimpy, has_mail_dkim,
                        has_opendkim, verify_task)

SOURCE = pathlib.Path(os.environ["OPENTLSRPT_SOURCE"])
TOOL = pathlib.Path(os.environ["OPENTLSRPT_BUILD"]) / "tests" / "dkim_tool"
KEYS = SOURCE / "tests" / "data" / "dkim"
DOMAIN = "example.com"
CANONS = list(itertools.product(("simple", "relaxed"), repeat=2))
ALGORITHMS = {"rsa1024": "rsa-sha256", "rsa2048": "rsa-sha256", "rsa4096": "rsa-sha256",
              "ed25519": "ed25519-sha256"}
RSA_KEYS = ("rsa1024", "rsa2048", "rsa4096")

HEADER = (b"From: \"TLS Reports\" <reports@example.com>\r\n"
          b"To: reports@example.net\r\n"
          b"Subject: Report Domain: example.net Submitter: example.com\r\n"
          b"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n"
          b"Message-ID: <1@example.com>\r\n"
          b"MIME-Version: 1.0\r\n"
          b"TLS-Report-Domain: example.net\r\n"
          b"TLS-Report-Submitter: example.com\r\n")
FOLDED_HEADER = (b"Received: from a.example\r\n\tby b.example;\r\n"
                 b"  Sun, 01 Mar 2026 00:00:00 +0000\r\n"
                 b"FROM:reports@example.com\r\n"
                 b"To:    reports@example.net,\r\n \t  " + b"x" * 200 + b"@example.net,\r\n"
                 b"\tlast@example.net   \t\r\n"
                 b"Subject: Report Domain: example.net\r\n   Submitter:\t\texample.com\r\n"
                 b" Report-ID: <" + b"y" * 300 + b">\r\n"
                 b"Date:\r\n Sun, 01 Mar 2026 00:00:00 +0000\r\n"
                 b"Message-ID:\t<2@example.com>\r\n"
                 b"Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"b\"\r\n"
                 b"TLS-Report-Domain: example.net\r\n"
                 b"TLS-Report-Submitter: example.com\r\n")
MESSAGES = {
    "plain": HEADER + b"\r\nHello.\r\n",
    "empty-body": HEADER + b"\r\n",
    "one-empty-line": HEADER + b"\r\n\r\n",
    "only-empty-lines": HEADER + b"\r\n" + b"\r\n" * 20,
    "trailing-empty-lines": HEADER + b"\r\nText\r\n" + b"\r\n" * 5,
    "inner-empty-lines": HEADER + b"\r\nOne\r\n\r\n\r\nTwo\r\n",
    "blanks": HEADER + b"\r\n a\tb  c \t\r\n\t\r\n   \r\n\tend \r\n  \r\n \r\n",
    "no-last-line-end": HEADER + b"\r\nText without line end",
    "eight-bit": HEADER + b"\r\n" + bytes(range(0x80, 0x100)) + b"\r\nGr\xc3\xbc\xc3\x9fe  \r\n",
    "dots": HEADER + b"\r\n.\r\n..\r\nFrom me\r\n>From you\r\n",
    "folded": FOLDED_HEADER + b"\r\nBody\r\n",
    "large": HEADER + b"\r\n" + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n" * 5000,
}
# Mail::DKIM does not add the last line end that RFC 6376 section 3.4.3 wants where none is; in SMTP
# there always is one.
MAIL_DKIM_MESSAGES = [name for name in MESSAGES if name != "no-last-line-end"]


def tool(*arguments, message=b""):
    return subprocess.run([TOOL, *arguments], input=message, stdout=subprocess.PIPE,
                          check=True).stdout


def record(key):
    public = tool("pubkey", "--key", KEYS / (key + ".pem")).decode().strip()
    kind = "ed25519" if key == "ed25519" else "rsa"
    return "v=DKIM1; k=%s; p=%s" % (kind, public)


RECORDS = {}


def records():
    if not RECORDS:
        RECORDS.update({"%s._domainkey.%s" % (key, DOMAIN): record(key) for key in ALGORITHMS})
    return RECORDS


def our_signature(key, canon, message):
    return tool("sign", "--key", KEYS / (key + ".pem"), "--domain", DOMAIN, "--selector", key,
                "--header-canon", canon[0], "--body-canon", canon[1], message=message)


def our_verdict(message):
    arguments = []
    for name, text in records().items():
        arguments += ["--txt", name + "=" + text]
    return tool("verify", "--aligned", DOMAIN, *arguments, message=message).decode().splitlines()[0]


def all_signed_by_us(keys, names=tuple(MESSAGES)):
    """((key, canon, message name), signed message) of each combination."""
    for key, canon, name in itertools.product(keys, CANONS, names):
        yield (key, canon, name), our_signature(key, canon, MESSAGES[name])


def tampered(message):
    """Another Subject, in a place that no canonicalisation forgives."""
    return message.replace(b"Report Domain:", b"Report  Omain:")


class DkimInterop(unittest.TestCase):
    longMessage = True

    def check_peer_accepts(self, ask, keys, good, names=tuple(MESSAGES)):
        signed = list(all_signed_by_us(keys, names))
        answers = ask([verify_task(message, records()) for _, message in signed])
        for (label, _), result in zip(signed, answers):
            with self.subTest(signed=label):
                self.assertEqual(result, good)
        # The peer does not say yes to everything.
        bad = ask([verify_task(tampered(message), records()) for _, message in signed[:4]])
        for result in bad:
            self.assertNotEqual(result, good)

    def check_we_accept(self, ask, make_task, keys, names=tuple(MESSAGES)):
        cases = list(itertools.product(keys, CANONS, names))
        answers = ask([make_task(key, canon, MESSAGES[name]) for key, canon, name in cases])
        for case, result in zip(cases, answers):
            with self.subTest(signed=case):
                self.assertFalse(result.startswith("error"), result)
                signed = base64.b64decode(result)
                self.assertEqual(our_verdict(signed), "pass -")
                self.assertEqual(our_verdict(tampered(signed)), "fail signature")
                body = signed.index(b"\r\n\r\n") + 4
                grown = signed[:body] + b"x" + signed[body:]
                self.assertEqual(our_verdict(grown), "fail body-hash")

    def test_we_accept_our_own(self):
        for label, message in all_signed_by_us(ALGORITHMS):
            with self.subTest(signed=label):
                self.assertEqual(our_verdict(message), "pass -")

    @unittest.skipUnless(has_dkimpy(), "needs python3-dkim and python3-nacl")
    def test_dkimpy_accepts_ours(self):
        self.check_peer_accepts(ask_dkimpy, ALGORITHMS, True)

    @unittest.skipUnless(has_dkimpy(), "needs python3-dkim and python3-nacl")
    def test_we_accept_dkimpy(self):
        def task(key, canon, message):
            pem = (KEYS / (key + ".pem")).read_text()
            if key == "ed25519":  # dkimpy wants the seed: the last 32 bytes of PKCS#8
                der = base64.b64decode("".join(pem.splitlines()[1:-1]))
                pem = base64.b64encode(der[-32:]).decode()
            return {"do": "sign", "message": base64.b64encode(message).decode(), "key": pem,
                    "algorithm": ALGORITHMS[key], "domain": DOMAIN, "selector": key,
                    "canon": canon}
        self.check_we_accept(ask_dkimpy, task, ("rsa2048", "ed25519"))

    @unittest.skipUnless(has_mail_dkim(), "needs libmail-dkim-perl and libcryptx-perl")
    def test_mail_dkim_accepts_ours(self):
        # Debian's Mail::DKIM does not know Ed25519.
        self.check_peer_accepts(ask_mail_dkim, RSA_KEYS, "pass", MAIL_DKIM_MESSAGES)

    @unittest.skipUnless(has_mail_dkim(), "needs libmail-dkim-perl and libcryptx-perl")
    def test_we_accept_mail_dkim(self):
        def task(key, canon, message):
            return {"do": "sign", "message": base64.b64encode(message).decode(),
                    "key_file": str(KEYS / (key + ".pem")), "domain": DOMAIN, "selector": key,
                    "canon": canon}
        self.check_we_accept(ask_mail_dkim, task, ("rsa2048",), MAIL_DKIM_MESSAGES)

    @unittest.skipUnless(has_opendkim(), "needs opendkim-tools, unbound, iproute2 and namespaces")
    def test_opendkim_accepts_ours(self):
        signed = list(all_signed_by_us(RSA_KEYS))
        *codes, tampered_code = ask_opendkim(
            [message for _, message in signed] + [tampered(signed[0][1])], records())
        for (label, _), code in zip(signed, codes):
            with self.subTest(signed=label):
                self.assertEqual(code, "0")
        self.assertNotEqual(tampered_code, "0")


if __name__ == "__main__":
    unittest.main()
