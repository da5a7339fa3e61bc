#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-collector is killed again and again while datagrams come in: what it may lose.

Environment: OPENTLSRPT_KILLS, how often.
"""

import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import PROGRAM, Collector, wait_until  # noqa: E402

KILLS = int(os.environ.get("OPENTLSRPT_KILLS", "40"))
BATCH = 64
DOMAINS = 300


def datagram(number):
    domain = b"d%d.example" % (number * number % DOMAINS)
    return (b'{"d":"%b","pr":"v=TLSRPTv1; rua=mailto:r@%b","policies":[{"policy-type":9,'
            b'"policy-domain":"%b","t":0,"f":%d}]}' % (domain, domain, domain, number % 2))


class Sender(threading.Thread):
    """Sends as fast as the socket takes it, and counts what the kernel has taken. Between two
    collectors it waits for the next one, so that only kill -9 itself can cost anything."""

    def __init__(self, path):
        super().__init__()
        self.path = str(path)
        self.sent = 0
        self.go = threading.Event()
        self.idle = threading.Event()
        self.ended = False
        self.datagrams = [datagram(number) for number in range(1000)]

    def run(self):
        while not self.ended:
            self.idle.set()
            self.go.wait()
            self.idle.clear()
            try:
                self.send_for_now()
            except OSError:
                pass  # the collector has gone

    def send_for_now(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0.2)
            sender.connect(self.path)
            while self.go.is_set():
                sender.send(self.datagrams[self.sent % len(self.datagrams)])
                self.sent += 1

    def pause(self):
        self.go.clear()
        self.idle.wait()

    def end(self):
        self.ended = True
        self.go.set()
        self.join()


class CollectorKillTest(unittest.TestCase):
    """The datagrams come in over a socket that the test holds, as systemd would: what waits in the
    kernel's queue while nobody runs is not lost, and can be told apart from what is."""

    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.collector.socket_path))
        self.collector.write_config()
        self.sender = Sender(self.collector.socket_path)
        self.sender.start()
        self.addCleanup(self.sender.end)

    def start(self):
        """With the socket as descriptor 3; LISTEN_PID has to be that of the program."""
        with open(self.collector.log_path, "ab") as log:
            begin = self.collector.log_path.stat().st_size
            self.collector.process = subprocess.Popen(
                ["/bin/sh", "-c", 'fd=$1; shift; if [ "$fd" != 3 ]; then eval "exec 3<&$fd"; fi; '
                 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", str(self.socket.fileno()),
                 PROGRAM, "-f", "-c", self.collector.config],
                pass_fds=[self.socket.fileno()], stderr=log)
        wait_until(lambda: b"collector-started" in self.collector.log_path.read_bytes()[begin:],
                   "the start")

    def stored(self):
        return sum(self.collector.sums())

    def lost(self):
        """How many are gone for good: another collector takes over and stores what is left."""
        self.start()
        self.assertEqual(self.collector.stop(), 0, self.collector.log())
        lost = self.sender.sent - self.stored()
        self.assertGreaterEqual(lost, 0, "more was counted than sent")
        return lost

    def kill(self):
        """At a random moment; of a process that stood still for a while, too."""
        self.start()
        self.sender.go.set()
        time.sleep(random.uniform(0, 1.3))
        if random.random() < 0.3:
            self.collector.process.send_signal(signal.SIGSTOP)
            time.sleep(random.uniform(0, 0.2))
            if random.random() < 0.5:
                self.collector.process.send_signal(signal.SIGCONT)
        self.collector.stop(signal.SIGKILL)
        self.sender.pause()

    def test_a_kill_costs_at_most_the_batch_in_hand_and_nothing_is_counted_twice(self):
        random.seed(8460)
        lost, unchecked = 0, 0
        for number in range(1, KILLS + 1):
            self.kill()
            unchecked += 1
            # Else the next one is killed perhaps while it takes over what this one has left.
            if random.random() < 0.5 and number < KILLS:
                continue
            before, lost = lost, self.lost()
            self.assertLessEqual(lost - before, unchecked * BATCH)
            unchecked = 0
        self.assertEqual(self.stored(), self.collector.counter("counted"))
        self.assertGreater(self.sender.sent, KILLS * 1000)
        self.assertIn("journal-replayed", self.collector.log())
        print(f"{KILLS} kills, {self.sender.sent} sent, {lost} lost (at most {BATCH} each)",
              file=sys.stderr)

    def test_a_stop_and_start_over_an_inherited_socket_costs_nothing(self):
        for _ in range(3):
            self.start()
            self.sender.go.set()
            time.sleep(0.3)
            self.assertEqual(self.collector.stop(), 0)
            self.sender.pause()
        self.start()
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.stored(), self.sender.sent)

    def test_a_process_that_was_stopped_for_a_while_goes_on(self):
        self.start()
        self.sender.go.set()
        for _ in range(5):
            time.sleep(0.2)
            self.collector.process.send_signal(signal.SIGSTOP)
            time.sleep(0.1)
            self.collector.process.send_signal(signal.SIGCONT)
        self.sender.pause()
        self.assertEqual(self.collector.stop(), 0)
        self.start()
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.stored(), self.sender.sent)


if __name__ == "__main__":
    unittest.main()
