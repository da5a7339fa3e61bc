#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What an administrator asks about a collector: does an outcome arrive, what has been counted."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import BUILD, PROGRAM, TIMEOUT, Collector, wait_until  # noqa: E402

REPORTER = BUILD / "sender" / "opentlsrpt-reporter"
GOOD = b'{"d":"good.example","policies":[{"policy-type":9,"t":0,"f":0}]}'


class CollectorStatusTest(unittest.TestCase):
    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)

    def run_program(self, program, *arguments):
        return subprocess.run([program, *arguments, "-c", self.collector.config],
                              capture_output=True, text=True, timeout=2 * TIMEOUT, check=False)

    def send_test(self, *arguments):
        return self.run_program(PROGRAM, "--test-datagram", *arguments)

    def test_a_test_datagram_says_that_it_arrived_on_each_socket(self):
        second = self.collector.folder / "second.sock"
        self.collector.keys["OutcomeSocket"] = f"{self.collector.socket_path},{second}"
        self.collector.start()
        done = self.send_test()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        for line, path in zip(lines, (self.collector.socket_path, second)):
            self.assertRegex(line, f"^{re.escape(str(path))}: an outcome for "
                                   r"test-[0-9a-f]{16}\.opentlsrpt\.invalid arrived and was counted$")

    def test_a_test_datagram_says_what_stands_in_the_way(self):
        self.collector.start()
        self.collector.stop(signal.SIGKILL)
        done = self.send_test()
        self.assertEqual(done.returncode, 74)
        self.assertIn("Connection refused: nobody listens any more", done.stderr)
        self.collector.socket_path.unlink()
        done = self.send_test()
        self.assertEqual(done.returncode, 66)
        self.assertIn("there is no such socket", done.stderr)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(self.collector.socket_path))
            done = self.send_test()
        self.assertEqual(done.returncode, 75)
        self.assertIn("took the outcome, but it was not counted within 11 s", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_a_test_datagram_is_sent_as_the_user_of_the_mta(self):
        self.collector.keys["OutcomeSocketMode"] = "0600"
        self.collector.start()
        done = self.send_test("-u", "nobody")
        self.assertEqual(done.returncode, 77)
        self.assertIn("Permission denied: user 65534 may not write to it", done.stderr)
        self.assertEqual(self.send_test().returncode, 0)

    def test_status_shows_what_was_counted_and_the_last_bad_datagram(self):
        self.collector.keys["MaximumKeys"] = "2"
        self.collector.start()
        self.collector.send([GOOD] * 5)
        self.collector.wait_for_read(5)
        self.collector.send([b"\x1b[31mjunk"] +
                            [b'{"d":"d%d.example","policies":[{"policy-type":9,"f":0}]}' % i
                             for i in range(4)])
        self.collector.wait_for_read(10)
        done = self.run_program(REPORTER, "status")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in (r"^read +10$", r"^counted +9$", r"^bad-not-json +1$", r"^keys +2$",
                     r"^overflow-sessions +3$", r" 3 successes and 0 failures without domain",
                     r"^Last bad datagram, not-json, at ", r"^Last written .*Z, \d+ s ago\.$"):
            self.assertRegex(done.stdout, re.compile(line, re.MULTILINE))
        self.assertNotIn("\x1b", done.stdout)
        metrics = self.run_program(REPORTER, "status", "--prometheus").stdout
        self.assertIn("\nopentlsrpt_collector_read_total 10\n", metrics)
        self.assertIn('\nopentlsrpt_collector_bad_total{reason="not-json"} 1\n', metrics)
        for line in metrics.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[a-z-]+"\})? \d+)$')

    def test_status_without_a_database_says_what_to_do(self):
        self.collector.write_config()
        done = self.run_program(REPORTER, "status")
        self.assertEqual(done.returncode, 66)
        self.assertIn("has the collector been started?", done.stderr)

    def test_sockets_of_both_kinds_can_come_from_systemd(self):
        self.collector.keys["OutcomeSocket"] = "/nowhere/s"
        self.collector.keys["OutcomeStreamSocket"] = "/nowhere/t"
        self.collector.write_config()
        sockets = []
        for kind, name in ((socket.SOCK_DGRAM, "tlsrpt.sock"), (socket.SOCK_DGRAM, "two.sock"),
                           (socket.SOCK_STREAM, "lines.sock")):
            one = socket.socket(socket.AF_UNIX, kind)
            self.addCleanup(one.close)
            one.bind(str(self.collector.folder / name))
            if kind == socket.SOCK_STREAM:
                one.listen()
            sockets.append(one)
        with open(self.collector.log_path, "ab") as log:
            self.collector.process = subprocess.Popen(
                ["/bin/bash", "-c", 'n=3; for fd in $1; do eval "exec $((n + 100))<&$fd"; '
                 'n=$((n + 1)); done; for i in 3 4 5; do eval "exec $i<&$((i + 100))"; done; shift; '
                 'LISTEN_PID=$$ LISTEN_FDS=3 exec "$@"', "bash",
                 " ".join(str(one.fileno()) for one in sockets), PROGRAM, "-f", "-c",
                 self.collector.config],
                pass_fds=[one.fileno() for one in sockets], stderr=log)
        wait_until(lambda: "socket=inherited" in self.collector.log(), "the start")
        self.collector.send([GOOD] * 2)
        self.collector.socket_path = self.collector.folder / "two.sock"
        self.collector.send([GOOD] * 3)
        self.collector.say(GOOD + b"\n")
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums(), (6, 0))


if __name__ == "__main__":
    unittest.main()
