# SPDX-License-Identifier: BSD-2-Clause
"""MTA-STS policies fetched from hosts that serve, refuse, hang, lie and are not what they seem: each
failure has its result type and its reason, and comes in time. And policies outlive their host."""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from https_server import SILENT, Authority, HttpsServer, answer, reset  # noqa: E402
from unbound_server import UnboundServer, Zone  # noqa: E402

TOOL = Path(os.environ["OPENTLSRPT_BUILD"]) / "tests" / "sts_tool"
TIMEOUT = 2  # for hosts that make a fetch last that long
PATIENT = 30  # for those that answer: a busy machine may need much longer than a moment
SLACK = 4  # what a busy machine may add
LOOPBACK = "127.0.0.0/8"
DOMAIN = "d.example"
HOST = f"mta-sts.{DOMAIN}"
PATH = "/.well-known/mta-sts.txt"
POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 604800\r\n"
LINES = POLICY.decode().split("\r\n")[:-1]
PLAIN = "Content-Type: text/plain; charset=utf-8"
ZONE = f"""
_mta-sts TXT "v=STSv1; id=1;"
mta-sts  A   127.0.0.1
"""


def serving(body=POLICY, status="200 OK", field=PLAIN):
    return {PATH: answer(status, *([field] if field else []), body=body)}


@unittest.skipIf(UnboundServer.missing(), f"not installed: {UnboundServer.missing()}")
class StsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.authority = Authority(cls.folder)
        cls.context = cls.authority.context(HOST)
        cls.dns = cls.enterClassContext(UnboundServer({DOMAIN: ZONE}))

    def serve(self, behaviours=None, context=None, **more):
        """With a valid certificate unless told otherwise."""
        server = HttpsServer(context or self.context, behaviours or serving(), **more)
        return self.enterContext(server)

    def run_tool(self, port, *options, domain=DOMAIN, timeout=PATIENT, networks=(LOOPBACK,),
                 authorities=None, environment=None):
        command = [str(TOOL), "--timeout", str(timeout), "--port", str(port),
                   "--nameserver", self.dns.address,
                   "--authorities", str(authorities or self.authority.certificate)]
        if authorities == "":
            command = command[:-2]
        for network in networks:
            command += ["--network", network]
        done = subprocess.run([*command, *options, domain], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120,
                              env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fetch(self, server, *options, **more):
        return self.run_tool(server.port, *options, **more)

    def check(self, result, result_type, reason, detail="."):
        self.assertEqual((result["result_type"], result["reason"]), (result_type, reason), result)
        self.assertRegex(result["detail"], detail)
        self.assertIsNone(result["mode"])

    def check_fetch_error(self, result, reason, detail="."):
        self.check(result, "sts-policy-fetch-error", reason, detail)


class Answers(StsCase):
    def test_a_policy_is_fetched_as_it_stands(self):  # R260, R261
        server = self.serve()
        result = self.fetch(server)
        self.assertEqual(result["lines"], LINES)
        self.assertEqual(result["mode"], "enforce")
        self.assertIsNone(result["result_type"])
        [request] = server.requests
        self.assertEqual((request.method, request.target), ("GET", PATH))
        fields = {name.lower(): value for name, value in request.fields}
        self.assertEqual(fields.pop("host"), f"{HOST}:{server.port}")
        self.assertRegex(fields.pop("user-agent"), "^OpenTLSRPT/")
        self.assertEqual(set(fields), {"accept"})

    def test_only_status_200_counts(self):  # R261
        for status in ("204 No Content", "206 Partial Content", "404 Not Found", "410 Gone",
                       "500 Oops", "503 Busy"):
            with self.subTest(status):
                body = b"" if status.startswith("204") else POLICY
                result = self.fetch(self.serve(serving(body, status)))
                self.check_fetch_error(result, f"http-status-{status[:3]}")

    def test_a_redirect_is_not_followed(self):  # R262
        other = self.serve()
        for status in ("301 Moved Permanently", "302 Found", "303 See Other",
                       "307 Temporary Redirect", "308 Permanent Redirect"):
            with self.subTest(status):
                location = f"https://{HOST}:{other.port}{PATH}"
                server = self.serve({PATH: answer(status, f"Location: {location}", PLAIN)})
                self.check_fetch_error(self.fetch(server), "redirect", "^30. to https://")
        self.assertEqual(other.connections, 0)

    def test_the_media_type_is_text_plain(self):  # R264
        for field in ("Content-Type: TEXT/PLAIN", "content-type:text/plain;charset=us-ascii"):
            self.assertEqual(self.fetch(self.serve(serving(field=field)))["lines"], LINES)
        for field in ("Content-Type: text/html", "Content-Type: application/octet-stream", None):
            with self.subTest(field):
                self.check_fetch_error(self.fetch(self.serve(serving(field=field))),
                                       "wrong-media-type")

    def test_the_size_is_limited(self):  # R265
        filler = b"x-filler: " + b"x" * 1000 + b"\n"
        fits = POLICY + filler * 63
        self.assertLessEqual(len(fits), 64 << 10)
        self.assertEqual(self.fetch(self.serve(serving(fits)))["mode"], "enforce")
        self.check_fetch_error(self.fetch(self.serve(serving(fits + filler * 2))), "too-large")

        def endless(connection, request):
            connection.sendall(f"HTTP/1.1 200 OK\r\n{PLAIN}\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n".encode())
            while True:
                connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        self.check_fetch_error(self.fetch(self.serve({PATH: endless})), "too-large")

        def endless_header(connection, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X: " + b"x" * 1024 + b"\r\n")
        self.check_fetch_error(self.fetch(self.serve({PATH: endless_header})), "too-large")

        def endless_line(connection, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                connection.sendall(b"x" * 1024)
        self.check_fetch_error(self.fetch(self.serve({PATH: endless_line})), "too-large")

    def test_a_bad_body_is_an_invalid_policy(self):  # R269, R283
        for body, reason in (
                (b"", "missing-version"),
                (b"<html></html>", "bad-line"),
                (b"version: STSv2\nmode: none\nmax_age: 1\n", "bad-version"),
                (b"version: STSv1\nmax_age: 1\n", "missing-mode"),
                (b"version: STSv1\nmode: enforce\nmax_age: 1\n", "missing-mx"),
                (b"version: STSv1\nmode: on\nmax_age: 1\n", "bad-mode"),
                (b"version: STSv1\nmode: none\n", "missing-max-age"),
                (b"version: STSv1\nmode: none\nmax_age: 1d\n", "bad-max-age"),
                (b"version: STSv1\nmode: testing\nmx: *\nmax_age: 1\n", "bad-mx"),
                (b"version: STSv1\nmode: none\nmax_age: 1\nx: \xff\n", "not-utf8")):
            with self.subTest(reason):
                self.check(self.fetch(self.serve(serving(body))), "sts-policy-invalid", reason)

    def test_what_is_no_http_is_said_to_be(self):
        def nonsense(connection, request):
            connection.sendall(b"220 mail.example ESMTP\r\n")
            return False
        self.check_fetch_error(self.fetch(self.serve({PATH: nonsense})), "bad-http-answer")

    def test_a_connection_that_breaks_is_said_to_have(self):
        def short(connection, request):
            connection.sendall(f"HTTP/1.1 200 OK\r\n{PLAIN}\r\nContent-Length: 100\r\n\r\n"
                               "version: STSv1\r\n".encode())
            return False

        def nothing(connection, request):
            return False

        def crash(connection, request):
            reset(connection)
        for behaviour in (short, nothing, crash):
            with self.subTest(behaviour.__name__):
                self.check_fetch_error(self.fetch(self.serve({PATH: behaviour})),
                                       "connection-closed")


class Certificates(StsCase):
    def check_refused(self, context, reason):  # R282
        server = self.serve(context=context)
        self.check(self.fetch(server), "sts-webpki-invalid", reason)
        self.assertEqual(server.requests, [])

    def test_that_have_expired(self):  # R263
        self.check_refused(self.authority.context(HOST, expired=True),
                           "X509_V_ERR_CERT_HAS_EXPIRED")

    def test_that_sign_themselves(self):
        self.check_refused(self.authority.context(HOST, self_signed=True),
                           "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT")

    def test_of_an_authority_that_is_not_trusted(self):
        folder = self.folder / "other"
        folder.mkdir()
        self.check_refused(Authority(folder).context(HOST),
                           "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY")

    def test_for_another_name(self):
        for names in (("d.example",), ("mta-sts.e.example",), ("*.*.example",), ("*.example",)):
            with self.subTest(names):
                self.check_refused(self.authority.context(*names),
                                   "X509_V_ERR_HOSTNAME_MISMATCH")
        self.assertEqual(self.fetch(self.serve(context=self.authority.context("*.d.example")))
                         ["mode"], "enforce")

    def test_with_a_common_name_only(self):  # R263
        self.check_refused(self.authority.context(HOST, subject_only=True),
                           "X509_V_ERR_HOSTNAME_MISMATCH")

    def test_are_not_trusted_without_the_file(self):
        result = self.fetch(self.serve(), authorities="")
        self.check(result, "sts-webpki-invalid", "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY")

    def test_a_missing_file_of_authorities_is_nobody_elses_fault(self):
        result = self.fetch(self.serve(), authorities=self.folder / "none.pem")
        self.check(result, "", "no-trust-store")

    def test_the_name_is_sent(self):
        seen = []
        context = self.authority.context(HOST)
        context.sni_callback = lambda connection, name, _: seen.append(name)
        self.fetch(self.serve(context=context))
        self.assertEqual(seen, [HOST])


class Connections(StsCase):
    def test_tls_1_1_is_too_old_and_1_2_is_not(self):  # R279
        for version, reason in ((ssl.TLSVersion.TLSv1_1, "tls-handshake-failure"),
                                (ssl.TLSVersion.TLSv1_2, None)):
            context = self.authority.context(HOST)
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            self.assertEqual(self.fetch(self.serve(context=context))["reason"], reason)

    def test_without_tls_there_is_nothing(self):
        with HttpsServer(None, serving()) as server:
            self.check_fetch_error(self.fetch(server), "tls-handshake-failure")

    def test_a_refused_port(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.check_fetch_error(self.run_tool(port), "connection-refused")

    def check_timeout(self, server):
        begin = time.monotonic()
        self.check_fetch_error(self.fetch(server, timeout=TIMEOUT), "timeout")
        self.assertLess(time.monotonic() - begin, TIMEOUT + SLACK)

    def test_what_is_slow_ends_in_time(self):  # R265
        def drip(text):
            def behaviour(connection, request):
                for octet in text:
                    connection.sendall(bytes([octet]))
                    if server.ended.wait(0.2):
                        return False
            return behaviour
        head = f"HTTP/1.1 200 OK\r\n{PLAIN}\r\n".encode()
        body = head + f"Content-Length: {len(POLICY)}\r\n\r\n".encode()

        def slow_body(connection, request):
            connection.sendall(body)
            return drip(POLICY)(connection, request)

        def hang(connection, request):
            server.ended.wait()
            return False
        for behaviour in (drip(head), slow_body, hang):
            server = self.serve({PATH: behaviour})
            self.check_timeout(server)
        self.check_timeout(self.serve(context=SILENT))

    def test_a_stop_ends_a_fetch(self):
        begin = time.monotonic()
        result = self.fetch(self.serve(context=SILENT), "--stop-after", "200")
        self.check(result, "", "stopped")
        self.assertLess(time.monotonic() - begin, SLACK)

    def test_no_proxy_is_used(self):
        server = self.serve()
        proxy = self.serve()
        url = f"http://127.0.0.1:{proxy.port}"
        result = self.fetch(server, environment={"https_proxy": url, "ALL_PROXY": url})
        self.assertEqual(result["mode"], "enforce")
        self.assertEqual(proxy.connections, 0)


class Names(StsCase):
    def check_zone(self, text, reason, **more):
        self.dns.set_zones({DOMAIN: text})
        self.addCleanup(self.dns.set_zones, {DOMAIN: ZONE})
        server = self.serve()
        self.check_fetch_error(self.fetch(server, **more), reason)
        self.assertEqual(server.connections, 0)

    def test_that_are_not_there(self):
        self.check_zone("@ A 127.0.0.1", "no-address")
        self.check_zone("mta-sts TXT there", "no-address")

    def test_that_cannot_be_looked_up(self):  # R281
        self.check_zone(Zone("mta-sts A 127.0.0.1", signed=True, bogus=True), "dns-failure")

    def test_that_lead_inside(self):
        self.check_zone(ZONE, "address-not-public", networks=())
        self.check_zone("mta-sts A 10.1.2.3\nmta-sts AAAA ::1", "address-not-public")

    def test_behind_an_alias_and_with_an_address_that_is_dead(self):
        self.dns.set_zones({DOMAIN: "mta-sts CNAME host\nhost A 127.0.0.9\nhost A 127.0.0.1\n"
                                    "host AAAA ::1"})
        self.addCleanup(self.dns.set_zones, {DOMAIN: ZONE})
        self.assertEqual(self.fetch(self.serve())["mode"], "enforce")


class Remembered(StsCase):
    def setUp(self):
        self.database = Path(self.enterContext(tempfile.TemporaryDirectory())) / "policies.db"

    def find(self, server, *options, **more):
        return self.fetch(server, "--database", str(self.database), *options, **more)

    def test_a_policy_outlives_its_host_and_a_restart(self):  # R270
        with HttpsServer(self.context, serving()) as server:
            first = self.find(server)
        self.assertEqual((first["mode"], first["id"], first["lines"]), ("enforce", "1", LINES))
        begin = time.monotonic()
        self.assertEqual(self.find(server), first)
        self.assertLess(time.monotonic() - begin, SLACK)
        self.dns.set_zones({DOMAIN: "@ A 127.0.0.1"})
        self.addCleanup(self.dns.set_zones, {DOMAIN: ZONE})
        self.assertEqual(self.find(server)["lines"], LINES)
        self.assertEqual(self.database.stat().st_mode & 0o777, 0o640)

    def test_a_failure_is_not_repeated_after_a_restart(self):  # R266
        server = self.serve(serving(status="404 Not Found"))
        for _ in range(3):
            self.check_fetch_error(self.find(server), "http-status-404")
        self.assertEqual(len(server.requests), 1)

    def test_patience_ends_before_the_fetch_does(self):
        def slow(connection, request):
            server.ended.wait()
            return False
        server = self.serve({PATH: slow})
        result = self.find(server, "--patience", "300", timeout=TIMEOUT)
        self.assertTrue(result["unknown"])

    def test_without_a_record_nothing_is_fetched(self):  # R284
        self.dns.set_zones({DOMAIN: "mta-sts A 127.0.0.1"})
        self.addCleanup(self.dns.set_zones, {DOMAIN: ZONE})
        server = self.serve()
        result = self.find(server)
        self.assertEqual((result["mode"], result["result_type"], result["unknown"]),
                         (None, None, False))
        self.assertEqual(server.connections, 0)

    def test_a_record_behind_an_alias_counts(self):  # R259
        self.dns.set_zones({DOMAIN: '_mta-sts CNAME r\nr TXT "v=STSv1; id=7"\n'
                                    "mta-sts A 127.0.0.1"})
        self.addCleanup(self.dns.set_zones, {DOMAIN: ZONE})
        self.assertEqual(self.find(self.serve())["id"], "7")


if __name__ == "__main__":
    unittest.main()
