# SPDX-License-Identifier: BSD-2-Clause
"""Reports posted to servers that answer, refuse, hang, lie and are not what they seem: each has its
end, and it comes in time."""

import email.utils
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

TOOL = Path(os.environ["OPENTLSRPT_BUILD"]) / "tests" / "post_tool"
TIMEOUT = 2  # for servers that make a post last that long
PATIENT = 30  # for those that answer: a busy machine may need much longer than a moment
SLACK = 4  # what a busy machine may add
BODY = b"\x1f\x8b" + bytes(range(256)) * 20
GIGABYTE = 1 << 30
ALL_OF_LOOPBACK = "127.0.0.0/8"


class PostCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.file = cls.folder / "report.json.gz"
        cls.file.write_bytes(BODY)
        cls.authority = Authority(cls.folder)
        cls.context = cls.authority.context("r.example", "127.0.0.1")

    def serve(self, behaviours=None, context=None, **more):
        """With a valid certificate unless told otherwise."""
        server = HttpsServer(context or self.context, behaviours, **more)
        return self.enterContext(server)

    def post(self, *uris, timeout=PATIENT, networks=(ALL_OF_LOOPBACK,), certificate="refuse",
             authorities=None, options=(), environment=None, file=None):
        """The results of all posts, or that of the only one."""
        command = [str(TOOL), "--timeout", str(timeout), "--certificate", certificate,
                   "--authorities", str(authorities or self.authority.certificate)]
        for network in networks:
            command += ["--network", network]
        done = subprocess.run([*command, *options, str(file or self.file), *uris],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, 0, done.stderr)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        return results if len(uris) > 1 else results[0]

    def post_to(self, server, path="/", **more):
        return self.post(f"https://127.0.0.1:{server.port}{path}", **more)

    def check(self, result, verdict, detail):
        self.assertEqual(result["verdict"], verdict, result)
        self.assertRegex(result["detail"], detail)
        self.assertEqual(result["destination_refused"], verdict == "permanent", result)


class Answers(PostCase):
    def check_answer(self, status, verdict, *fields, detail=None):
        server = self.serve({"/": answer(status, *fields)})
        result = self.post_to(server)
        self.check(result, verdict, f"^{status}$" if detail is None else detail)
        self.assertEqual(len(server.requests), 1)
        return result

    def test_every_2xx_is_a_success(self):  # R160
        for status in ("200 OK", "201 Created", "202 Accepted", "204 No Content"):
            self.check_answer(status, "accepted")

    def test_a_redirect_is_not_followed(self):  # R168
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect",
                       "308 Permanent Redirect"):
            self.check_answer(status, "permanent", "Location: /elsewhere",
                              detail=rf"^{status} \(not followed: /elsewhere\)$")

    def test_other_refusals_are_for_good(self):  # R162
        for status in ("400 Bad Request", "401 Unauthorized", "404 Not Found", "410 Gone"):
            self.check_answer(status, "permanent", "Retry-After: 5")

    def test_what_may_pass_is_tried_again(self):  # R161, R163
        self.assertEqual(self.check_answer("500 Oops", "temporary")["retry_after"], None)
        busy = self.check_answer("429 Too Many Requests", "temporary", "Retry-After: 120")
        self.assertEqual(busy["retry_after"], 120)
        date = email.utils.formatdate(time.time() + 3600, usegmt=True)
        busy = self.check_answer("503 Busy", "temporary", f"Retry-After: {date}")
        self.assertAlmostEqual(busy["retry_after"], 3600, delta=60)
        busy = self.check_answer("503 Busy", "temporary", "Retry-After: 999999999")
        self.assertEqual(busy["retry_after"], 24 * 3600)

    def test_interim_answers_are_none(self):
        def interim(connection, request):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                               b"Link: </x>\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        self.check(self.post_to(self.serve({"/": interim})), "temporary", "^503 Busy$")

    def test_a_refusal_may_come_before_the_report_has(self):
        big = self.folder / "big"
        big.write_bytes(bytes(8 << 20))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            client = self.start(f"https://127.0.0.1:{port}/", big)
            with self.context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
                result = json.loads(client.communicate(timeout=60)[0])
        self.check(result, "permanent", "^413 Too Large$")

    def start(self, uri, file):
        return subprocess.Popen(
            [str(TOOL), "--network", ALL_OF_LOOPBACK, "--timeout", str(PATIENT), "--authorities",
             str(self.authority.certificate), str(file), uri], stdout=subprocess.PIPE, text=True)


class Requests(PostCase):
    def test_bears_what_it_must_and_nothing_else(self):  # R155-R159, R171
        home = self.folder / "home"
        home.mkdir()
        (home / ".netrc").write_text("machine 127.0.0.1 login l password p\n")
        context = self.authority.context("127.0.0.1")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(self.authority.certificate)
        server = self.serve({"/": answer("200 OK", "Set-Cookie: a=b")}, context)
        proxy = f"http://127.0.0.1:{server.port}"
        target = "/a%2fb/../c/./d?x=%2C&y=[z]"
        uri = f"https://127.0.0.1:{server.port}"
        self.post(f"{uri}/", f"{uri}{target}#part", environment={
            "HOME": str(home), "https_proxy": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy})
        self.assertEqual(len(server.requests), 2)
        for request, wanted in zip(server.requests, ("/", target)):
            self.assertEqual((request.method, request.target), ("POST", wanted))
            self.assertEqual(request.body, BODY)
            fields = dict(request.fields)
            self.assertRegex(fields.pop("User-Agent"), r"^OpenTLSRPT/\d")
            self.assertEqual(fields, {"Host": f"127.0.0.1:{server.port}", "Accept": "*/*",
                                      "Content-Type": "application/tlsrpt+gzip",
                                      "Content-Length": str(len(BODY))})
            self.assertFalse(request.client_certificate)

    def test_are_the_same_octets_each_time(self):  # R172
        answers = iter([answer("503 Busy"), answer("200 OK")])
        server = self.serve({"/": lambda *arguments: next(answers)(*arguments)})
        first, second = self.post_to(server), self.post_to(server)
        self.assertEqual((first["verdict"], second["verdict"]), ("temporary", "accepted"))
        self.assertEqual([request.body for request in server.requests], [BODY, BODY])
        self.assertEqual(server.requests[0].fields, server.requests[1].fields)

    def test_keep_their_connection(self):
        server = self.serve({"/": answer("200 OK", body=b"thanks")})
        results = self.post(*3 * [f"https://127.0.0.1:{server.port}/"])
        self.assertEqual({result["verdict"] for result in results}, {"accepted"})
        self.assertEqual((server.connections, len(server.requests)), (1, 3))

    def test_survive_that_a_kept_connection_is_gone(self):
        def once(connection, request):
            answer("200 OK")(connection, request)
            return False
        server = self.serve({"/": once})
        results = self.post(*3 * [f"https://127.0.0.1:{server.port}/"])
        self.assertEqual([result["verdict"] for result in results], 3 * ["accepted"])


class BadServers(PostCase):
    def check_bounded(self, server, verdict, detail, seconds, **more):
        begin = time.monotonic()
        result = self.post_to(server, timeout=TIMEOUT, **more)
        self.assertLess(time.monotonic() - begin, seconds + SLACK)
        self.check(result, verdict, detail)

    def check_behaviour(self, behaviour, verdict, detail, seconds=0):
        self.check_bounded(self.serve({"/": behaviour}), verdict, detail, seconds)

    def sending(self, *pieces, forever=None, pause=0):
        """A behaviour that sends the pieces, and the last one again and again until it is
        stopped; without it, hangs."""
        def send(connection, request):
            for piece in pieces:
                connection.sendall(piece)
            while forever is not None:
                connection.sendall(forever)
                time.sleep(pause)
            connection.recv(1)
            return False
        return send

    def test_that_hang(self):  # R170
        hangs = [(), (b"HTTP/1.1 2",), (b"HTTP/1.1 200 OK\r\n",),
                 (b"HTTP/1.1 200 OK\r\nContent-Le",)]
        for pieces in hangs:
            self.check_behaviour(self.sending(*pieces), "temporary", "timed out", TIMEOUT)

    def test_that_do_not_even_greet(self):
        self.check_bounded(self.serve(context=SILENT), "temporary", "(?i)time", TIMEOUT)

    def test_that_cannot_be_connected_to(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        result = self.post(f"https://127.0.0.1:{port}/")
        self.check(result, "temporary", "(?i)connect")

    def test_that_end_the_connection(self):
        def crash(connection, request):
            reset(connection)
        self.check_behaviour(crash, "temporary", ".")
        self.check_behaviour(lambda connection, request: False, "temporary", ".")

    def test_whose_header_has_no_end(self):
        endless = [(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
                   (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 9999),
                   (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)]
        for begin, forever in endless:
            self.check_behaviour(self.sending(begin, forever=forever), "temporary",
                                 "^the header of the answer is too large$")
        slow = self.sending(b"HTTP/1.1 200 OK\r\n", forever=b"X: y\r\n", pause=0.2)
        self.check_behaviour(slow, "temporary", "timed out", TIMEOUT)

    def test_that_took_the_report_and_send_far_too_much(self):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {GIGABYTE}\r\n\r\n".encode()
        sent = []

        def flood(connection, request):
            connection.sendall(head)
            while True:
                connection.sendall(bytes(1 << 16))
                sent.append(1 << 16)
        self.check_behaviour(flood, "accepted", "^200 OK$")
        self.assertLess(sum(sent), GIGABYTE // 10)

    def test_that_took_the_report_and_do_not_end(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        length = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n"
        for behaviour in (self.sending(chunked, forever=b"1\r\nx\r\n", pause=0.1),
                          self.sending(length, b"x"), self.sending(chunked, b"nonsense\r\n")):
            self.check_behaviour(behaviour, "accepted", "^20[01] ", TIMEOUT)

        def cut(connection, request):
            connection.sendall(length)
            return False
        self.check_behaviour(cut, "accepted", "^201 Created$")

    def test_that_go_on_after_their_answer_are_not_waited_for(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
        begin = time.monotonic()
        self.check(self.post_to(self.serve({"/": self.sending(head)})), "accepted", "^200 OK$")
        self.assertLess(time.monotonic() - begin, PATIENT / 2)

    def test_that_refuse_at_great_length(self):
        head = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n"
        self.check_behaviour(self.sending(head, forever=bytes(1 << 16)), "temporary", "^503 Busy$")

    def test_that_speak_no_tls(self):  # R167
        server = self.enterContext(HttpsServer(None, {"/": answer("200 OK")}))
        self.check_bounded(server, "temporary", "(?i)ssl", 0, certificate="tolerate")
        self.assertEqual(server.requests, [])

    def test_that_speak_old_tls_only(self):
        context = self.authority.context("127.0.0.1")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        server = self.serve({"/": answer("200 OK")}, context)
        self.check(self.post_to(server, certificate="tolerate"), "temporary", ".")
        self.assertEqual(server.requests, [])


class Certificates(PostCase):
    def check_bad(self, context, reason):  # R165, R166
        server = self.serve({"/": answer("200 OK")}, context)
        self.check(self.post_to(server), "temporary", f"^certificate not valid: .*{reason}")
        self.assertEqual(server.requests, [])
        tolerated = self.post_to(server, certificate="tolerate")
        self.check(tolerated, "accepted", rf"^200 OK \(certificate not verified: .*{reason}.*\)$")
        self.assertEqual([request.body for request in server.requests], [BODY])

    def test_expired(self):
        self.check_bad(self.authority.context("127.0.0.1", expired=True), "expired")

    def test_of_another_name(self):
        self.check_bad(self.authority.context("other.example", "192.0.2.1"), "127.0.0.1")

    def test_self_signed(self):
        self.check_bad(self.authority.context("127.0.0.1", self_signed=True), "self-signed")

    def test_bad_ones_of_a_server_that_also_refuses(self):
        context = self.authority.context("127.0.0.1", expired=True)
        result = self.post_to(self.serve({}, context), certificate="tolerate")
        self.check(result, "permanent", r"^404 Not Found \(certificate not verified: .*\)$")

    def test_cannot_be_judged_without_authorities(self):
        server = self.serve({"/": answer("200 OK")})
        nowhere = self.folder / "nowhere.pem"
        self.check(self.post_to(server, authorities=nowhere), "temporary", "nowhere.pem")
        tolerated = self.post_to(server, authorities=nowhere, certificate="tolerate")
        self.check(tolerated, "accepted", "not verified: .*nowhere.pem")

    def test_bad_ones_cost_one_more_handshake_and_no_more(self):
        context = self.authority.context("127.0.0.1", expired=True)
        server = self.serve({"/": answer("200 OK")}, context)
        self.post(*3 * [f"https://127.0.0.1:{server.port}/"], certificate="tolerate")
        self.assertEqual(len(server.requests), 3)
        self.assertLessEqual(server.connections, 6)


class Stop(PostCase):
    def check_aborted(self, port):
        begin = time.monotonic()
        result = self.post(f"https://127.0.0.1:{port}/", options=("--stop-after", "300"))
        self.check(result, "aborted", "stopped")
        self.assertLess(time.monotonic() - begin, 2 + SLACK)

    def test_ends_the_wait_for_an_answer(self):
        def hang(connection, request):
            connection.recv(1)
        self.check_aborted(self.serve({"/": hang}).port)

    def test_ends_a_handshake(self):
        self.check_aborted(self.serve(context=SILENT).port)

    def test_ends_a_connect(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            waiting = [socket.socket() for _ in range(4)]  # the kernel drops what comes behind
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            self.check_aborted(full.getsockname()[1])
            for client in waiting:
                client.close()


class Addresses(PostCase):
    def test_that_are_not_public_are_refused(self):  # R169
        server = self.serve({"/": answer("200 OK")})
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
                     "[2002:7f00:1::]", "10.0.0.1", "169.254.169.254", "0.0.0.0"):
            result = self.post(f"https://{host}:{server.port}/", networks=())
            self.check(result, "permanent", "is no public address, nor in PostNetworks$")
        self.assertEqual(server.connections, 0)

    def test_cannot_be_hidden_in_other_spellings(self):
        server = self.serve({"/": answer("200 OK")})
        for host in ("2130706433", "0x7f000001", "127.1", "0177.0.0.1", "127.0.0.1%2f.example",
                     "8.8.8.8@127.0.0.1"):
            result = self.post(f"https://{host}:{server.port}/", networks=())
            self.check(result, "permanent", ".")
        self.assertEqual(server.connections, 0)

    def test_of_ipv6(self):
        try:
            server = self.serve({"/": answer("200 OK")}, self.authority.context("::1"),
                                address="::1")
        except OSError:
            self.skipTest("no IPv6 here")
        result = self.post(f"https://[::1]:{server.port}/", networks=("::1",))
        self.check(result, "accepted", "^200 OK$")
        self.assertEqual(dict(server.requests[0].fields)["Host"], f"[::1]:{server.port}")


@unittest.skipIf(UnboundServer.missing(), f"not installed: {UnboundServer.missing()}")
class Names(PostCase):
    def setUp(self):
        self.dns = self.enterContext(UnboundServer({"r.example": self.zone("127.0.0.2")}))
        self.allowed = self.serve({"/": answer("200 OK")}, address="127.0.0.2")
        # The inside of the network, on the same port.
        self.inside = self.serve({"/": answer("200 OK")}, address="127.0.0.1",
                                 port=self.allowed.port)

    @staticmethod
    def zone(*addresses, name="@"):
        return "\n".join(f"{name} A {address}" for address in addresses)

    def post_to_name(self, name="r.example", networks=("127.0.0.2",), server=None):
        options = ("--nameserver", server or self.dns.address, "--dns-timeout", "1000")
        return self.post(f"https://{name}:{self.allowed.port}/", networks=networks,
                         options=options)

    def check_only_allowed(self, count):
        self.assertEqual(len(self.allowed.requests), count)
        self.assertEqual(self.inside.connections, 0)

    def test_are_looked_up_and_verified(self):
        self.check(self.post_to_name("R.example."), "accepted", "^200 OK$")
        self.assertEqual(dict(self.allowed.requests[0].fields)["Host"],
                         f"r.example:{self.allowed.port}")
        self.check_only_allowed(1)

    def test_that_lead_inside_later_are_refused_then(self):  # DNS rebinding
        self.check(self.post_to_name(), "accepted", "^200 OK$")
        self.dns.set_zones({"r.example": self.zone("127.0.0.1")})
        self.check(self.post_to_name(), "permanent", r"^127\.0\.0\.1 is no public address")
        self.check_only_allowed(1)

    def test_that_lead_inside_as_well_are_posted_to_outside_only(self):
        self.dns.set_zones({"r.example": self.zone("127.0.0.1", "127.0.0.2", "10.0.0.1")})
        for _ in range(4):
            self.check(self.post_to_name(), "accepted", "^200 OK$")
        self.check_only_allowed(4)

    def test_that_lead_inside_are_not_tried_when_the_outside_is_dead(self):
        self.dns.set_zones({"r.example": self.zone("127.0.0.1", "127.0.0.3")})
        self.check(self.post_to_name(networks=("127.0.0.3",)), "temporary", ".")
        self.check_only_allowed(0)

    def test_are_not_asked_of_anybody_else(self):
        # This machine's own resolver knows these from /etc/hosts.
        for name in ("ip6-localhost", "ip6-loopback"):
            self.check(self.post_to_name(name), "temporary", "^DNS: no such host$")
        self.check_only_allowed(0)

    def test_without_an_address_are_tried_again(self):
        self.dns.set_zones({"r.example": "@ TXT \"x\"", "bogus.example": Zone(
            self.zone("127.0.0.2"), signed=True, bogus=True)})
        self.check(self.post_to_name(), "temporary", "^DNS: the host has no address$")
        self.check(self.post_to_name("no.r.example"), "temporary", "^DNS: no such host$")
        self.check(self.post_to_name("bogus.example"), "temporary", "^DNS: SERVFAIL")

    def test_are_not_waited_for_without_end(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            begin = time.monotonic()
            result = self.post_to_name(server=f"127.0.0.1:{silent.getsockname()[1]}")
        self.check(result, "temporary", "^DNS: timeout")
        self.assertLess(time.monotonic() - begin, 2 + SLACK)


if __name__ == "__main__":
    unittest.main()
