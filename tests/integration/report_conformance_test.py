# SPDX-License-Identifier: BSD-2-Clause
"""Every report that recorded sessions of real MTAs lead to, as a stranger sees it: sums made from
the raw datagrams by the test itself, a strict JSON Schema, Python's e-mail package, three foreign
DKIM verifiers, and the project's own receiving half."""

import datetime
import email
import email.policy
import gzip
import ipaddress
import json
import re
import shutil
import subprocess
import time
import unittest

from dkim_peers import (ask_dkimpy, ask_mail_dkim, ask_opendkim, has_dkimpy, has_mail_dkim,
                        has_opendkim, verify_task)
from outcome_sums import expected_reports, shown_report
from report_mail_grammar import (FILENAME, SINGLE, SUBJECT, header_fields, unfolded, with_second,
                                 without_field)
from report_schema import has_jsonschema, schema_errors, strict_json
from reporter_support import (BUILD, DKIM_TOOL, OUTCOME_TOOL, PATIENCE, REPORTED, SOURCE,
                              ReporterCase)
from unbound_server import UnboundServer

REPORTS = BUILD / "milter" / "opentlsrpt-reports"
RECORDED = SOURCE / "tests" / "data" / "datagrams"
MORE_RECORDED = SOURCE / ".." / "shared" / "corpus" / "datagrams"  # may be absent
SUBMITTER = "sender.example"
KEYS = {"s1": "rsa2048", "s2": "ed25519"}
TLS_REPORT = ("TLS-Report-Domain", "TLS-Report-Submitter")
# Made by hand: an MTA that never heard of the policy's text.
WITHOUT_POLICY_STRING = {"hand-minimal.plain.test", "hand-fetch-may.plain.test"}


def recorded(folder, known=()):
    """The datagrams of a folder, without those that are known."""
    lines = [line for path in sorted(folder.glob("*.json"))
             for line in path.read_bytes().split(b"\n") if line]
    return [line for line in lines if line not in known]


def addresses(datagrams):
    """domain -> where the record that was seen last sends its reports by mail, as far as SMTP can
    reach it: a local part has at most 64 octets (RFC 5321 section 4.5.3.1.1)."""
    records = {}
    for datagram in map(json.loads, datagrams):
        if datagram.get("pr"):
            records[datagram["d"].lower()] = datagram["pr"]
    found = {domain: re.findall(r"mailto:([^@,;\s]{1,64}@[^,;\s]+)", text)
             for domain, text in records.items()}
    return {domain: list(dict.fromkeys(one)) for domain, one in found.items()}


def key_records():
    """The keys in DNS, as R191 and R192 recommend."""
    records = {}
    for selector, key in KEYS.items():
        public = subprocess.run(
            [DKIM_TOOL, "pubkey", "--key", SOURCE / "tests" / "data" / "dkim" / f"{key}.pem"],
            capture_output=True, text=True, check=True, timeout=PATIENCE).stdout.strip()
        kind = "rsa" if key.startswith("rsa") else key
        records[f"{selector}._domainkey.{SUBMITTER}"] = (
            f"v=DKIM1; k={kind}; s=tlsrpt:email; p={public}")
    return records


def signatures(data):
    """The raw DKIM-Signature fields by selector."""
    fields = [field for name, field in header_fields(data) if name == "DKIM-Signature"]
    return {re.search(r"[ ;]s=([^;\s]+)", unfolded(field))[1]: field for field in fields}


def signed_by(data, selector):
    """The message with that signature only; a signature does not cover the others."""
    for other, field in signatures(data).items():
        if other != selector:
            data = data.replace(field.encode(), b"", 1)
    return data


def broken_copies(data):
    """What may not verify (R187, R189): {what was done to it: message}."""
    copies = {}
    for name in TLS_REPORT:
        copies["without " + name] = without_field(data, name)
        copies["second " + name] = with_second(data, name)
    return copies


class House(ReporterCase):
    """A reporter with two keys, and what recorded datagrams make of its store."""

    def setUp(self):
        super().setUp()
        files = []
        for key in KEYS.values():
            files.append(self.folder / f"{key}.pem")
            files[-1].write_bytes((SOURCE / "tests" / "data" / "dkim" / f"{key}.pem").read_bytes())
            files[-1].chmod(0o600)
        self.configure(KeyFile=", ".join(map(str, files)), Selector=", ".join(KEYS))

    def count_raw(self, datagrams, day=REPORTED):
        subprocess.run([OUTCOME_TOOL, self.database, str(day)], input=b"\n".join(datagrams) + b"\n",
                       check=True, timeout=PATIENCE)


class Conformance:
    """The tests; a mixin, so that they run for the concrete classes only."""

    @classmethod
    def setUpClass(cls):
        cls.datagrams = cls.recordings()
        if not cls.datagrams:
            raise unittest.SkipTest("no recordings, or none but those in tests/data")
        cls.house = House()
        cls.house.setUp()
        cls.addClassCleanup(cls.house.doCleanups)
        cls.house.count_raw(cls.datagrams)
        cls.sent = cls.house.run_reporter("send", "--day", str(REPORTED))
        cls.messages = cls.house.sink.messages
        cls.mails = [email.message_from_bytes(one.data, policy=email.policy.SMTP)
                     for one in cls.messages]
        cls.packed = [list(mail.iter_parts())[1].get_content() for mail in cls.mails]
        cls.records = key_records()

    def each(self):
        """(domain, message as the server got it, parsed mail, report) of each mail."""
        for message, mail, packed in zip(self.messages, self.mails, self.packed):
            with self.subTest(domain=mail["TLS-Report-Domain"], to=message.recipient):
                yield mail["TLS-Report-Domain"], message, mail, strict_json(gzip.decompress(packed))

    def test_each_domain_gets_one_mail_for_each_address_of_its_record(self):
        # R86: also where nothing failed; R87: only where something was counted.
        wanted = sorted((domain, one) for domain, several in addresses(self.datagrams).items()
                        for one in several)
        self.assertEqual(sorted((mail["TLS-Report-Domain"], message.recipient)
                                for mail, message in zip(self.mails, self.messages)), wanted,
                         self.sent)

    def test_the_reports_hold_exactly_the_sums_of_the_datagrams(self):
        expected = expected_reports(self.datagrams)
        for domain, _message, _mail, report in self.each():
            self.assertEqual(shown_report(report), expected[domain])  # R84, R85
            # R55: built on another day than the one it is about
            self.assertEqual(report["date-range"], {"start-datetime": f"{REPORTED}T00:00:00Z",
                                                    "end-datetime": f"{REPORTED}T23:59:59Z"})

    @unittest.skipUnless(has_jsonschema(), "needs python3-jsonschema")
    def test_the_reports_follow_the_strict_schema(self):
        for domain, _message, _mail, report in self.each():
            errors = schema_errors(report)
            if domain in WITHOUT_POLICY_STRING:
                self.assertEqual([error.split(":")[0] for error in errors], ["policies/0"])
                self.assertIn("'policy-type': 'sts'", errors[0])
                report["policies"][0]["policy"]["policy-string"] = ["version: STSv1"]
                errors = schema_errors(report)
            self.assertEqual(errors, [])

    def test_what_a_schema_cannot_say_holds_as_well(self):
        for _domain, _message, _mail, report in self.each():
            policies = [json.dumps(one["policy"], sort_keys=True) for one in report["policies"]]
            self.assertEqual(len(set(policies)), len(policies), "R104, R105: once each")
            for entry in report["policies"]:
                failed = entry["summary"]["total-failure-session-count"]
                for detail in entry.get("failure-details", []):
                    self.assertLessEqual(detail["failed-session-count"], failed)
                    for member in ("sending-mta-ip", "receiving-ip"):
                        if member in detail:  # R92
                            self.assertEqual(str(ipaddress.ip_address(detail[member])),
                                             detail[member])
                self.assertEqual(entry["policy"].get("mx-host"),
                                 sorted(entry["policy"].get("mx-host", [])) or None)
            # R107: nobody's address but the reporter's
            self.assertEqual(json.dumps(report).count("@"), 2)

    def test_the_mails_are_what_the_mail_rfcs_and_section_5_3_want(self):
        ids = set()
        for domain, message, mail, report in self.each():
            names = [name.lower() for name, _ in header_fields(message.data)]
            fields = dict(header_fields(message.data))
            for name in SINGLE:
                times = len(KEYS) if name == "DKIM-Signature" else 1
                self.assertEqual(names.count(name.lower()), times, name)
            self.check_header(domain, fields, mail, report)
            self.check_parts(domain, mail, report)
            self.assertNotRegex(message.data, rb"[^\t\r\n -~]", "R153")
            self.assertNotRegex(message.data, rb"\r(?!\n)|(?<!\r)\n", "R154")
            self.assertLessEqual(max(map(len, message.data.split(b"\r\n"))), 998, "R154")
            ids.add(fields["Message-ID"])
        self.assertEqual(len(ids), len(self.messages), "R125: a Message-ID of its own")

    def check_header(self, domain, fields, mail, report):
        self.assertEqual(mail.defects, [])
        subject = re.fullmatch(SUBJECT, unfolded(fields["Subject"]))
        self.assertIsNotNone(subject, fields["Subject"])  # R122-R124
        self.assertEqual(subject["domain"], domain)
        self.assertEqual(subject["submitter"], SUBMITTER)
        self.assertEqual(f"{subject['left']}@{subject['right']}", report["report-id"])
        self.assertEqual(mail["TLS-Report-Submitter"], SUBMITTER)  # R119, R120
        self.assertEqual(report["contact-info"].split("@")[1], SUBMITTER)
        self.assertEqual(mail["From"].addresses[0].domain, SUBMITTER)  # R126
        self.assertEqual((mail["TLS-Required"], mail["Auto-Submitted"]), ("No", "auto-generated"))

    def check_parts(self, domain, mail, report):
        self.assertEqual(mail.get_content_type(), "multipart/report")  # R109
        self.assertEqual(mail.get_param("report-type"), "tlsrpt")  # R110
        text, packed = mail.iter_parts()  # R116
        self.assertEqual((text.defects, packed.defects), ([], []))
        self.assertEqual(text.get_content_type(), "text/plain")  # R113
        self.check_text(domain, text.get_content(), report)
        self.assertEqual(packed.get_content_type(), "application/tlsrpt+gzip")  # R114
        name = re.fullmatch(FILENAME, packed.get_filename())
        self.assertIsNotNone(name, packed.get_filename())  # R127-R131
        self.assertEqual((name["sender"], name["domain"], name["extension"]),
                         (SUBMITTER, domain, "json.gz"))
        midnight = int(datetime.datetime.combine(REPORTED, datetime.time(),
                                                 datetime.timezone.utc).timestamp())
        self.assertEqual((int(name["begin"]), int(name["end"])), (midnight, midnight + 86399))

    def check_text(self, domain, text, report):
        self.assertIn(f"_smtp._tls.{domain}", text)
        self.assertIn(report["contact-info"], text)
        self.assertIn(REPORTED.strftime("%d"), text)
        for entry in report["policies"]:
            self.assertIn(entry["policy"]["policy-domain"], text)
            for detail in entry.get("failure-details", []):
                self.assertIn(detail["result-type"], text)

    def test_the_envelope_asks_for_no_tls_and_is_in_the_reporting_domain(self):
        for _domain, message, _mail, _report in self.each():
            self.assertEqual(message.sender, f"bounces@{SUBMITTER}")
            self.assertNotIn("REQUIRETLS", message.mail_line.upper(), "R141")  # it was offered

    def test_both_signatures_name_what_they_must_and_limit_nothing(self):
        for _domain, message, _mail, _report in self.each():
            found = signatures(message.data)
            self.assertEqual(set(found), set(KEYS))
            for selector, field in found.items():
                tags = dict(re.findall(r"([a-z]+)=([^;]*)", re.sub(r"\s", "", unfolded(field))))
                kind = "rsa" if KEYS[selector].startswith("rsa") else KEYS[selector]
                self.assertEqual((tags["a"], tags["d"]), (f"{kind}-sha256", SUBMITTER))  # R185
                self.assertNotIn("l", tags, "R190")
                signed = tags["h"].lower().split(":")
                for name in ("from", *map(str.lower, TLS_REPORT)):
                    self.assertEqual(signed.count(name), 2, "R186, R187, R189")

    def check_verdicts(self, ask, selectors, good):
        """ask: list of (message, selector) -> list of verdicts."""
        asked = [(one.data, selector) for one in self.messages for selector in selectors]
        broken = [(copy, selector) for copy in broken_copies(self.messages[0].data).values()
                  for selector in selectors]
        verdicts = ask([*asked, *broken])
        for (data, selector), verdict in zip(asked, verdicts):
            self.assertEqual(verdict, good, (selector, data[:3000]))  # R183
        for (data, selector), verdict in zip(broken, verdicts[len(asked):]):
            self.assertNotEqual(verdict, good, (selector, data[:3000]))

    @unittest.skipUnless(has_dkimpy(), "needs python3-dkim and python3-nacl")
    def test_dkimpy_verifies_both_signatures(self):
        # dkimpy takes the list in s= for one word, which it does not know.
        records = {name: text.replace("s=tlsrpt:email; ", "")
                   for name, text in self.records.items()}
        self.check_verdicts(
            lambda asked: ask_dkimpy(
                [verify_task(data, records, [*signatures(data)].index(selector))
                 for data, selector in asked]), KEYS, True)

    # Debian's Mail::DKIM and OpenDKIM do not know Ed25519; a signature of it may not confuse them.

    @unittest.skipUnless(has_mail_dkim(), "needs libmail-dkim-perl and libcryptx-perl")
    def test_mail_dkim_verifies_the_rsa_signature(self):
        for only in (True, False):
            self.check_verdicts(
                lambda asked, only=only: ask_mail_dkim(
                    [verify_task(signed_by(data, selector) if only else data, self.records)
                     for data, selector in asked]), ["s1"], "pass")

    @unittest.skipUnless(has_opendkim(), "needs opendkim-tools, unbound, iproute2 and namespaces")
    def test_opendkim_verifies_the_rsa_signature(self):
        self.check_verdicts(
            lambda asked: ask_opendkim([signed_by(data, selector) for data, selector in asked],
                                       self.records), ["s1"], "0")

    def test_our_own_verifier_accepts_each_signature_alone(self):
        texts = [word for name, text in self.records.items() for word in ("--txt", f"{name}={text}")]

        def verdict(data):
            return subprocess.run(
                [DKIM_TOOL, "verify", *texts, "--aligned", SUBMITTER, "--time",
                 str(int(time.time()))], input=data, capture_output=True, check=True,
                timeout=PATIENCE).stdout.split()[0]
        self.check_verdicts(lambda asked: [verdict(signed_by(*one)) for one in asked], KEYS,
                            b"pass")

    @unittest.skipIf(UnboundServer.missing(), "missing: " + UnboundServer.missing())
    def test_our_receiving_half_accepts_the_mails_with_the_same_counts(self):
        folder = self.house.folder / "mails"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for number, message in enumerate(self.messages):
            (folder / f"{number:04}.eml").write_bytes(message.data)
        strings = {name.split(".")[0]: " ".join(f'"{text[i:i + 200]}"'
                                                for i in range(0, len(text), 200))
                   for name, text in self.records.items()}
        zone = "".join(f"{name}._domainkey TXT ( {text} )\n" for name, text in strings.items())
        conf = self.house.folder / "receiver.conf"
        with UnboundServer({SUBMITTER: zone}) as dns:
            conf.write_text(f"Database sqlite:{folder}\nNameserver {dns.address}\n")
            done = subprocess.run([REPORTS, "-c", conf, "import", "--require-dkim",
                                   *sorted(folder.glob("*.eml"))],
                                  capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), len(self.messages))
        shown = {line["report"]["report-id"]: line for line in lines}
        for domain, _message, _mail, report in self.each():
            line = shown[report["report-id"]]
            odd = domain == "hand-otherdomain.plain.test"  # made up: the policy of another domain
            self.assertEqual((line["verdict"], line["flags"]),
                             ("accepted", ["domain-mismatch", "filename-mismatch"] if odd else []))
            self.assertEqual(line["report"], report)

    def test_the_order_of_the_sessions_leaves_no_trace(self):
        other = House()
        other.setUp()
        self.addCleanup(other.doCleanups)
        for datagram in (self.datagrams[-1], self.datagrams[0]):  # sessions of a day before
            other.count_raw([datagram], REPORTED - datetime.timedelta(days=1))
        other.count_raw(list(reversed(self.datagrams)))
        self.assertEqual(other.preview("--day", str(REPORTED))[1],
                         self.house.preview("--day", str(REPORTED))[1])


class OwnRecordings(Conformance, unittest.TestCase):
    @staticmethod
    def recordings():
        return recorded(RECORDED)


class FurtherRecordings(Conformance, unittest.TestCase):
    """What a corpus beside the source folder has besides."""

    @staticmethod
    def recordings():
        return recorded(MORE_RECORDED, known=set(recorded(RECORDED)))


if __name__ == "__main__":
    unittest.main()
