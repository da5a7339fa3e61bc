#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The stream socket of opentlsrpt-collector: outcomes as lines, from well-behaved and other ends."""

import pathlib
import socket
import stat
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import TIMEOUT, Collector, recorded_datagrams, wait_until  # noqa: E402

GOOD = b'{"d":"good.example","policies":[{"policy-type":9,"t":0,"f":0}]}'


class StreamTest(unittest.TestCase):
    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.collector.keys["OutcomeStreamSocket"] = str(self.collector.stream_path)

    def test_lines_count_as_datagrams_do(self):
        lines = recorded_datagrams()
        self.collector.start()
        self.assertEqual(self.collector.say(b"\n".join(lines)), b"")
        self.assertEqual(self.collector.stop(), 0)
        rows = ("SELECT day, domain, policy_key, successes, failures FROM outcome "
                "ORDER BY day, domain, policy_key")
        counted = self.collector.query(rows)
        others = Collector().start()
        self.addCleanup(others.close)
        others.send(lines)
        self.assertEqual(others.stop(), 0)
        self.assertEqual(others.query(rows), counted)
        self.assertGreater(len(counted), 10)

    def test_a_line_in_pieces_and_without_end_is_one_line(self):
        self.collector.start()
        with self.collector.connect() as client:
            for at in range(len(GOOD)):
                client.sendall(GOOD[at:at + 1])
            client.sendall(b"\r\n\r\n" + GOOD)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (2, 0))
        self.assertEqual(self.collector.counter("read"), 2)

    def test_a_bad_line_costs_itself_only(self):
        self.collector.start()
        too_long = b'{"d":"' + b"x" * (300 << 10) + b'"}'
        self.collector.say(b"\n".join([GOOD, b"{{{", GOOD, too_long, GOOD]) + b"\n")
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (3, 0))
        self.assertEqual(self.collector.counter("bad-not-json"), 1)
        self.assertEqual(self.collector.counter("bad-too-large"), 1)

    def test_two_hundred_connections_at_once_are_all_heard(self):
        self.collector.start()
        clients = []
        # More than may be open wait in the kernel, with what they said.
        for _ in range(200):
            clients.append(self.collector.connect())
            clients[-1].sendall(GOOD + b"\n")
        for client in clients:
            client.close()
        self.collector.wait_for_read(200)
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (200, 0))

    def test_slow_and_endless_writers_keep_nobody_waiting(self):
        self.collector.start()
        stop = threading.Event()

        def endless():
            with self.collector.connect() as client:
                try:
                    while not stop.is_set():
                        client.sendall(b"x" * 65536)
                except OSError:
                    pass  # hung up on

        writer = threading.Thread(target=endless)
        writer.start()
        idle = [self.collector.connect() for _ in range(40)]
        for client in idle:
            client.sendall(GOOD[:10])
        begin = time.monotonic()
        self.collector.send([GOOD] * 5000)
        self.assertEqual(self.collector.say(GOOD), b"")
        self.assertLess(time.monotonic() - begin, 9)  # not one had to go first
        wait_until(lambda: self.collector.counter("stream-timeouts") >= 41, "the hang-ups")
        for client in idle:
            self.assertEqual(client.recv(1), b"")
            client.close()
        stop.set()
        writer.join(TIMEOUT)
        self.assertIn("stream-timeout connections=", self.collector.log())
        rss = pathlib.Path(f"/proc/{self.collector.process.pid}/status").read_text()
        self.assertLess(int(rss.split("VmHWM:")[1].split()[0]), 100 << 10)
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (5001, 0))
        self.assertEqual(self.collector.counter("bad-too-large"), 1)

    def test_the_end_counts_what_was_said_and_removes_both_sockets(self):
        self.collector.start()
        clients = [self.collector.connect() for _ in range(100)]
        for client in clients:
            client.sendall(GOOD + b"\n" + GOOD)
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (200, 0))
        self.assertFalse(self.collector.stream_path.exists())
        self.assertFalse(self.collector.socket_path.exists())
        for client in clients:
            client.close()

    def test_it_has_the_permissions_of_the_other_and_takes_over_a_stale_one(self):
        self.collector.keys["OutcomeSocketMode"] = "0620"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
            stale.bind(str(self.collector.stream_path))
        self.collector.start()
        mode = self.collector.stream_path.stat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o620)
        self.assertEqual(self.collector.say(GOOD), b"")
        second = Collector()
        self.addCleanup(second.close)
        second.keys["OutcomeStreamSocket"] = str(self.collector.stream_path)
        second.start(wait=False)
        self.assertEqual(second.process.wait(TIMEOUT), 75)
        self.assertIn("another process listens on", second.log())
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (1, 0))


if __name__ == "__main__":
    unittest.main()
