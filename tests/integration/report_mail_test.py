# SPDX-License-Identifier: BSD-2-Clause
"""The mail that 'opentlsrpt-reporter send' hands over, byte by byte, against its rules: those
of RFC 8460 section 5.3 and the RFCs it stands on (R109 to R154), and those for its signature (R183
to R192), which three foreign verifiers check as well."""

import calendar
import email
import email.policy
import email.utils
import functools
import gzip
import json
import re
import shutil
import struct
import subprocess
import time
import unittest
import zlib

from dkim_peers import (ask_dkimpy, ask_mail_dkim, ask_opendkim, has_dkimpy, has_mail_dkim,
                        has_opendkim, verify_task)
from report_mail_grammar import (BOUNDARY, DATE, DOT_ATOM, FILENAME, SINGLE, SUBJECT, header_fields,
                                 unfolded, with_second, without_field)
from reporter_support import (DKIM_TOOL, PATIENCE, REPORTED, SOURCE, ReporterCase, datagram)

PLAIN = "rcpt.example"
IDN = "xn--mller-kva.example"
LONG = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 53, "example"])  # 253 octets, the most
RUA = {
    PLAIN: "mailto:tls@rcpt.example?subject=hello&cc=other@rcpt.example",
    IDN: "mailto:tls@m%C3%BCller.example",
    LONG: "mailto:long@rcpt.example",
}
ADDRESSES = {PLAIN: "tls@rcpt.example", IDN: "tls@xn--mller-kva.example",
             LONG: "long@rcpt.example"}


def for_each_mail(test):
    """Runs test(self, domain, message as the server got it, parsed mail) for each of the mails."""
    @functools.wraps(test)
    def run(self):
        for domain, message in self.messages.items():
            mail = email.message_from_bytes(message.data, policy=email.policy.SMTP)
            with self.subTest(domain=domain[:40]):
                self.assertEqual(mail.defects, [])
                test(self, domain, message, mail)
    return run


class ReportMailCase(ReporterCase):
    """Runs with each kind of key; the classes below say which."""

    kind = None  # "rsa" or "ed25519"
    pem = None

    def setUp(self):
        super().setUp()
        self.key.write_bytes((SOURCE / "tests" / "data" / "dkim" / self.pem).read_bytes())
        self.count(*[datagram(domain, rua, failed=True) for domain, rua in RUA.items()])
        before = int(time.time())
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual((done.returncode, len(self.sink.messages)), (0, len(RUA)), done)
        self.sent_between = (before, int(time.time()))
        self.messages = {}
        for message in self.sink.messages:
            mail = email.message_from_bytes(message.data, policy=email.policy.SMTP)
            self.messages[mail["TLS-Report-Domain"]] = message
        self.assertEqual(set(self.messages), set(RUA), "R118, R121: present, and A-labels")

    def attachment(self, mail):
        parts = list(mail.iter_parts())
        self.assertEqual(len(parts), 2, "R116")
        return parts[1]

    def public_key_records(self, service_type="s=tlsrpt:email; "):
        public = subprocess.run([DKIM_TOOL, "pubkey", "--key", self.key], capture_output=True,
                                text=True, check=True, timeout=PATIENCE).stdout.strip()
        # R191, R192: made for reports, and accepted by ordinary filters, too
        return {"s1._domainkey.sender.example":
                f"v=DKIM1; k={self.kind}; {service_type}p={public}"}

    def broken_copies(self):
        """What must not verify: {what was done to it: message}."""
        data = self.messages[PLAIN].data
        body = data.index(b"\r\n\r\n") + 4
        copies = {"body": data[:body] + b"x" + data[body:]}
        for name in ("From", "TLS-Report-Domain", "TLS-Report-Submitter"):
            copies["without " + name] = without_field(data, name)  # R186, R187
            copies["second " + name] = with_second(data, name)  # R189
            copies["changed " + name] = data.replace(
                b"\r\n" + name.encode() + b": ", b"\r\n" + name.encode() + b": x", 1)
        return copies

    def check_verdicts(self, verify, good):
        """verify: list of messages -> list of verdicts. Good mails pass (R183), others do not."""
        originals = {domain: message.data for domain, message in self.messages.items()}
        copies = self.broken_copies()
        self.assertEqual(len(set(copies.values()) | set(originals.values())),
                         len(copies) + len(originals), "each copy is another message")
        verdicts = verify([*originals.values(), *copies.values()])
        for domain, verdict in zip(originals, verdicts):
            self.assertEqual(verdict, good, f"R183: {domain}")
        for what, verdict in zip(copies, verdicts[len(originals):]):
            self.assertNotEqual(verdict, good, f"R186, R187, R189: {what}")


class EachKey:
    """The tests; a mixin, so that they run for the concrete classes only."""

    @for_each_mail
    def test_the_header_has_each_field_once_and_with_the_right_value(self, domain, message, mail):
        names = [name.lower() for name, _ in header_fields(message.data)]
        for name in SINGLE:
            self.assertEqual(names.count(name.lower()), 1, f"R121, R125, R140, R183: {name}")
        for name, value in {
            "To": ADDRESSES[domain],  # R41, R44
            "From": "noreply@sender.example",  # R126
            "TLS-Report-Domain": domain,  # R118, R121
            "TLS-Report-Submitter": "sender.example",  # R119, R120
            "TLS-Required": "No",  # R140
            "Auto-Submitted": "auto-generated",  # R151
            "MIME-Version": "1.0",  # R125
        }.items():
            self.assertEqual(mail.get_all(name), [value], name)
        self.assertNotIn("cc", names, "R41")

    @for_each_mail
    def test_date_and_message_id_are_valid_and_ours(self, _domain, message, mail):
        fields = dict(header_fields(message.data))
        self.assertRegex(unfolded(fields["Date"]), rf"^{DATE}$", "R125")
        date = email.utils.parsedate_to_datetime(mail["Date"])
        self.assertTrue(self.sent_between[0] <= date.timestamp() <= self.sent_between[1],
                        f"R125: {mail['Date']}")
        self.assertRegex(unfolded(fields["Message-ID"]), rf"^<{DOT_ATOM}@sender\.example>$",
                         "R125: an identifier in the own domain")

    def test_each_mail_has_a_message_id_of_its_own(self):
        ids = {dict(header_fields(one.data))["Message-ID"] for one in self.messages.values()}
        self.assertEqual(len(ids), len(self.messages), "R125")

    @for_each_mail
    def test_the_subject_follows_its_grammar_also_where_it_is_folded(self, domain, message, mail):
        raw = dict(header_fields(message.data))["Subject"]
        match = re.fullmatch(SUBJECT, unfolded(raw))
        self.assertIsNotNone(match, f"R122, R123, R124: {raw}")
        self.assertEqual(match["domain"], domain, "R122, R153")
        self.assertEqual(match["submitter"], "sender.example", "R122")
        self.assertEqual(match["right"], "sender.example", "R124")
        self.assertNotRegex(raw, r"\r\n[ \t]+\r\n", "R123: no line of blanks only")
        report = json.loads(gzip.decompress(self.attachment(mail).get_content()))
        self.assertEqual(f"{match['left']}@{match['right']}", report["report-id"], "R124")
        if domain == LONG:
            self.assertIn("\r\n ", raw, "R123: it had to be folded")

    @for_each_mail
    def test_the_structure_is_multipart_report_with_two_parts(self, domain, message, mail):
        content_type = unfolded(dict(header_fields(message.data))["Content-Type"])
        self.assertEqual(mail.get_content_type(), "multipart/report", "R109")
        self.assertRegex(content_type, r'(?i);\s*report-type="?tlsrpt"?(;|$)', "R110")
        boundary = mail.get_param("boundary")
        self.assertRegex(boundary, rf"^{BOUNDARY}$", "R112")
        lines = [line for line in message.data.split(b"\r\n")
                 if line.startswith(b"--" + boundary.encode())]
        self.assertEqual(lines, [b"--" + boundary.encode()] * 2
                         + [b"--" + boundary.encode() + b"--"], "R112, R116")
        text, report = mail.iter_parts()  # R116: exactly two
        self.assertEqual((text.defects, report.defects), ([], []))
        self.assertNotIn(boundary, text.as_string() + report.as_string(), "R112")
        self.assertEqual(text.get_content_type(), "text/plain", "R113")
        for word in (domain, "starttls-not-supported", "Société d’Exemple"):
            self.assertIn(word, text.get_content(), "R113")
        self.assertEqual(report.get_content_type(), "application/tlsrpt+gzip", "R114")
        self.assertEqual(report["Content-Transfer-Encoding"], "base64", "R117")
        self.assertEqual(report.get_content_disposition(), "attachment")

    @for_each_mail
    def test_the_report_is_base64_in_short_lines_of_flawless_gzip(self, _domain, message, mail):
        part = message.data.split(b"\r\n\r\n")[-1]
        lines = part.split(b"\r\n--")[0].split(b"\r\n")
        for line in lines:
            self.assertRegex(line, rb"^[A-Za-z0-9+/]{1,76}={0,2}$", "R117")
            self.assertLessEqual(len(line), 76, "R117")
        packed = self.attachment(mail).get_content()
        self.assertEqual(packed[:3], b"\x1f\x8b\x08", "R132, R133")
        self.assertEqual(packed[3], 0, "R133, R134: no reserved bit, no file name")
        unpacked = gzip.decompress(packed)
        self.assertEqual(struct.unpack("<II", packed[-8:]),
                         (zlib.crc32(unpacked), len(unpacked)), "R133")
        self.assertLess(len(packed), len(unpacked), "R132")
        self.check_gzip_program(packed)

    def check_gzip_program(self, packed):
        if shutil.which("gzip"):
            done = subprocess.run(["gzip", "-t"], input=packed, capture_output=True,
                                  timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stderr), (0, b""), "R133")

    @for_each_mail
    def test_the_file_name_follows_its_grammar_with_the_times_of_the_report(self, domain, _message,
                                                                            mail):
        attachment = self.attachment(mail)
        report = json.loads(gzip.decompress(attachment.get_content()))
        name = attachment.get_filename()
        match = re.fullmatch(FILENAME, name)
        self.assertIsNotNone(match, f"R127, R130: {name}")
        self.assertEqual(match["sender"], report["contact-info"].split("@")[1], "R128")
        self.assertEqual(match["domain"], domain, "R128: A-labels")
        times = [calendar.timegm(time.strptime(report["date-range"][member],
                                               "%Y-%m-%dT%H:%M:%SZ"))
                 for member in ("start-datetime", "end-datetime")]
        self.assertEqual([int(match["begin"]), int(match["end"])], times, "R129")
        self.assertEqual(times[0], calendar.timegm(REPORTED.timetuple()), "R129")
        self.assertTrue(match["unique"], "R130")
        self.assertEqual(match["extension"], "json.gz", "R131")
        self.assertEqual(attachment.get_param("name"), name)

    @for_each_mail
    def test_the_report_is_the_one_that_the_preview_shows(self, domain, _message, mail):
        shown = {one["domain"]: one["report"]
                 for one in self.preview("--day", str(REPORTED))[1]}
        report = json.loads(gzip.decompress(self.attachment(mail).get_content()))
        self.assertEqual(report, shown[domain])
        self.assertEqual(report["contact-info"].split("@")[1], mail["TLS-Report-Submitter"],
                         "R120")

    @for_each_mail
    def test_the_bytes_are_ascii_in_lines_that_end_with_crlf(self, _domain, message, _mail):
        message.data.decode("ascii")  # R153: fails otherwise
        self.assertNotRegex(message.data, rb"[^\t\r\n -~]", "R153: no control characters")
        self.assertNotRegex(message.data, rb"\r(?!\n)|(?<!\r)\n", "R154")
        self.assertTrue(message.data.endswith(b"\r\n"), "R154")
        lines = message.data.split(b"\r\n")
        self.assertLessEqual(max(map(len, lines)), 998, "R154")
        # Nothing that a mail server on the way likes to change.
        self.assertNotRegex(message.data, rb"(?m)^(From |\.)")
        self.assertNotRegex(message.data, rb"[ \t]\r\n")

    @for_each_mail
    def test_the_envelope_is_plain_and_asks_for_nothing_special(self, domain, message, _mail):
        self.assertEqual(message.sender, "bounces@sender.example", "R126")
        self.assertEqual(message.recipient, ADDRESSES[domain], "R153")
        # The server offers REQUIRETLS and SMTPUTF8.
        self.assertRegex(message.mail_line, r"^MAIL FROM:<bounces@sender\.example>"
                         r"( SIZE=[0-9]+| BODY=8BITMIME)*$", "R141, R153")
        for command in self.sink.commands:
            self.assertNotIn("REQUIRETLS", command.upper(), "R141")

    @for_each_mail
    def test_the_signature_has_the_tags_and_fields_it_needs(self, _domain, message, mail):
        raw = dict(header_fields(message.data))["DKIM-Signature"]
        pairs = [tag.strip().split("=", 1) for tag in unfolded(raw).rstrip(";").split(";")]
        tags = {name: re.sub(r"\s", "", value) for name, value in pairs}
        self.assertEqual(len(tags), len(pairs), "R183: no tag twice")
        self.assertEqual((tags["v"], tags["a"], tags["s"]), ("1", f"{self.kind}-sha256", "s1"))
        self.assertEqual(tags["d"], "sender.example", "R185")
        self.assertEqual(tags["d"], mail["TLS-Report-Submitter"], "R185")
        self.assertEqual(tags["d"], mail["From"].addresses[0].domain, "R185")
        self.assertNotIn("l", tags, "R190")
        self.assertNotIn("x", tags, "a report may lie in a queue for long")
        self.assertTrue(self.sent_between[0] <= int(tags["t"]) <= self.sent_between[1])
        signed = tags["h"].lower().split(":")
        for name in ("from", "tls-report-domain", "tls-report-submitter"):
            self.assertEqual(signed.count(name), 2, f"R186, R187, R189: {name}")
        for name in ("to", "subject", "date", "message-id", "mime-version", "content-type",
                     "tls-required", "auto-submitted"):
            self.assertIn(name, signed, f"R188: {name}")
        self.assertNotIn("dkim-signature", signed)

    @unittest.skipUnless(has_dkimpy(), "needs python3-dkim and python3-nacl")
    def test_dkimpy_agrees(self):
        # dkimpy takes the list in s= for one word, which it does not know.
        records = self.public_key_records(service_type="")
        self.check_verdicts(
            lambda messages: ask_dkimpy([verify_task(one, records) for one in messages]), True)

    def test_our_own_verifier_agrees(self):
        ((name, text),) = self.public_key_records().items()

        def verdict(message):
            return subprocess.run(
                [DKIM_TOOL, "verify", "--txt", f"{name}={text}", "--aligned", "sender.example",
                 "--time", str(int(time.time()))], input=message, capture_output=True, check=True,
                timeout=PATIENCE).stdout.split()[0]
        self.check_verdicts(lambda messages: [verdict(one) for one in messages], b"pass")


class RsaReportMail(EachKey, ReportMailCase):
    kind = "rsa"
    pem = "rsa2048.pem"

    @unittest.skipUnless(has_mail_dkim(), "needs libmail-dkim-perl and libcryptx-perl")
    def test_mail_dkim_agrees(self):
        records = self.public_key_records()
        self.check_verdicts(
            lambda messages: ask_mail_dkim([verify_task(one, records) for one in messages]), "pass")

    @unittest.skipUnless(has_opendkim(), "needs opendkim-tools, unbound, iproute2 and namespaces")
    def test_opendkim_agrees(self):
        records = self.public_key_records()
        self.check_verdicts(lambda messages: ask_opendkim(messages, records), "0")


class Ed25519ReportMail(EachKey, ReportMailCase):
    """Debian's Mail::DKIM and OpenDKIM do not know this algorithm."""

    kind = "ed25519"
    pem = "ed25519.pem"


class Identity(ReporterCase):
    def test_without_more_settings_all_addresses_are_in_the_domain_of_contact_info(self):
        self.configure(ReportFrom=None, EnvelopeSender=None)
        self.count(datagram(PLAIN))
        self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 0)
        (message,) = self.sink.messages
        mail = email.message_from_bytes(message.data, policy=email.policy.SMTP)
        for address in (message.sender, mail["From"].addresses[0].addr_spec):
            self.assertEqual(address.split("@")[1], "sender.example", "R126")

    def test_another_domain_in_from_or_no_key_is_refused_at_the_start(self):
        for changes, key in (({"ReportFrom": "noreply@other.example"}, "ReportFrom"),  # R120, R185
                             ({"KeyFile": None}, "KeyFile")):  # R184
            self.configure(**changes)
            done = self.run_reporter("-n")
            self.assertEqual(done.returncode, 78, "R120, R184, R185")
            self.assertIn(key, done.stderr)


if __name__ == "__main__":
    unittest.main()
