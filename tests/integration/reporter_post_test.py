#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reporter and web servers that answer, refuse, hang and lie: what becomes of each
report, as the table in opentlsrpt-reporter(8) has it. post_test.py has the details of a single
post."""

import base64
import email
import signal
import tempfile
import time
import unittest

from https_server import Authority, HttpsServer, answer, reset
from reporter_support import PATIENCE, REPORTED, ReporterCase, datagram

# The servers' certificates come from an authority that no system knows.
UNVERIFIED = r" \(certificate not verified: .*\)$"


def hang(connection, request):
    connection.recv(1)
    return False


def flood(connection, request):
    """Far more than anybody wants to read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
    while True:
        connection.sendall(bytes(1 << 16))


def crash(connection, request):
    reset(connection)
    return False


def in_turn(*behaviours):
    """One for each request."""
    left = iter(behaviours)
    return lambda connection, request: next(left)(connection, request)


class PostCase(ReporterCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.certificate = cls.authority.context("127.0.0.1")

    def setUp(self):
        super().setUp()
        self.configure()

    def configure(self, **changes):
        super().configure(**{"PostNetworks": "127.0.0.0/8", "DestinationRate": 0,
                             "DestinationConnections": 100, **changes})

    def serve(self, context=None, **behaviours):
        """One path for each behaviour; one recipient domain for each path."""
        server = self.enterContext(HttpsServer(
            context or self.certificate, {f"/{path}": one for path, one in behaviours.items()}))
        self.count(*[datagram(f"{path}.example", f"https://127.0.0.1:{server.port}/{path}")
                     for path in behaviours])
        return server

    def send(self, code):
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual(done.returncode, code, done)
        return done.stdout

    def ledger(self):
        """Recipient domain without .example -> state, detail."""
        rows = self.query("SELECT p.domain, d.state, d.detail FROM delivery d"
                          " JOIN plan p ON p.id=d.plan")
        return {domain.removesuffix(".example"): (state, detail) for domain, state, detail in rows}

    def check_ledger(self, expected):
        ledger = self.ledger()
        self.assertEqual(set(ledger), set(expected))
        for name, (state, detail) in expected.items():
            self.assertEqual(ledger[name][0], state, (name, ledger[name]))
            self.assertRegex(ledger[name][1], detail, name)

    def kept_report(self, domain):
        ((report,),) = self.query("SELECT gzipped FROM report r JOIN plan p ON p.id=r.plan"
                                  f" WHERE p.domain='{domain}.example'")
        return report


class AnswersTest(PostCase):
    def test_each_answer_has_the_end_that_the_manual_promises(self):
        server = self.serve(
            ok=answer("200 OK"), created=answer("201 Created"), accepted=answer("202 Accepted"),
            flood=flood, moved=answer("301 Moved Permanently", "Location: /elsewhere"),
            missing=answer("404 Not Found"), broken=answer("500 Oops"), crash=crash,
            busy=answer("503 Busy", "Retry-After: 7200"))
        begin = time.time()
        shown = self.send(75)
        self.check_ledger({
            "ok": ("delivered", "^200 OK" + UNVERIFIED),  # R160
            "created": ("delivered", "^201 Created" + UNVERIFIED),
            "accepted": ("delivered", "^202 Accepted" + UNVERIFIED),
            "flood": ("delivered", "^200 OK" + UNVERIFIED),
            "moved": ("failed", r"^301 .* \(not followed: /elsewhere\)" + UNVERIFIED),  # R168
            "missing": ("failed", "^404 Not Found" + UNVERIFIED),  # R162
            "broken": ("deferred", "^500 Oops" + UNVERIFIED),  # R161
            "crash": ("deferred", "."),
            "busy": ("deferred", "^503 Busy" + UNVERIFIED),  # R163
        })
        for name, (state, _) in self.ledger().items():
            self.assertRegex(shown, rf"(?m)^{name}\.example https://\S+/{name} {state} ")
        ((due,),) = self.query("SELECT d.due FROM delivery d JOIN plan p ON p.id=d.plan"
                               " WHERE p.domain='busy.example'")
        self.assertGreaterEqual(due, int(begin) + 7200)
        self.assertNotIn("/elsewhere", [request.target for request in server.requests])
        self.assertEqual(self.sink.attempts, [])

    def test_a_server_that_hangs_holds_up_nobody_else(self):
        self.serve(hang=hang, **{f"d{number}": answer("200 OK") for number in range(30)})
        self.count(datagram("mail.example"))
        daemon = self.start_daemon()
        self.wait_for(lambda: self.states().count("delivered") == 31, "the others")
        self.assertEqual(self.ledger()["hang"][0], "sending")
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(PATIENCE), 0)
        self.check_ledger({"hang": ("deferred", "stopped"), "mail": ("delivered", "250"),
                           **{f"d{number}": ("delivered", "200") for number in range(30)}})

    def test_a_server_that_hangs_is_given_up_in_time(self):
        self.configure(PostTimeout="1s")
        self.serve(hang=hang)
        self.send(75)
        self.check_ledger({"hang": ("deferred", "timed out")})  # R170

    def test_each_attempt_carries_the_same_bytes(self):
        server = self.serve(later=in_turn(answer("503 Busy"), crash, answer("200 OK")))
        for code in (75, 75, 0):
            self.send(code)
            self.count(datagram("later.example"))  # comes too late for this report
        bodies = [request.body for request in server.requests]
        self.assertEqual(bodies, [self.kept_report("later")] * len(bodies))  # R147, R172
        self.assertGreaterEqual(len(bodies), 3)

    def test_mail_and_post_are_served_each_for_itself(self):
        server = self.serve()
        uri = f"https://127.0.0.1:{server.port}/missing"
        self.count(datagram("a.example", f"mailto:tls@a.example,{uri}"))
        self.send(69)
        self.assertEqual(self.states(), ["failed", "delivered"])  # https, mailto
        (request,), (message,) = server.requests, self.sink.messages
        parts = list(email.message_from_bytes(message.data).walk())
        attached = base64.b64decode(parts[-1].get_payload())
        self.assertEqual(attached, request.body)
        self.assertEqual(attached, self.kept_report("a"))


class DestinationsTest(PostCase):
    def test_refusals_suppress_the_destination_as_bounces_do(self):
        self.configure(BounceLimit=1)
        server = self.serve(gone=answer("410 Gone"))
        self.send(69)
        done = self.run_reporter("suppress", "list")
        self.assertRegex(done.stdout, rf"https://127\.0\.0\.1:{server.port}/gone\b")

    def test_a_private_address_is_not_posted_to(self):  # R169
        self.configure(PostNetworks=None)
        server = self.serve(inside=answer("200 OK"))
        self.send(69)
        self.check_ledger({"inside": ("failed", "no public address")})
        self.assertEqual(server.connections, 0)


class CertificateTest(PostCase):
    def test_a_bad_one_is_tolerated_and_told(self):  # R166
        server = self.serve(self.authority.context("127.0.0.1", expired=True),
                            expired=answer("200 OK"))
        self.send(0)
        self.check_ledger({"expired": ("delivered", r"^200 OK \(certificate not verified: ")})
        self.assertEqual(len(server.requests), 1)

    def test_a_bad_one_is_refused_if_that_is_wanted(self):
        self.configure(PostCertificateErrors="refuse")
        server = self.serve(self.authority.context("127.0.0.1", expired=True),
                            expired=answer("200 OK"))
        self.send(75)
        self.check_ledger({"expired": ("deferred", "^certificate not valid: ")})
        self.assertEqual(server.requests, [])
        self.configure(PostCertificateErrors="tolerate")
        self.send(0)
        self.assertEqual([request.body for request in server.requests],
                         [self.kept_report("expired")])


if __name__ == "__main__":
    unittest.main()
