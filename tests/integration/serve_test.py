#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reports serve as senders meet it: the real program, real curl, real sockets."""

import gzip
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest
import zlib

from report_mails import Signer, report_mail
from serve_case import GZIP, ServeCase, report
from serve_process import JSON, ServeProcess
from unbound_server import UnboundServer


def bomb(megabytes):
    """That many megabytes of blanks, packed without having them in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    return b"".join(parts) + packer.flush()


class Endpoint(ServeCase):
    def test_curl_posts_each_kind_of_report(self):
        serve = self.serve()
        plain = self.write(serve, "a.json", report(1))
        packed = self.write(serve, "a.json.gz", gzip.compress(report(2)))
        for arguments, expected in (
                (["-H", "Content-Type: " + JSON, "--data-binary", "@" + plain], 201),
                (["-H", "Content-Type: " + JSON, "--data-binary", "@" + plain], 200),  # R179
                (["-H", "Content-Type: " + GZIP, "--data-binary", "@" + packed], 201),
                (["-H", "Content-Type: " + JSON, "-H", "Content-Encoding: gzip",
                  "--data-binary", "@" + packed], 200),
                (["-H", "Content-Type: " + GZIP, "-H", "Transfer-Encoding: chunked",
                  "--data-binary", "@" + packed], 200),
                (["-H", "Content-Type: " + GZIP, "-H", "Expect: 100-continue",
                  "--data-binary", "@" + packed], 200),
                (["--data-binary", "@" + packed], 200),  # curl's own default type
                (["--http1.0", "-H", "Content-Type: " + GZIP, "--data-binary", "@" + packed], 200),
                (["-F", "file=@" + packed], 415),  # R176
                (["-H", "Content-Type: text/html", "--data-binary", "@" + plain], 415),
                (["-H", "Content-Type: " + JSON, "--data-binary", "hello"], 400),
                ([], 405),  # R181
                (["-X", "PUT", "--data-binary", "@" + plain], 405)):
            status, output = self.curl(serve, *arguments)
            self.assertEqual(status, expected, (arguments, output))
        self.assertEqual(self.curl(serve, path="/health")[0], 200)
        self.assertEqual(self.curl(serve, "-I", path="/health")[0], 200)
        self.assertEqual(self.curl(serve, "--data-binary", "@" + plain, path="/")[0], 404)
        self.assertEqual(serve.stored(), {"id-1": 1, "id-2": 1})
        # R180: nobody vouches for what comes by HTTPS.
        self.assertEqual(serve.query("SELECT DISTINCT source, dkim FROM report"),
                         [("https", "none")])
        self.assertEqual(serve.query("SELECT source, refusal FROM refused"),
                         [("https", "not-json")])
        self.assertEqual(serve.stop(), 0)
        counters = dict(serve.query("SELECT name, value FROM counter"))
        self.assertEqual(counters["https_refused_type"], 2)
        self.assertEqual(counters["https_refused_method"], 2)
        self.assertEqual(counters["https_not_found"], 1)

    def test_own_certificate_and_its_renewal(self):
        serve = ServeProcess()
        self.addCleanup(serve.__exit__)
        certificate, key = self.certificate(serve, "first")
        serve.keys.update(HTTPCertificate=certificate, HTTPKey=key)
        serve.start()
        packed = self.write(serve, "a.json.gz", gzip.compress(report(1)))
        post = ["-H", "Content-Type: " + GZIP, "--data-binary", "@" + packed, "--ipv4"]
        status, output = self.curl(serve, "--cacert", certificate, *post, scheme="https")
        self.assertEqual(status, 201, output)
        self.assertEqual(self.curl(serve, *post, scheme="https")[0], 0, "not trusted without it")
        self.assertEqual(self.curl(serve, *post)[0], 0, "no plain HTTP on the same port")
        for version in ("1.0", "1.1"):
            self.assertEqual(self.curl(serve, "--cacert", certificate, "--tls-max", version,
                                       "--ciphers", "DEFAULT@SECLEVEL=0", *post,
                                       scheme="https")[0], 0, "TLS " + version)

        large = self.write(serve, "large", b" " * 20_000_000)
        for extra in ([], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]):
            status, output = self.curl(serve, "--cacert", certificate, "-H",
                                       "Content-Type: " + JSON, *extra, "--data-binary",
                                       "@" + large, scheme="https")
            self.assertEqual(status, 413, (extra, output))  # R178

        # A connection from before the renewal goes on.
        old = http.client.HTTPSConnection("localhost", serve.port, timeout=20,
                                          context=ssl.create_default_context(cafile=certificate))
        self.addCleanup(old.close)
        old.request("GET", "/health")
        self.assertEqual(old.getresponse().read(), b"ok\n")
        socket_before = old.sock
        second, second_key = self.certificate(serve, "second")
        shutil.copy(second, certificate)
        serve.process.send_signal(signal.SIGHUP)
        serve.wait_for_line("certificate-kept")  # the key is still the old one's
        self.assertEqual(self.curl(serve, "--cacert", second, *post, scheme="https")[0], 0)
        shutil.copy(second_key, key)
        serve.process.send_signal(signal.SIGUSR1)
        serve.wait_for_line("certificate-reloaded")
        status, output = self.curl(serve, "--cacert", second, *post, scheme="https")
        self.assertEqual(status, 200, output)
        old.request("GET", "/health")
        self.assertEqual(old.getresponse().read(), b"ok\n")
        self.assertIs(old.sock, socket_before)
        for number in range(20):
            serve.process.send_signal(signal.SIGHUP)
            status, output = self.curl(serve, "--cacert", second, *post, scheme="https")
            self.assertEqual(status, 200, (number, output))
        self.assertEqual(serve.stop(), 0)

    def test_local_socket_for_a_proxy(self):
        serve = ServeProcess()
        self.addCleanup(serve.__exit__)
        path = serve.path("http.sock")
        serve.keys["HTTPSocket"] = "local:" + path
        serve.start()
        plain = self.write(serve, "a.json", report(1))
        status, output = self.curl(serve, "--unix-socket", path, "-H", "Content-Type: " + JSON,
                                   "-H", "X-Forwarded-For: 1.2.3.4, 203.0.113.9",
                                   "--data-binary", "@" + plain)
        self.assertEqual(status, 201, output)
        self.assertIn("source=203.0.113.9 ", serve.lines("http-report")[0])
        self.assertEqual(serve.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_ipv6(self):
        serve = ServeProcess()
        self.addCleanup(serve.__exit__)
        serve.keys["HTTPSocket"] = f"inet6:{serve.port}"
        try:
            serve.start()
        except RuntimeError as error:
            self.skipTest(f"no IPv6 here: {error}")
        for host in ("[::1]", "127.0.0.1"):
            done = subprocess.run(["curl", "-sS", f"http://{host}:{serve.port}/health"],
                                  capture_output=True, check=False, timeout=60)
            self.assertEqual(done.stdout, b"ok\n", (host, done.stderr))

    def test_trusted_proxies_are_believed_and_nobody_else(self):
        serve = self.serve(TrustedProxies="127.0.0.3")
        serve.post(report(1), X_Forwarded_For="203.0.113.9", source="127.0.0.3")
        serve.post(report(2), X_Forwarded_For="203.0.113.9", source="127.0.0.2")
        sources = [line.split()[1] for line in serve.lines("http-report")]
        self.assertEqual(sources, ["source=203.0.113.9", "source=127.0.0.2"])

    def test_configuration_is_checked_as_a_whole(self):
        serve = ServeProcess(HTTPSocket="inet:127.0.0.1:80", HTTPPath="report",
                             HTTPKey="/nonexistent", TrustedProxies="proxy.example")
        self.addCleanup(serve.__exit__)
        done = subprocess.run(serve.command("serve", "--check"), capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 78, done.stderr)
        for key in ("HTTPSocket", "HTTPPath", "HTTPKey", "TrustedProxies"):
            self.assertIn(key, done.stderr)
        serve.keys = {"HTTPCertificate": "/nonexistent", "HTTPKey": "/nonexistent"}
        done = subprocess.run(serve.command("serve", "--check"), capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 78)
        self.assertIn("/nonexistent", done.stderr)
        serve.keys = {}
        self.assertEqual(subprocess.run(serve.command("serve", "--check"), check=False).returncode,
                         0)

    def test_readiness_is_told_to_systemd(self):
        serve = ServeProcess()
        self.addCleanup(serve.__exit__)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(serve.path("notify"))
            notify.settimeout(30)
            os.environ["NOTIFY_SOCKET"] = serve.path("notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            serve.start()
            self.assertEqual(notify.recv(100), b"READY=1")
            self.assertEqual(serve.stop(), 0)
            self.assertEqual(notify.recv(100), b"STOPPING=1")

    def test_mail_and_https_count_once_and_the_signed_one_is_preferred(self):  # R227
        if UnboundServer.missing():
            self.skipTest("missing: " + UnboundServer.missing())
        signer = Signer("sender.example")
        dns = UnboundServer(signer.zones())
        dns.start()
        self.addCleanup(dns.stop)
        serve = self.serve(Nameserver=dns.address)

        def mail(number):
            text = signer.sign(report_mail("sender.example", "x.example", f"id-{number}"))
            path = self.write(serve, f"{number}.eml", text)
            done = subprocess.run(serve.command("import", path), capture_output=True, text=True,
                                  check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('"dkim":"pass"', done.stdout)

        mail(1)
        self.assertEqual(serve.post(report(1))[0], 200)
        self.assertEqual(serve.post(report(2))[0], 201)
        mail(2)
        self.assertEqual(serve.query("SELECT report_id, dkim FROM report ORDER BY report_id"),
                         [("id-1", "pass"), ("id-2", "pass")])


class Hostile(ServeCase):
    def test_a_bomb_is_413_and_costs_no_memory(self):  # R178
        serve = self.serve()
        self.assertEqual(serve.post(report(1))[0], 201)
        packed = bomb(1000)
        before = serve.resident_kilobytes()
        for _ in range(5):
            status, _, body = serve.post(packed, GZIP)
            self.assertEqual(status, 413)
            self.assertIn(body, (b"too-large\n", b"gzip-ratio\n"))
        self.assertLess(serve.resident_kilobytes() - before, 16 << 10)
        self.assertEqual(len(serve.query("SELECT * FROM refused")), 1)

    def test_too_large_is_413_by_length_and_by_bytes(self):  # R178
        serve = self.serve(MaximumReportSize="64K")
        large = self.write(serve, "large", b" " * 5_000_000)
        before = serve.resident_kilobytes()
        for extra in ([], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"],
                      ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]):
            status, output = self.curl(serve, "-H", "Content-Type: " + JSON, *extra,
                                       "--data-binary", "@" + large)
            self.assertEqual(status, 413, (extra, output))
        status, output = self.curl(serve, "-H", "Content-Type: image/png", "-H", "Expect:", "-H",
                                   "Transfer-Encoding: chunked", "--data-binary", "@" + large)
        self.assertEqual(status, 415, output)
        self.assertEqual(serve.post(b" " * 65536)[0], 400, "as large as allowed")
        self.assertEqual(serve.post(b" " * 65537)[0], 413)
        self.assertLess(serve.resident_kilobytes() - before, 8 << 10)

    def test_nobody_sends_without_end(self):
        serve = self.serve(MaximumReportSize="64K")
        for kind in (JSON, "image/png"):
            with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
                client.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Type: " +
                               kind.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
                chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
                with self.assertRaises(OSError):
                    for _ in range(200):
                        client.sendall(chunk)

    def test_who_asks_before_sending_too_much_is_told_at_once(self):
        serve = self.serve()
        with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
            client.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Type: " + JSON.encode() +
                           b"\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 413 "))

    def test_slow_senders_are_bounded_and_others_are_served(self):
        serve = self.serve(HTTPTimeout="2s", HTTPConnections="40")
        starts = [b"", b"POST /report HT", b"POST /report HTTP/1.1\r\nHost: x\r\nX: ",
                  b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
                  b"POST /report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"]
        clients = []
        for start in starts * 4:
            client = socket.create_connection(("127.0.0.1", serve.port), timeout=20)
            self.addCleanup(client.close)
            client.sendall(start)
            clients.append(client)
        begin = time.monotonic()
        self.assertEqual(serve.post(report(1))[0], 201)
        alive = list(clients)
        while alive and time.monotonic() - begin < 20:
            for client in list(alive):
                try:
                    client.sendall(b"1")
                except OSError:
                    alive.remove(client)
            time.sleep(0.1)
        self.assertFalse(alive, "a byte now and then wins no time")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(serve.post(report(2))[0], 201)

    def test_a_handshake_that_is_never_finished_is_bounded(self):
        serve = ServeProcess(HTTPTimeout="1s", HTTPConnections="4")
        self.addCleanup(serve.__exit__)
        certificate, key = self.certificate(serve, "own")
        serve.keys.update(HTTPCertificate=certificate, HTTPKey=key)
        serve.start()
        for _ in range(3):
            self.addCleanup(socket.create_connection(("127.0.0.1", serve.port)).close)
        with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
            client.sendall(b"\x16\x03\x01")
            begin = time.monotonic()
            try:
                while client.recv(100):
                    pass
            except ConnectionError:
                pass
            self.assertLess(time.monotonic() - begin, 10)
        time.sleep(0.5)
        plain = self.write(serve, "a.json", report(1))
        status, output = self.curl(serve, "--cacert", certificate, "-H", "Content-Type: " + JSON,
                                   "--data-binary", "@" + plain, scheme="https")
        self.assertEqual(status, 201, output)

    def test_who_does_not_fetch_his_answer_is_not_waited_for(self):
        serve = self.serve(HTTPTimeout="1s")
        with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(3)
            self.assertIn(b"200 OK", client.recv(4096))
            self.assertEqual(client.recv(4096), b"", "idle connections are closed")

    def test_connections_are_bounded_in_all_and_for_each_source(self):
        serve = self.serve(HTTPConnections="8", HTTPConnectionsPerSource="3")

        def opened(source, count):
            clients = []
            for _ in range(count):
                client = socket.create_connection(("127.0.0.1", serve.port), timeout=20,
                                                  source_address=(source, 0))
                self.addCleanup(client.close)
                clients.append(client)
            return clients

        def answered(clients):
            number = 0
            for client in clients:
                try:
                    client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                    number += 1 if client.recv(4096).startswith(b"HTTP/1.1 200") else 0
                except OSError:
                    pass
            return number

        self.assertEqual(answered(opened("127.0.0.1", 10)), 3)
        self.assertEqual(answered(opened("127.0.0.2", 10)), 3)
        self.assertEqual(answered(opened("127.0.0.3", 10)), 2, "8 in all")

    def test_a_flood_from_one_source_is_429_while_another_is_served(self):  # R182
        serve = self.serve(HTTPRate="20")
        statuses = [serve.post(report(number))[0] for number in range(60)]
        self.assertLessEqual(statuses.count(201), 25)
        self.assertGreaterEqual(statuses.count(429), 35)
        self.assertEqual(set(statuses), {201, 429})
        status, headers, body = serve.post(report(99))
        if status == 429:
            self.assertGreaterEqual(int(headers["Retry-After"]), 1)
            self.assertEqual(body, b"too-many-posts\n")
        self.assertEqual(serve.post(report(100), source="127.0.0.2")[0], 201)
        self.assertEqual(len(serve.stored()), statuses.count(201) + 1 + (status == 201))

    def test_scanners_do_not_fill_the_log(self):
        serve = self.serve()
        connection = serve.connect()
        for _ in range(500):
            connection.request("GET", "/report")
            connection.getresponse().read()
        connection.close()
        self.assertEqual(serve.post(report(1))[0], 201)
        self.assertEqual(serve.stop(), 0)
        self.assertLessEqual(len(serve.log().splitlines()), 70)
        self.assertEqual(dict(serve.query("SELECT name, value FROM counter"))
                         ["https_refused_method"], 500)

    def test_malformed_requests_harm_nobody(self):
        serve = self.serve()
        for junk in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 1000,
                     b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
                     b"POST /report HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
                     b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999"
                     b"\r\n\r\n",
                     b"POST /report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"ffffffffffffffffffff\r\n",
                     b"POST /%00/../report HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                     b"POST /report HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"\0" * 10_000):
            with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
                try:
                    client.sendall(junk)
                    client.shutdown(socket.SHUT_WR)
                    answer = client.recv(4096)
                except OSError:  # it may have closed the connection at any of these
                    answer = b""
                self.assertNotRegex(answer, rb"^HTTP/1.1 2", junk[:80])
        self.assertEqual(serve.post(report(1))[0], 201)
        self.assertEqual(serve.stop(), 0)


if __name__ == "__main__":
    unittest.main()
