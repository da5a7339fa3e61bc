# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reporter against a real SMTP server over loopback: what arrives, and what becomes of
it when the server has other plans."""

import datetime
import email
import email.policy
import gzip
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

from reporter_support import (PATIENCE, REPORTED, REPORTER, SOURCE, TODAY, ReporterCase, datagram)


class SendTest(ReporterCase):
    """'send': states, exit codes, and never twice."""

    def test_each_destination_gets_one_line_and_one_mail(self):
        self.count(datagram("a.example", "mailto:x@a.example,mailto:y@a.example"),
                   datagram("b.example"))
        self.configure(SMTPConnections=1)
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(line.split()[:3] for line in done.stdout.splitlines()), [
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
        self.assertEqual(sorted(self.states()), ["delivered", "failed"])  # R149, R150
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
        for number, self.sink.tls in enumerate(("broken", "hasty")):
            self.sink.messages.clear()
            self.count(datagram(f"a{number}.example"), datagram(f"b{number}.example"))
            done = self.run_reporter("send", "--day", str(REPORTED))
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual([message.tls for message in self.sink.messages], [False] * 2)  # R138


DUE = "SELECT p.domain, d.due FROM delivery d JOIN plan p ON p.id=d.plan ORDER BY p.domain"


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
        due = self.query(DUE)
        daemon.kill()
        daemon.wait()
        second = self.start_daemon()
        self.wait_for(lambda: self.log().count("reporter-started") == 2, "the second start")
        time.sleep(0.3)
        self.assertEqual(self.query(DUE), due)
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
        self.start_daemon()  # finds that nobody has the report in hand any more
        self.wait_for(lambda: self.states() == ["delivered"], "the delivery")
        self.assertEqual(len(self.sink.attempts), 2)
        self.assertEqual(self.sink.attempts[0].data, self.sink.attempts[1].data)
        self.assertIn("claims-released deliveries=1", self.log())

    def test_what_another_process_has_in_hand_is_left_to_it(self):
        self.count(datagram("a.example"))
        self.sink.script = ["slow"]
        daemon = self.start_daemon()
        self.assertTrue(self.sink.arrived.wait(PATIENCE))
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual((done.returncode, len(self.sink.attempts)), (75, 1))
        self.assertIn("a.example mailto:tls@a.example sending", done.stdout)
        self.sink.released.set()
        self.wait_for(lambda: self.states() == ["delivered"], "the delivery")
        daemon.terminate()
        self.assertEqual(daemon.wait(PATIENCE), 0)
        self.assertEqual(len(self.sink.attempts), 1)

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
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        for line in done.stderr.splitlines():  # nobody answers for DNS here
            self.assertRegex(line, "^warning: .*could not be looked up")

    def test_check_tells_what_stands_in_the_way(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.configure(SMTPServer="127.0.0.1:%d" % closed.getsockname()[1],
                           Database=f"sqlite:{self.folder}/nowhere")
            done = self.run_reporter("-n")
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertRegex(done.stderr, "problem: .*/nowhere: No such file or directory; make it")
        self.assertRegex(done.stderr, "problem: SMTPServer .*Connection refused")

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
        # Words of PlanState.
        used = {"no-record", "invalid-record", "no-usable-rua", "excluded", "report-skipped",
                "report-too-old"}
        for name in ("bounce_command", "dispatcher", "ledger_commands", "opentlsrpt_reporter",
                     "planner", "reporter", "sending_outfit"):
            source = (SOURCE / "sender" / f"{name}.cpp").read_text()
            used.update(re.findall(r'\b(?:LogLine|line|line_about)\(\s*"([a-z-]+)"', source))
            used.update(re.findall(r'LogLine\(problem \? "([a-z-]+)" : ', source))
            used.update(re.findall(r'LogLine\(problem \? "[a-z-]+" : "([a-z-]+)"', source))
        self.assertEqual(listed, sorted(used))


if __name__ == "__main__":
    unittest.main()
