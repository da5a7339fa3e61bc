# SPDX-License-Identifier: BSD-2-Clause
"""DNS answers as common/dns.hpp gives them: from a real validating resolver, and from servers that
are dead, slow or hostile."""

import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from unbound_server import UnboundServer, Zone, free_port  # noqa: E402

TOOL = Path(os.environ["OPENTLSRPT_BUILD"]) / "tests" / "dns_tool"
# For servers that make a call last until its timeout, and for those that answer: a busy machine may
# need much longer than a moment for that.
TIMEOUT_MS = 1000
PATIENT_MS = 10000
# What a busy machine may add to the timeout before a call counts as unbounded.
SLACK_SECONDS = 3

BIG = " ".join('"' + 250 * letter + '"' for letter in "abcdefghijklmnopqrstuvwx")
ZONES = {
    "plain.example": f"""
        @           MX     20 mx2
        @           MX     10 MX1
        mx1         A      127.0.0.1
        mx1         A      192.0.2.7
        mx1         AAAA   2001:DB8:0:0:0:0:0:25
        null        MX     0 .
        _smtp._tls  TXT    "v=TLSRPTv1;rua=mai" "lto:r@plain.example"
        several     TXT    "v=spf1 -all"
        several     TXT    "v=TLSRPTv1;rua=mailto:r@plain.example"
        short 30    TXT    "x"
        alias 20    CNAME  short
        far         CNAME  _smtp._tls.signed.example.
        nowhere     CNAME  no.plain.example.
        nodata      CNAME  mx1
        loop1       CNAME  loop2
        loop2       CNAME  loop1
        big         TXT    {BIG}
    """,
    "signed.example": Zone(f"""
        _smtp._tls  TXT    "v=TLSRPTv1;rua=mailto:r@signed.example"
        _25._tcp.mx TLSA   3 1 1 {64 * "a"}
        _25._tcp.mx TLSA   2 0 2 {128 * "b"}
        mx          A      127.0.0.2
        out         CNAME  _smtp._tls.plain.example.
        in          CNAME  _smtp._tls
    """, signed=True),
    "bogus.example": Zone('_smtp._tls TXT "v=TLSRPTv1;rua=mailto:r@bogus.example"',
                          signed=True, bogus=True),
    "xn--bcher-kva.example": '@ TXT "idn"',
}


def run_tool(servers, kind, name, timeout_ms=PATIENT_MS, threads=1):
    options = [word for server in servers for word in ("--server", server)]
    return subprocess.run(
        [str(TOOL), *options, "--timeout", str(timeout_ms), "--threads", str(threads), kind, name],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def ask(servers, kind, name, **options):
    done = run_tool(servers, kind, name, **options)
    if done.returncode != 0:
        raise AssertionError(f"dns_tool ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[0])


@unittest.skipIf(UnboundServer.missing(), f"not installed: {UnboundServer.missing()}")
class ValidatingResolver(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = UnboundServer(ZONES)
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)

    def ask(self, kind, name):
        return ask([self.dns.address], kind, name)

    def check(self, kind, name, status, records=(), authenticated=False):
        answer = self.ask(kind, name)
        self.assertEqual(answer["status"], status, f"{answer}\n{self.dns.log()}")
        self.assertEqual(answer["records"], list(records))
        self.assertEqual(answer["authenticated"], authenticated)
        return answer

    def test_signed_zone_is_authenticated(self):
        self.check("txt", "_smtp._tls.signed.example", "found",
                   ["v=TLSRPTv1;rua=mailto:r@signed.example"], authenticated=True)
        self.check("a", "mx.signed.example", "found", ["127.0.0.2"], authenticated=True)

    def test_unsigned_zone_is_not_authenticated_and_strings_are_joined(self):  # R11, R38
        self.check("txt", "_smtp._tls.plain.example", "found",
                   ["v=TLSRPTv1;rua=mailto:r@plain.example"])

    def test_bogus_zone_is_a_failure_and_not_an_absence(self):  # R35
        answer = self.check("txt", "_smtp._tls.bogus.example", "failed")
        self.assertRegex(answer["detail"], r"^SERVFAIL \(EDE \d+")

    def test_absent_names_and_types(self):
        self.assertEqual(self.check("txt", "no.plain.example", "no_name")["ttl"], 60)
        self.assertEqual(self.check("txt", "mx1.plain.example", "no_data")["ttl"], 60)
        self.check("txt", "no.signed.example", "no_name", authenticated=True)
        self.check("tlsa", "mx.signed.example", "no_data", authenticated=True)

    def test_aliases_are_followed(self):  # R33
        self.check("txt", "far.plain.example", "found", ["v=TLSRPTv1;rua=mailto:r@signed.example"])
        self.check("txt", "in.signed.example", "found", ["v=TLSRPTv1;rua=mailto:r@signed.example"],
                   authenticated=True)
        # The end of this alias is not signed, so the whole answer is not.
        self.check("txt", "out.signed.example", "found", ["v=TLSRPTv1;rua=mailto:r@plain.example"])
        self.check("txt", "nowhere.plain.example", "no_name")
        self.check("txt", "nodata.plain.example", "no_data")

    def test_alias_loop_is_a_failure(self):  # R34
        self.check("txt", "loop1.plain.example", "failed")

    def test_ttl_is_the_smallest_of_the_answer(self):
        self.assertLessEqual(self.ask("txt", "short.plain.example")["ttl"], 30)
        self.assertLessEqual(self.ask("txt", "alias.plain.example")["ttl"], 20)

    def test_mx_by_preference(self):
        self.check("mx", "plain.example", "found",
                   [[10, "mx1.plain.example"], [20, "mx2.plain.example"]])

    def test_null_mx(self):
        self.check("mx", "null.plain.example", "found", [[0, "."]])

    def test_tlsa(self):
        answer = self.ask("tlsa", "_25._tcp.mx.signed.example")
        self.assertEqual(sorted(answer["records"]), [[2, 0, 2, 128 * "b"], [3, 1, 1, 64 * "a"]])
        self.assertTrue(answer["authenticated"])

    def test_addresses(self):
        answer = self.ask("a", "mx1.plain.example")
        self.assertEqual(sorted(answer["records"]), ["127.0.0.1", "192.0.2.7"])
        self.check("aaaa", "mx1.plain.example", "found", ["2001:db8::25"])

    def test_every_record_of_a_name_is_given(self):
        answer = self.ask("txt", "several.plain.example")
        self.assertEqual(sorted(answer["records"]),
                         ["v=TLSRPTv1;rua=mailto:r@plain.example", "v=spf1 -all"])

    def test_long_text_comes_over_tcp(self):
        self.check("txt", "big.plain.example", "found", [BIG.replace('"', "").replace(" ", "")])

    def test_spelling_of_the_name_does_not_matter(self):  # R2, R3
        self.check("a", "MX.Signed.Example.", "found", ["127.0.0.2"], authenticated=True)
        self.check("txt", "b\u00fccher.example", "found", ["idn"])

    def test_many_threads_share_one_object(self):
        done = run_tool([self.dns.address], "txt", "_smtp._tls.signed.example", threads=32)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([answer["records"] for answer in answers],
                         32 * [["v=TLSRPTv1;rua=mailto:r@signed.example"]])

    def test_second_server_is_asked_where_the_first_is_dead(self):
        dead = f"127.0.0.1@{free_port()}"
        answer = ask([dead, self.dns.address], "a", "mx.signed.example")
        self.assertEqual(answer["records"], ["127.0.0.2"])

    def test_zones_can_be_changed(self):
        with UnboundServer({"plain.example": '@ TXT "old"'}) as dns:
            self.assertEqual(ask([dns.address], "txt", "plain.example")["records"], ["old"])
            dns.set_zones({"plain.example": '@ TXT "new"'})
            self.assertEqual(ask([dns.address], "txt", "plain.example")["records"], ["new"])


# ---- servers that misbehave ----

TXT, CNAME, SOA, MX = 16, 5, 6, 15
NAME = "x.example"
POINTER_TO_QUESTION = b"\xc0\x0c"


def encode_name(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, rdata, ttl=300):
    owner = encode_name(owner) if isinstance(owner, str) else owner
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(rdata)) + rdata


def txt(text, owner=POINTER_TO_QUESTION, ttl=300):
    return record(owner, TXT, bytes([len(text)]) + text.encode(), ttl)


def reply(query, answers=(), authority=(), flags=0x8180):
    question = query[12:query.index(b"\0", 12) + 5]
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), len(authority), 0)
    return head + question + b"".join(answers) + b"".join(authority)


def name_of(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels)


class FakeServer:
    """Answers each datagram with what on_udp(query) returns (a list of messages), and each TCP
    connection with on_tcp(connection, query). Remembers the datagrams and where they came from."""

    def __init__(self, on_udp, on_tcp=None):
        self.queries, self.sources = [], []
        self._on_udp, self._on_tcp = on_udp, on_tcp
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", port))
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._tcp.bind(("127.0.0.1", port))
        self._tcp.listen()
        self._threads = [threading.Thread(target=self._serve_udp)]
        if on_tcp is not None:
            self._threads.append(threading.Thread(target=self._serve_tcp))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        port = self._udp.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"end", ("127.0.0.1", port))
        if self._on_tcp is not None:
            socket.create_connection(("127.0.0.1", port)).close()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self):
        while True:
            query, source = self._udp.recvfrom(4096)
            if query == b"end":
                return
            self.queries.append(query)
            self.sources.append(source)
            for message in self._on_udp(query):
                self._udp.sendto(message, source)

    def _serve_tcp(self):
        while True:
            connection, _ = self._tcp.accept()
            with connection:
                query = connection.recv(4096)
                if not query:
                    return
                try:
                    self._on_tcp(connection, query[2:])
                except OSError:
                    pass  # the other side had enough


class MisbehavingServer(unittest.TestCase):
    def check(self, on_udp, status, on_tcp=None, kind="txt", timeout_ms=PATIENT_MS):
        """Asks such a server; the call must end in time. Returns the answer."""
        with FakeServer(on_udp, on_tcp) as server:
            start = time.monotonic()
            answer = ask([server.address], kind, NAME, timeout_ms=timeout_ms)
            elapsed = time.monotonic() - start
        self.assertEqual(answer["status"], status, answer)
        self.assertLess(elapsed, timeout_ms / 1000 + SLACK_SECONDS)
        if status == "failed":
            self.assertEqual((answer["records"], answer["authenticated"]), ([], False))
        return answer

    def test_well_behaved_server_gives_an_answer(self):
        answer = self.check(lambda query: [reply(query, [txt("hello")])], "found")
        self.assertEqual(answer["records"], ["hello"])

    def test_nobody_listens(self):
        start = time.monotonic()
        answer = ask([f"127.0.0.1:{free_port()}"], "txt", NAME, timeout_ms=TIMEOUT_MS)
        self.assertEqual((answer["status"], answer["detail"]), ("failed", "connection refused"))
        self.assertLess(time.monotonic() - start, TIMEOUT_MS / 1000 + SLACK_SECONDS)

    def test_silence(self):
        self.assertEqual(self.check(lambda query: [], "failed", timeout_ms=TIMEOUT_MS)["detail"],
                         "timeout")

    def test_lost_question_is_asked_again(self):
        seen = []

        def second_time_only(query):
            seen.append(query)
            return [reply(query, [txt("again")])] if len(seen) == 2 else []

        self.assertEqual(self.check(second_time_only, "found", timeout_ms=4000)["records"],
                         ["again"])
        self.assertNotEqual(seen[0][:2], seen[1][:2])

    def test_messages_that_answer_something_else_are_ignored(self):
        def strays(query):
            good = reply(query, [txt("good")])
            other_id = bytes([query[0] ^ 1]) + good[1:]
            other_name = good.replace(b"\x01x", b"\x01y", 1)
            other_type = reply(query.replace(b"\0\x10\0\x01", b"\0\x0f\0\x01"), [txt("bad")])
            own_question = query
            return [b"", b"garbage", good[:11], other_id, other_name, other_type, own_question,
                    good[:2] + b"\xa9" + good[3:]]

        self.assertEqual(self.check(strays, "failed", timeout_ms=TIMEOUT_MS)["detail"], "timeout")
        answer = self.check(lambda query: strays(query) + [reply(query, [txt("good")])], "found")
        self.assertEqual(answer["records"], ["good"])

    def test_flood_of_wrong_ids_ends_the_question(self):
        def flood(query):
            good = reply(query, [txt("bad")])
            return [bytes([query[0] ^ 1]) + good[1:]] * 100

        answer = self.check(flood, "failed")
        self.assertIn("another question", answer["detail"])

    def test_answer_from_another_address_is_ignored(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            with FakeServer(lambda query: other.sendto(
                    reply(query, [txt("bad")]), server.sources[-1]) and []) as server:
                answer = ask([server.address], "txt", NAME, timeout_ms=TIMEOUT_MS)
        self.assertEqual((answer["status"], answer["detail"]), ("failed", "timeout"))

    def test_refusals_are_named_and_the_next_server_is_asked(self):
        for rcode, word in ((1, "FORMERR"), (2, "SERVFAIL"), (4, "NOTIMP"), (5, "REFUSED"),
                            (9, "RCODE 9")):
            with FakeServer(lambda query: [reply(query, flags=0x8180 | rcode)]) as bad:
                answer = ask([bad.address], "txt", NAME)
                self.assertEqual((answer["status"], answer["detail"]), ("failed", word))
                self.assertEqual(len(bad.queries), 1)
                with FakeServer(lambda query: [reply(query, [txt("second")])]) as good:
                    answer = ask([bad.address, good.address], "txt", NAME)
            self.assertEqual(answer["records"], ["second"])

    def test_what_a_server_said_is_told_rather_than_that_another_was_silent(self):
        with FakeServer(lambda query: [reply(query, flags=0x8182)]) as first, \
                FakeServer(lambda query: []) as second:
            answer = ask([first.address, second.address], "txt", NAME, timeout_ms=4 * TIMEOUT_MS)
        self.assertEqual(answer["detail"], "SERVFAIL")

    def test_truncated_answer_is_asked_for_again_over_tcp(self):
        def on_tcp(connection, query):
            message = reply(query, [txt(200 * "a") for _ in range(20)])
            framed = struct.pack("!H", len(message)) + message
            for i in range(0, len(framed), 700):
                connection.sendall(framed[i:i + 700])

        answer = self.check(lambda query: [reply(query, flags=0x8380)], "found", on_tcp)
        self.assertEqual(answer["records"], 20 * [200 * "a"])

    def test_tcp_that_misbehaves(self):
        def truncated(query):
            return [reply(query, flags=0x8380)]

        def drip(connection, query):
            for _ in range(600):
                connection.sendall(b"\x7f")
                time.sleep(0.1)

        def hang(connection, query):
            connection.recv(1)  # until the other side closes

        for on_tcp, detail in (
                (lambda connection, query: None, "connection closed"),
                (lambda connection, query: connection.sendall(b"\0\0"),
                 "malformed answer over TCP"),
                (lambda connection, query: connection.sendall(b"\xff\xff" + query),
                 "connection closed"),
                (lambda connection, query: connection.sendall(
                    struct.pack("!H", len(query)) + query), "malformed answer over TCP"),
                (drip, "timeout"),
                (hang, "timeout")):
            slow = detail == "timeout"
            answer = self.check(truncated, "failed", on_tcp,
                                timeout_ms=TIMEOUT_MS if slow else PATIENT_MS)
            self.assertIn(answer["detail"], (detail, "connection reset by peer"))

    def test_aliases_of_several_packets_are_followed(self):  # R33
        plain, authentic = 0x8180, 0x81a0
        for first, last in ((plain, authentic), (authentic, plain), (authentic, authentic)):
            def next_name(query):
                name = name_of(query)
                if name == "z.example":
                    return [reply(query, [txt("end", ttl=9)], flags=last)]
                target, flags = ("y.example", first) if name == NAME else ("z.example", authentic)
                alias = record(POINTER_TO_QUESTION, CNAME, encode_name(target))
                return [reply(query, [alias], flags=flags)]

            answer = self.check(next_name, "found")
            self.assertEqual((answer["records"], answer["ttl"]), (["end"], 9))
            self.assertEqual(answer["authenticated"], first == last == authentic)

    def test_alias_loops_and_long_chains_fail(self):  # R34
        def loop_in_packet(query):
            return [reply(query, [record(NAME, CNAME, encode_name("y.example")),
                                  record("y.example", CNAME, encode_name(NAME))])]

        def endless(query):
            return [reply(query, [record(POINTER_TO_QUESTION, CNAME,
                                         b"\x01a" + encode_name(name_of(query)))])]

        def to_itself(query):
            return [reply(query, [record(POINTER_TO_QUESTION, CNAME, POINTER_TO_QUESTION)])]

        for on_udp in (loop_in_packet, endless, to_itself):
            self.assertIn("CNAME loop", self.check(on_udp, "failed")["detail"])

    def test_absence_without_soa_may_not_be_remembered(self):
        for flags, status in ((0x8180, "no_data"), (0x8183, "no_name")):
            answer = self.check(lambda query: [reply(query, flags=flags)], status)
            self.assertEqual(answer["ttl"], 0)

    def test_negative_ttl_is_the_smaller_of_the_two(self):  # R37
        soa = encode_name("") + encode_name("") + struct.pack("!IIIII", 1, 1, 1, 1, 60)
        for ttl, wanted in ((300, 60), (40, 40), (0x80000001, 0)):
            authority = [record("example", SOA, soa, ttl)]
            answer = self.check(lambda query: [reply(query, authority=authority)], "no_data")
            self.assertEqual(answer["ttl"], wanted)

    def test_records_of_other_names_are_not_taken(self):
        answer = self.check(lambda query: [reply(query, [txt("bad", "y.example")])], "no_data")
        self.assertEqual(answer["records"], [])

    def test_number_of_records_is_bounded(self):
        def many(count):
            return lambda query: [reply(query, [txt(str(i)) for i in range(count)])]

        self.assertEqual(len(self.check(many(100), "found")["records"]), 100)
        self.assertEqual(self.check(many(101), "failed")["detail"], "101 records, at most 100")

    def test_hosts_that_are_no_names_are_skipped_and_counted(self):
        good = record(POINTER_TO_QUESTION, MX, b"\0\x0a" + encode_name("mx.example"))
        bad = record(POINTER_TO_QUESTION, MX, b"\0\x05" + b"\x03a\0b\x00")
        dot = record(POINTER_TO_QUESTION, MX, b"\0\x06" + b"\x03a.b\x00")
        answer = self.check(lambda query: [reply(query, [bad, good, dot])], "found", kind="mx")
        self.assertEqual(answer["records"], [[10, "mx.example"]])
        self.assertEqual(answer["detail"], "2 malformed records skipped")
        self.check(lambda query: [reply(query, [bad])], "failed", kind="mx")

    def test_damaged_packets_never_do_harm(self):
        chance = random.Random(8460)

        def damaged(query):
            message = bytearray(reply(query, [
                record(POINTER_TO_QUESTION, CNAME, encode_name("y.example")),
                txt("text", "y.example"), record("y.example", MX, b"\0\x01\xc0\x0c")]))
            first = message.index(b"\xc0\x0c")
            for _ in range(chance.randint(1, 4)):
                message[chance.randrange(first, len(message))] = chance.randrange(256)
            return [bytes(message[:chance.randint(first, len(message))])]

        with FakeServer(damaged) as server:
            for _ in range(150):
                answer = ask([server.address], "txt", NAME, timeout_ms=300)
                self.assertIn(answer["status"], ("found", "no_name", "no_data", "failed"))
            self.assertGreaterEqual(len(server.queries), 150)

    def test_questions_are_hard_to_guess_and_ask_for_the_ad_bit(self):
        with FakeServer(lambda query: [reply(query, [txt("x")])]) as server:
            for _ in range(10):
                ask([server.address], "txt", "X.Example.")
        self.assertGreater(len({query[:2] for query in server.queries}), 5)
        self.assertGreater(len({source[1] for source in server.sources}), 5)
        for query in server.queries:
            self.assertEqual(query[2:4], b"\x01\x20")  # RD, AD
            self.assertEqual(name_of(query), NAME)
            self.assertEqual(query[-11:], b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0))  # no DO


class Settings(unittest.TestCase):
    def test_a_name_that_is_none_is_not_asked(self):
        with FakeServer(lambda query: []) as server:
            for name in ("", "a b", "a..b", 64 * "a"):
                answer = ask([server.address], "txt", name)
                self.assertEqual((answer["status"], answer["detail"]), ("failed", "no domain name"))
        self.assertEqual(server.queries, [])

    def test_bad_settings_are_refused(self):
        self.assertEqual(run_tool(["dns.example"], "txt", NAME).returncode, 78)
        self.assertEqual(run_tool(["127.0.0.1"], "txt", NAME, timeout_ms=0).returncode, 78)


if __name__ == "__main__":
    unittest.main()
