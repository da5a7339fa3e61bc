# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reporter against a real SMTP server over loopback: what arrives, and what becomes of
it when the server has other plans."""

import datetime
import email
import email.policy
import email.utils
import gzip
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
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
        rows = self.query("SELECT state FROM delivery ORDER BY domain, destination")
        return [row[0] for row in rows]

    def preview(self, *arguments):
        done = self.run_reporter("preview", *arguments)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                self.fail("waited in vain for " + what)
            time.sleep(0.05)

    def start_daemon(self):
        log = open(self.folder / "daemon.log", "ab")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([REPORTER, "-f", "-c", self.conf], stderr=log, stdout=log)

        def end():
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()

        self.addCleanup(end)
        return daemon

    def log(self):
        return (self.folder / "daemon.log").read_text()


class MessageTest(ReporterCase):
    """The mail as it arrives (EML-*, DKM-*)."""

    def send_one(self, one=None):
        self.count(one or datagram("rcpt.example", failed=True))
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual((done.returncode, len(self.sink.messages)), (0, 1), done)
        return self.sink.messages[0]

    def test_headers_and_structure_are_those_of_rfc_8460(self):
        message = self.send_one()
        self.assertEqual(message.sender, "bounces@sender.example")
        self.assertEqual(message.recipient, "tls@rcpt.example")
        self.assertNotIn("REQUIRETLS", message.mail_line)  # R141
        mail = email.message_from_bytes(message.data, policy=email.policy.SMTP)
        for header, value in {
            "From": "noreply@sender.example",
            "To": "tls@rcpt.example",
            "TLS-Report-Domain": "rcpt.example",  # R118
            "TLS-Report-Submitter": "sender.example",  # R119, R120
            "TLS-Required": "No",  # R140
            "Auto-Submitted": "auto-generated",  # R151
            "MIME-Version": "1.0",
        }.items():
            self.assertEqual(mail.get_all(header), [value], header)
        self.assertRegex(
            re.sub(r"\s+", " ", mail["Subject"]),
            r"^Report Domain: rcpt\.example Submitter: sender\.example "
            r"Report-ID: <[A-Za-z0-9.-]+@sender\.example>$",  # R122, R124
        )
        self.assertTrue(mail["Message-ID"].endswith("@sender.example>"))
        date = email.utils.parsedate_to_datetime(mail["Date"])
        self.assertLess(abs(time.time() - date.timestamp()), 60)  # R125
        self.assertEqual(mail.get_content_type(), "multipart/report")  # R109
        self.assertEqual(mail.get_param("report-type").lower(), "tlsrpt")  # R110
        text, report = mail.iter_parts()  # R116: exactly two
        self.assertEqual(text.get_content_type(), "text/plain")  # R113
        self.assertIn("rcpt.example", text.get_content())
        self.assertIn("starttls-not-supported", text.get_content())
        self.assertIn("Société d’Exemple", text.get_content())
        self.assertEqual(report.get_content_type(), "application/tlsrpt+gzip")  # R114
        self.assertEqual(report["Content-Transfer-Encoding"], "base64")  # R117

    def test_the_bytes_are_plain_ascii_in_short_lines(self):
        message = self.send_one()
        message.data.decode("ascii")  # R153
        lines = message.data.split(b"\r\n")
        self.assertLessEqual(max(map(len, lines)), 998)  # R154
        self.assertNotIn(b"\n", b"".join(lines))
        self.assertNotIn(b"\r", b"".join(lines))

    def test_the_attachment_is_the_report_of_the_preview(self):
        self.count(datagram("rcpt.example", failed=True))
        expected = self.preview("--day", str(REPORTED))[1][0]["report"]
        message = self.send_one(datagram("rcpt.example"))
        mail = email.message_from_bytes(message.data, policy=email.policy.SMTP)
        attachment = list(mail.iter_parts())[1]
        report = json.loads(gzip.decompress(attachment.get_content()))
        self.assertEqual(report["report-id"], expected["report-id"])
        self.assertEqual(report["organization-name"], "Société d’Exemple")
        self.assertEqual(report["contact-info"], "tlsrpt@sender.example")
        self.assertEqual(report["date-range"], {
            "start-datetime": f"{REPORTED}T00:00:00Z", "end-datetime": f"{REPORTED}T23:59:59Z"})
        self.assertEqual(report["policies"][0]["summary"], {
            "total-successful-session-count": 1, "total-failure-session-count": 1})
        self.assertIn(f"Report-ID: <{report['report-id']}>", re.sub(r"\s+", " ", mail["Subject"]))
        start = int(datetime.datetime.fromisoformat(f"{REPORTED}T00:00:00+00:00").timestamp())
        name = attachment.get_filename()
        self.assertRegex(name, r"^sender\.example!rcpt\.example!%d!%d![A-Za-z0-9]+\.json\.gz$"
                         % (start, start + 86399))  # R127-R131
        self.assertEqual(self.preview("--day", str(REPORTED))[1][0]["report"], report)

    def test_the_signature_verifies_and_covers_the_report_headers(self):
        message = self.send_one()
        public = subprocess.run([DKIM_TOOL, "pubkey", "--key", self.key], capture_output=True,
                                text=True, check=True, timeout=PATIENCE).stdout.strip()
        record = f"s1._domainkey.sender.example=v=DKIM1; k=rsa; s=tlsrpt:email; p={public}"

        def verdict(data):
            return subprocess.run(
                [DKIM_TOOL, "verify", "--txt", record, "--aligned", "sender.example", "--time",
                 str(int(time.time()))],
                input=data, capture_output=True, timeout=PATIENCE).stdout.decode().split()[0]

        self.assertEqual(verdict(message.data), "pass")  # R183
        for header in (b"TLS-Report-Domain: rcpt", b"TLS-Report-Submitter: sender"):
            self.assertIn(header, message.data)
            self.assertNotEqual(verdict(message.data.replace(header, header + b"x")), "pass")
        signature = email.message_from_bytes(message.data)["DKIM-Signature"]
        self.assertNotRegex(signature, r"[;\s]l=")  # R190


class SendTest(ReporterCase):
    """'send': states, exit codes, and never twice."""

    def test_each_destination_gets_one_line_and_one_mail(self):
        self.count(datagram("a.example", "mailto:x@a.example,mailto:y@a.example"),
                   datagram("b.example"))
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split()[:3] for line in done.stdout.splitlines()], [
            ["a.example", "mailto:x@a.example", "delivered"],
            ["a.example", "mailto:y@a.example", "delivered"],
            ["b.example", "mailto:tls@b.example", "delivered"]])
        self.assertEqual(len(self.sink.messages), 3)
        self.assertEqual(self.sink.connections, 1, "the connection is kept")

    def test_what_was_delivered_is_not_sent_again(self):
        self.count(datagram("a.example"))
        for _ in range(2):
            self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 0)
        self.assertEqual(len(self.sink.attempts), 1)

    def test_a_temporary_failure_is_retried_with_the_same_bytes(self):
        self.count(datagram("a.example"))
        self.sink.script = ["451-data", "drop", "450-rcpt", "accept"]
        for state in ("deferred", "deferred", "deferred"):
            done = self.run_reporter("send", "--day", str(REPORTED))
            self.assertEqual((done.returncode, self.states()), (75, [state]), done)
        self.count(datagram("a.example"))  # comes too late for this report
        self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 0)
        whole = [one.data for one in self.sink.attempts if one.data]
        self.assertEqual(len(whole), 3)
        self.assertEqual(len(set(whole)), 1)  # R147

    def test_a_refusal_is_final_and_the_other_destination_is_served(self):
        self.count(datagram("a.example", "mailto:x@a.example,mailto:y@a.example"))
        self.sink.script = ["550-rcpt", "accept"]
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(done.returncode, 69, done)
        self.assertEqual(self.states(), ["failed", "delivered"])  # R149, R150
        self.assertIn("550", done.stdout)
        again = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual((again.returncode, self.states()), (0, ["delivered", "delivered"]))
        self.assertEqual(len(self.sink.messages), 2)

    def test_a_refusal_after_the_data_is_final_too(self):
        self.count(datagram("a.example"))
        self.sink.script = ["554-data"]
        self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 69)
        self.assertEqual(self.states(), ["failed"])

    def test_a_server_that_cannot_be_reached_or_hangs_defers(self):
        self.count(datagram("a.example"))
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.configure(SMTPServer="127.0.0.1:%d" % closed.getsockname()[1])
            self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 75)
        self.configure(SMTPTimeout="1s")
        self.sink.script = ["slow"]
        begin = time.monotonic()
        self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 75)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(self.states(), ["deferred"])

    def test_today_and_the_future_are_refused(self):
        for day in ("today", str(TODAY + datetime.timedelta(days=3))):
            done = self.run_reporter("send", "--day", day)
            self.assertEqual(done.returncode, 64, done)
            self.assertIn("still counted", done.stderr)

    def test_an_unknown_domain_is_said_and_the_others_are_sent(self):
        self.count(datagram("a.example"), datagram("b.example"))
        done = self.run_reporter("send", "--day", str(REPORTED), "A.Example.", "nobody.example")
        self.assertEqual(done.returncode, 65)
        self.assertIn("nobody.example", done.stderr)
        self.assertEqual([m.recipient for m in self.sink.messages], ["tls@a.example"])

    def test_https_is_recorded_as_unsupported(self):
        self.count(datagram("a.example", "https://a.example/tls"))
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(self.states(), ["unsupported"])
        self.assertIn("a.example https://a.example/tls unsupported", done.stdout)
        self.assertEqual(self.sink.attempts, [])


class TlsTest(ReporterCase):
    """A report about broken TLS gets through broken TLS."""

    @unittest.skipUnless(shutil.which("openssl"), "the openssl program is not installed")
    def test_starttls_is_used_whatever_the_certificate(self):
        certificate, key = self.folder / "cert.pem", self.folder / "tls-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                        "-subj", "/CN=other.invalid", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True, timeout=PATIENCE)
        self.sink.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.sink.tls.load_cert_chain(certificate, key)
        self.count(datagram("a.example"))
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(self.sink.messages[0].tls)  # R136, R139

    def test_a_failing_handshake_is_followed_by_cleartext(self):
        self.sink.tls = "broken"
        self.count(datagram("a.example"), datagram("b.example"))
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual([message.tls for message in self.sink.messages], [False, False])  # R138


class DaemonTest(ReporterCase):
    def test_days_that_were_missed_are_caught_up(self):
        days = [TODAY - datetime.timedelta(days=n) for n in (5, 3, 2)]
        for day in days:
            self.count(datagram("a.example"), day=day)
        self.count(datagram("a.example"), day=TODAY)
        daemon = self.start_daemon()
        self.wait_for(lambda: self.states() == ["delivered"] * 3, "three deliveries")
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(PATIENCE), 0)
        ranges = set()
        for message in self.sink.messages:
            mail = email.message_from_bytes(message.data, policy=email.policy.SMTP)
            report = json.loads(gzip.decompress(list(mail.iter_parts())[1].get_content()))
            ranges.add(report["date-range"]["start-datetime"][:10])
        self.assertEqual(ranges, {str(day) for day in days})
        self.assertEqual(self.log().count("report-delivered"), 3)
        self.assertIn("reporter-stopped", self.log())

    def test_the_window_is_kept_over_a_restart(self):
        self.configure(SendWindow="20h")
        self.count(*[datagram(f"d{n}.example") for n in range(20)])
        daemon = self.start_daemon()
        self.wait_for(lambda: len(self.states()) == 20, "the plan")
        due = self.query("SELECT domain, due FROM delivery ORDER BY domain")
        daemon.kill()
        daemon.wait()
        second = self.start_daemon()
        self.wait_for(lambda: self.log().count("reporter-started") == 2, "the second start")
        time.sleep(0.3)
        self.assertEqual(self.query("SELECT domain, due FROM delivery ORDER BY domain"), due)
        self.assertGreater(len({row[1] for row in due}), 10)
        second.terminate()
        self.assertEqual(second.wait(PATIENCE), 0)

    def test_kill_in_the_middle_of_a_hand_over_costs_nothing_but_a_copy(self):
        self.count(datagram("a.example"))
        self.sink.script = ["slow", "accept"]
        daemon = self.start_daemon()
        self.assertTrue(self.sink.arrived.wait(PATIENCE))
        daemon.kill()
        daemon.wait()
        self.assertEqual(self.states(), ["sending"])
        self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 75,
                         "the claim holds until it runs out")
        self.execute("UPDATE delivery SET due = due - 100000")  # the claim runs out
        self.start_daemon()
        self.wait_for(lambda: self.states() == ["delivered"], "the delivery")
        self.assertEqual(len(self.sink.attempts), 2)
        self.assertEqual(self.sink.attempts[0].data, self.sink.attempts[1].data)

    def test_term_ends_quickly_even_while_a_server_hangs(self):
        self.configure(SMTPTimeout="60s")
        self.count(datagram("a.example"))
        self.sink.script = ["slow", "accept"]
        daemon = self.start_daemon()
        self.assertTrue(self.sink.arrived.wait(PATIENCE))
        begin = time.monotonic()
        daemon.terminate()
        self.assertEqual(daemon.wait(PATIENCE), 0)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(self.states(), ["deferred"])
        self.start_daemon()
        self.wait_for(lambda: self.states() == ["delivered"], "the delivery after the restart")

    def test_daemon_and_send_at_once_never_send_twice(self):
        self.count(*[datagram(f"d{n}.example") for n in range(40)])
        daemon = self.start_daemon()
        senders = [subprocess.Popen([REPORTER, "-c", self.conf, "send", "--day", str(REPORTED)],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for _ in range(2)]
        for sender in senders:
            self.assertIn(sender.wait(60), (0, 75))
        self.wait_for(lambda: self.states() == ["delivered"] * 40, "all deliveries")
        daemon.terminate()
        daemon.wait(PATIENCE)
        self.assertEqual(len(self.sink.attempts), 40)

    def test_other_signals_are_answered_with_a_log_line(self):
        self.count(datagram("a.example"))
        daemon = self.start_daemon()
        self.wait_for(lambda: self.states() == ["delivered"], "the delivery")
        daemon.send_signal(signal.SIGHUP)
        self.wait_for(lambda: "signal-ignored" in self.log(), "the log line")
        self.assertIsNone(daemon.poll())


class CommandTest(ReporterCase):
    def test_check_reports_every_problem_at_once(self):
        self.configure(ContactInfo=None, Selector=None, KeyFile="/nonexistent/key")
        done = self.run_reporter("-n")
        self.assertEqual(done.returncode, 78)
        for key in ("ContactInfo", "Selector", "KeyFile"):
            self.assertIn(key, done.stderr)
        self.configure(SMTPServer="mx:0", KeyFile="/nonexistent/key", DNSTimeout="never")
        lines = self.conf.read_text().splitlines()
        done = self.run_reporter("-n")
        self.assertEqual(done.returncode, 78)
        self.assertEqual(len(done.stderr.splitlines()), 3, done.stderr)
        for key in ("SMTPServer", "KeyFile", "DNSTimeout"):
            number = next(i for i, line in enumerate(lines, 1) if line.startswith(key))
            self.assertIn(f"{self.conf}:{number}: {key}: ", done.stderr)
        self.configure()
        done = self.run_reporter("-n")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_usage_errors_are_64(self):
        for arguments in (["frobnicate"], ["send"], ["preview", "--day", "tomorrow"], ["-x"]):
            self.assertEqual(self.run_reporter(*arguments).returncode, 64, arguments)

    def test_version_is_printed(self):
        self.assertRegex(self.run_reporter("-V").stdout, r"^opentlsrpt-reporter \d+\.\d+\.\d+\n$")


class ManualTest(unittest.TestCase):
    def test_diagnostics_lists_every_log_tag(self):
        page = (SOURCE / "man" / "opentlsrpt-reporter.8").read_text()
        diagnostics = page.split(".Sh DIAGNOSTICS")[1].split(".Sh ")[0]
        listed = re.findall(r"^\.It Li (\S+)$", diagnostics, re.MULTILINE)
        used = {"no-record", "invalid-record", "no-usable-rua"}  # words of PlanState
        for name in ("delivery", "planner", "reporter", "send_now", "opentlsrpt_reporter"):
            source = (SOURCE / "sender" / f"{name}.cpp").read_text()
            used.update(re.findall(r'\b(?:LogLine|line)\(\s*"([a-z-]+)"', source))
        self.assertEqual(listed, sorted(used))


if __name__ == "__main__":
    unittest.main()
