#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reports as a person uses it: the real program on real files."""
import base64
import gzip
import io
import json
import mailbox
import os
import shutil
import subprocess
import tempfile
import unittest
import zipfile

from unbound_server import UnboundServer

BUILD = os.environ["OPENTLSRPT_BUILD"]
PROGRAM = os.path.join(BUILD, "milter", "opentlsrpt-reports")
DKIM_TOOL = os.path.join(BUILD, "tests", "dkim_tool")
DKIM_KEY = os.path.join(os.environ["OPENTLSRPT_SOURCE"], "tests", "data", "dkim", "ed25519.pem")


def report(number=1, domain="x.example", failed=0, organization="Sender Ltd", **changes):
    value = {
        "organization-name": organization,
        "date-range": {"start-datetime": "2026-03-01T00:00:00Z",
                       "end-datetime": "2026-03-01T23:59:59Z"},
        "contact-info": "tlsrpt@sender.example",
        "report-id": "id-%d" % number,
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": domain},
            "summary": {"total-successful-session-count": 1000,
                        "total-failure-session-count": failed}}],
    }
    if failed:
        value["policies"][0]["failure-details"] = [
            {"result-type": "certificate-expired", "failed-session-count": failed,
             "receiving-mx-hostname": "mx.x.example"}]
    value.update(changes)
    return value


def packed(value):
    return gzip.compress(json.dumps(value).encode())


def mail(value, subject="Report Domain: x.example"):
    body = base64.encodebytes(packed(value)).decode().replace("\n", "\r\n")
    return ("From: tlsrpt@sender.example\r\n"
            "To: rua@x.example\r\n"
            "Subject: %s\r\n"
            "TLS-Report-Domain: x.example\r\n"
            "TLS-Report-Submitter: sender.example\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"b\"\r\n"
            "\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
            "--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n%s--b--\r\n" % (subject, body)).encode()


def zipped(value):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", json.dumps(value))
    return buffer.getvalue()


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.database = os.path.join(self.folder, "db")
        os.mkdir(self.database)
        self.config = self.write("test.conf", b"Nameserver 127.0.0.1:9\nDNSTimeout 1s\n")

    def write(self, name, content):
        path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
        with open(path, "wb") as file:
            file.write(content)
        return os.fsdecode(path)

    def run_program(self, *arguments, stdin=b"", expect=0):
        command = [PROGRAM, "-c", self.config, "--database", "sqlite:" + self.database]
        done = subprocess.run(command + list(arguments), input=stdin, capture_output=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, expect,
                         "%s\n%s%s" % (arguments, done.stdout[:2000], done.stderr[:2000]))
        self.errors = done.stderr.decode()
        return done.stdout.decode("utf-8")  # fails if the output is not UTF-8

    def lines(self, *arguments, **options):
        return [json.loads(line) for line in self.run_program(*arguments, **options).splitlines()]

    def test_import_needs_a_resolver_for_mails_only(self):
        self.config = self.write("no-dns.conf", b"Nameserver not-an-address\n")
        bare = self.write("a.json", json.dumps(report(1)).encode())
        self.assertEqual(self.lines("import", bare)[0]["stored"], "new")
        self.assertEqual(self.run_program("import", self.write("a.eml", mail(report(2))),
                                          expect=78), "")
        self.assertIn("not-an-address", self.errors)

    def test_nothing_that_strangers_write_reaches_the_terminal_raw(self):
        texts = ["\x1b[31mred\x1b]0;title\x07", "\u202eevil\u2066", "A" * 4096, "a\tb\nc\rd",
                 "\u20ac" * 4096, "\x00nul", "\x9b31m\x85\u2028\ufeff\u200b\U000e0041"]
        for number, text in enumerate(texts):
            value = report(number, failed=1, organization=text, **{"contact-info": text})
            value["policies"][0]["policy"].update({"policy-type": text, "policy-string": [text],
                                                   "mx-host": [text]})
            detail = value["policies"][0]["failure-details"][0]
            for name in ("result-type", "sending-mta-ip", "receiving-mx-hostname",
                         "receiving-mx-helo", "receiving-ip", "additional-information",
                         "failure-reason-code"):
                detail[name] = text
            self.write("%d.json" % number, json.dumps(value).encode())
        imported = [self.run_program("import", os.path.join(self.folder, "%d.json" % number))
                    for number in range(len(texts))]
        views = [("list",), ("list", "--json"), ("list", "--failures"), ("list", "--rejected"),
                 ("summary", "--since", "2026-01-01"),
                 ("summary", "--since", "2026-01-01", "--json")]
        views += [("show", str(number + 1)) for number in range(len(texts))]
        for text in imported + [self.run_program(*view) for view in views]:
            raw = {hex(ord(c)) for c in text if c != "\n" and (
                ord(c) < 32 or 0x7f <= ord(c) <= 0x9f or c in "\u202e\u2066\u2028\ufeff\u200b"
                or ord(c) == 0xe0041)}
            self.assertEqual(raw, set(), text[:200])

    def test_parse_reads_files_of_every_kind(self):
        kinds = {
            "a.json": json.dumps(report()).encode(),
            "a.json.gz": packed(report()),
            "a.eml": mail(report()),
            "a.zip": zipped(report()),
            "no-suffix": packed(report()),
        }
        for name, content in kinds.items():
            with self.subTest(name):
                path = self.write(name, content)
                (line,) = self.lines("parse", path)
                self.assertEqual(line["input"], path)
                self.assertEqual(line["verdict"], "accepted")
                self.assertEqual(line["report"], report())
                self.assertNotIn("reason", line)
                (line,) = self.lines("parse", "-", stdin=content)
                self.assertEqual(line["input"], "-")
                self.assertEqual(line["report"], report())
        self.assertFalse(os.listdir(self.database), "parse touches no store")

    def test_parse_reads_mbox_maildir_and_folder(self):
        path = os.path.join(self.folder, "mbox")
        box = mailbox.mbox(path)
        for number in (1, 2):
            box.add(mail(report(number)))
        box.close()
        self.assertEqual([line["report"]["report-id"] for line in self.lines("parse", path)],
                         ["id-1", "id-2"])

        maildir = mailbox.Maildir(os.path.join(self.folder, "Maildir"))
        for number in (3, 4):
            maildir.add(mail(report(number)))
        found = self.lines("parse", os.path.join(self.folder, "Maildir"))
        self.assertEqual({line["report"]["report-id"] for line in found}, {"id-3", "id-4"})

        plain = os.path.join(self.folder, "plain")
        os.mkdir(plain)
        self.write("plain/b.json", json.dumps(report(6)).encode())
        self.write("plain/a.json.gz", packed(report(5)))
        self.assertEqual([line["report"]["report-id"] for line in self.lines("parse", plain)],
                         ["id-5", "id-6"])

    def test_exit_codes_tell_what_happened(self):
        good = self.write("good.json", json.dumps(report()).encode())
        bad = self.write("bad.json", b"no report")
        (line,) = self.lines("parse", bad, expect=1)
        self.assertEqual(line["verdict"], "rejected")
        self.assertRegex(line["reason"], r"^[a-z-]+$")
        self.assertNotIn("report", line)
        self.assertEqual(len(self.lines("parse", bad, good, expect=1)), 2)
        missing = os.path.join(self.folder, "missing")
        self.assertEqual(len(self.lines("parse", missing, good, expect=66)), 1)
        self.assertIn("missing", self.errors)
        self.run_program("frobnicate", expect=64)
        self.run_program("parse", expect=64)
        self.config = self.write("bad.conf", b"Nonsense yes\n")
        self.run_program("parse", good, expect=78)
        self.assertIn("bad.conf:1", self.errors)

    def test_a_file_over_the_limit_is_refused_and_the_others_go_on(self):
        self.config = self.write("small.conf", b"MaximumMessageSize 64K\n")
        large = self.write("large.json", b" " * 70000 + json.dumps(report()).encode())
        good = self.write("good.json", json.dumps(report()).encode())
        first, second = self.lines("parse", large, good, expect=1)
        self.assertEqual(first["reason"], "too-large")
        self.assertEqual(second["verdict"], "accepted")

    def test_names_with_odd_bytes_stay_valid_json(self):
        path = self.write(b"a\xff\x1b\n\".json", json.dumps(report()).encode())
        (line,) = self.lines("parse", path)
        self.assertTrue(line["input"].endswith("a\\xff\x1b\n\".json"))

    def test_import_twice_gives_new_then_duplicate(self):
        files = [self.write("a.json", json.dumps(report(1)).encode()),
                 self.write("b.eml", mail(report(2))),
                 self.write("both.json", json.dumps([report(3), report(1)]).encode())]
        stored = [line["stored"] for line in self.lines("import", *files)]
        self.assertEqual(stored, ["new", "new", "new", "duplicate"])
        again = self.lines("import", *files)
        self.assertEqual([line["stored"] for line in again], ["duplicate"] * 4)
        self.assertEqual(again[0]["id"], again[3]["id"])
        self.assertEqual(len(self.lines("list", "--json")), 3)
        self.assertEqual({line["dkim"] for line in again}, {"none"})

    @unittest.skipIf(UnboundServer.missing(), "needs unbound")
    def test_a_signed_mail_takes_the_place_of_an_unauthentic_copy(self):
        public_key = subprocess.check_output([DKIM_TOOL, "pubkey", "--key", DKIM_KEY], text=True)
        signed = subprocess.check_output(
            [DKIM_TOOL, "sign", "--key", DKIM_KEY, "--domain", "sender.example",
             "--selector", "s1"], input=mail(report(failed=1)))
        zone = 's1._domainkey TXT "v=DKIM1; k=ed25519; s=tlsrpt; p=%s"' % public_key.strip()
        with UnboundServer({"sender.example": zone}) as dns:
            self.config = self.write("dns.conf", b"Nameserver %s\n" % dns.address.encode())
            copy = self.write("a.json", json.dumps(report()).encode())
            (line,) = self.lines("import", copy)
            self.assertEqual((line["stored"], line["dkim"]), ("new", "none"))
            (line,) = self.lines("import", self.write("b.eml", signed))
            self.assertEqual((line["stored"], line["dkim"]), ("duplicate", "pass"))
            broken = self.write("c.eml", signed.replace(b"Domain: x", b"Domain: y"))
            (line,) = self.lines("import", broken)
            self.assertEqual((line["stored"], line["dkim"]), ("duplicate", "fail"))
            # R250: the signature of who forwards says nothing about what is forwarded.
            forwarded = subprocess.check_output(
                [DKIM_TOOL, "sign", "--key", DKIM_KEY, "--domain", "sender.example",
                 "--selector", "s1"],
                input=b"From: a@sender.example\r\nSubject: Fwd\r\nMIME-Version: 1.0\r\n"
                      b"Content-Type: message/rfc822\r\n\r\n" + mail(report(2)))
            (line,) = self.lines("import", self.write("d.eml", forwarded))
            self.assertEqual((line["stored"], line["dkim"]), ("new", "none"))
            self.assertIn("forwarded-message", line["flags"])
        listed = self.lines("list", "--json")[-1]
        self.assertEqual(listed["dkim"], "pass")
        self.assertEqual(listed["report"], report(failed=1))
        self.assertRegex(self.run_program("summary", "--since", "2026-03-01"),
                         r"sender.example .* pass 1, none 1")
        self.assertIn("pass d=sender.example", self.run_program("show", str(listed["id"])))

    def test_refused_mails_are_listed_whole_and_only_by_what_is_known_of_them(self):
        names = [self.write(f"{number}.eml", mail({"a": number})) for number in range(60)]
        self.lines("import", "--record-refused", *names, expect=1)
        listed = self.run_program("list", "--rejected")
        self.assertEqual(len(listed.splitlines()), 1 + 50 + 1)
        self.assertIn("There may be more", listed)
        self.assertNotIn("There may be more",
                         self.run_program("list", "--rejected", "--limit", "0"))
        for option in (["--domain", "x.example"], ["--type", "x"], ["--failures"],
                       ["--quarantined"]):
            self.run_program("list", "--rejected", *option, expect=64)

    def test_policy_domains_that_are_none_stop_every_command(self):
        self.config = self.write("bad.conf", b"PolicyDomains example.org, exam ple.org\n")
        for command in (["list"], ["summary"], ["serve", "--check"],
                        ["import", self.write("a.json", json.dumps(report()).encode())]):
            self.assertEqual(self.run_program(*command, expect=78), "")

    def test_refused_inputs_are_not_imported(self):
        bad = self.write("bad.json", b"{}")
        (line,) = self.lines("import", bad, expect=1)
        self.assertNotIn("stored", line)
        self.assertIn("No stored report", self.run_program("list"))
        self.assertIn("No refused mail", self.run_program("list", "--rejected"))

    def test_list_show_and_summary(self):
        files = [self.write("a.json", json.dumps(report(1)).encode()),
                 self.write("b.json", json.dumps(report(2, failed=3)).encode()),
                 self.write("c.json", json.dumps(report(3, domain="y.example")).encode())]
        self.lines("import", *files)
        listed = self.run_program("list")
        self.assertEqual(len(listed.splitlines()), 4)
        self.assertIn("sts 1,003/3", listed)
        self.assertIn("2026-03-01", listed)
        self.assertEqual(len(self.lines("list", "--json", "--domain", "Y.example")), 1)
        self.assertEqual(len(self.lines("list", "--json", "--limit", "2")), 2)
        self.assertEqual(len(self.lines("list", "--json", "--until", "2026-02-28")), 0)
        self.assertEqual(len(self.lines("list", "--json", "--since", "2026-03-01",
                                        "--until", "2026-03-01")), 3)
        (failing,) = self.lines("list", "--json", "--failures")
        self.assertEqual(failing["report"]["report-id"], "id-2")

        shown = self.run_program("show", str(failing["id"]))
        self.assertIn("3 sessions: certificate-expired", shown)
        self.assertIn("mx.x.example", shown)
        self.assertEqual(json.loads(self.run_program("show", "--raw", str(failing["id"]))),
                         report(2, failed=3))
        self.run_program("show", "4711", expect=66)

        text = self.run_program("summary", "--since", "2026-03-01")
        self.assertIn("FAILURES under sts: 3 of 3,003 sessions failed", text)
        for expected in ("certificate-expired", "x.example", "y.example", "sender.example",
                         "Sender Ltd", "100 %", "99.85 %", "none"):
            self.assertIn(expected, text)
        self.assertLess(text.index("certificate-expired"), text.index("DOMAINS"))
        numbers = json.loads(self.run_program("summary", "--since", "2026-03-01", "--json"))
        self.assertEqual(numbers["reports"], 3)
        self.assertEqual(numbers["failures"][0]["sessions"], 3)
        self.assertIn("newest stored report ends 2026-03-01", self.run_program("summary"))

    def test_views_without_a_database_say_what_to_do(self):
        for command in (["list"], ["summary"], ["show", "1"]):
            self.run_program(*command, expect=66)
            self.assertIn("import", self.errors)
        self.assertFalse(os.listdir(self.database))

    def test_an_empty_database_gives_a_helpful_summary(self):
        self.lines("import", self.write("bad.json", b"{}"), expect=1)
        self.assertIn("_smtp._tls", self.run_program("summary"))

    def test_hostile_strings_are_escaped_everywhere(self):
        evil = "\x1b]0;owned\x07\r\n\u202e\u009b31m"
        value = report(1, failed=2, organization=evil)
        value["report-id"] = evil
        value["contact-info"] = evil
        value["policies"][0]["policy"]["policy-string"] = [evil]
        details = value["policies"][0]["failure-details"][0]
        for member in ("result-type", "receiving-mx-hostname", "receiving-mx-helo",
                       "receiving-ip", "sending-mta-ip", "failure-reason-code",
                       "additional-information"):
            details[member] = evil
        (line,) = self.lines("import", self.write("evil.json", json.dumps(value).encode()))
        for command in (["list"], ["show", str(line["id"])],
                        ["summary", "--since", "2026-03-01"]):
            with self.subTest(command):
                text = self.run_program(*command)
                for bad in "\x1b\x07\r\u202e\u009b":
                    self.assertNotIn(bad, text)
                self.assertIn("\\x1b", text)

    def test_a_thousand_files(self):
        folder = os.path.join(self.folder, "many")
        os.mkdir(folder)
        for number in range(1000):
            self.write("many/%04d.json.gz" % number, packed(report(number)))
        found = self.lines("import", folder)
        self.assertEqual(len(found), 1000)
        self.assertEqual({line["stored"] for line in found}, {"new"})
        self.assertEqual(self.errors, "", "no progress where there is no terminal")
        self.assertEqual(len(self.lines("list", "--json", "--limit", "0")), 1000)
        self.assertIn("1,000,000", self.run_program("summary", "--since", "2026-03-01"))


if __name__ == "__main__":
    unittest.main()
