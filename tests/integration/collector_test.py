#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-collector as a process: what it is sent, what it stores, how it stops and starts."""

import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import (PROGRAM, SOURCE, TIMEOUT, Collector, recorded_datagrams,  # noqa: E402
                               utc_day, wait_until)

GOOD = b'{"d":"good.example","policies":[{"policy-type":9,"t":0,"f":0}]}'
BAD = {
    "empty": b"",
    "too-large": b'{"d":"' + b"x" * (300 << 10) + b'"}',
    "not-json": b"\xff\xfe{{{{",
    "wrong-type": b'{"d":[1],"policies":"x"}',
    "unknown-version": b'{"dpv":"2","d":"a.example","policies":[{"policy-type":9,"f":0}]}',
    "missing-domain": b'{"policies":[{"policy-type":9,"f":0}]}',
    "invalid-domain": b'{"d":"a b","policies":[{"policy-type":9,"f":0}]}',
    "no-policies": b'{"d":"a.example","policies":[]}',
    "too-many-policies": b'{"d":"many.example","policies":['
                         + b",".join([b'{"policy-type":9,"f":0}'] * 65) + b"]}",
    "unknown-policy-type": b'{"d":"a.example","policies":[{"policy-type":7,"f":0}]}',
    "invalid-result": b'{"d":"a.example","policies":[{"policy-type":9,"f":-1}]}',
}


class CollectorTest(unittest.TestCase):
    def collector(self, **keys):
        collector = Collector(**keys)
        self.addCleanup(collector.close)
        return collector

    def test_every_recorded_datagram_is_counted_as_it_says(self):
        datagrams = recorded_datagrams()
        self.assertGreater(len(datagrams), 100)
        collector = self.collector().start()
        collector.send(datagrams)
        self.assertEqual(collector.stop(), 0)
        policies = [p for line in datagrams for p in json.loads(line)["policies"]]
        failures = sum(p["f"] for p in policies)
        self.assertEqual(collector.sums(), (len(policies) - failures, failures))
        details = sum(len(p.get("failure-details", [])) for p in policies)
        self.assertEqual(
            collector.query("SELECT sum(sessions) FROM outcome_detail"), [(details,)])
        domains = {json.loads(line)["d"].lower() for line in datagrams}
        self.assertEqual({row[0] for row in collector.query("SELECT domain FROM outcome")},
                         domains)
        self.assertIn(f"collector-stats read={len(datagrams)} counted={len(datagrams)} bad=0",
                      collector.log())

    def test_term_right_after_a_burst_loses_nothing(self):
        collector = self.collector(FlushInterval="60s").start()
        for sent in (5000, 10000):
            collector.send([GOOD] * 5000)
            self.assertEqual(collector.stop(), 0)
            self.assertEqual(collector.sums(), (sent, 0))
            self.assertFalse(collector.socket_path.exists())
            collector.start()

    def test_kill_9_costs_nothing_that_was_flushed(self):
        collector = self.collector().start()
        collector.send([GOOD] * 300)
        collector.wait_for_read(300)
        collector.stop(signal.SIGKILL)
        self.assertEqual(collector.sums(), (300, 0))
        # The stale inode is taken over, and the counts go on.
        self.assertTrue(collector.socket_path.exists())
        collector.start()
        collector.send([GOOD] * 7)
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums(), (307, 0))

    def test_bad_datagrams_cost_no_good_ones_and_are_counted_by_reason(self):
        collector = self.collector().start()
        for datagram in BAD.values():
            collector.send([GOOD, datagram, datagram, GOOD])
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums("good.example"), (2 * len(BAD), 0))
        # Of too many policies the first ones are counted.
        self.assertEqual(collector.sums("many.example"), (2 * 64, 0))
        for reason in BAD:
            self.assertEqual(collector.counter("bad-" + reason), 2, reason)
            # One line and one sample for each reason, however many came.
            self.assertEqual(collector.log().count(f"outcome-bad reason={reason} "), 1, reason)
        samples = dict(collector.query("SELECT reason, times FROM bad_sample"))
        self.assertEqual(samples, {reason: 2 for reason in BAD})

    def test_the_day_is_that_of_utc_whatever_the_time_zone(self):
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            collector = self.collector().start(environment={"TZ": zone})
            before = utc_day()
            collector.send([GOOD])
            self.assertEqual(collector.stop(), 0)
            days = [row[0] for row in collector.query("SELECT day FROM outcome")]
            self.assertEqual(len(days), 1)
            self.assertIn(days[0], range(before, utc_day() + 1))

    def test_bounds_of_keys_and_details_come_from_the_configuration(self):
        collector = self.collector(MaximumKeys="2", MaximumFailureDetails="2").start()
        datagrams = [b'{"d":"d%d.example","policies":[{"policy-type":9,"f":0}]}' % i
                     for i in range(5)]
        datagrams += [b'{"d":"d0.example","policies":[{"policy-type":9,"f":1,"failure-details":'
                      b'[{"c":205,"f":"r%d"}]}]}' % i for i in range(6)]
        collector.send(datagrams)
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.counter("overflow-sessions"), 3)
        self.assertEqual(collector.counter("folded-details"), 4)
        self.assertEqual(
            collector.query("SELECT sum(sessions) FROM outcome_detail"), [(6,)])
        self.assertIn("outcome-overflow sessions=3 keys=2", collector.log())
        self.assertIn("details-folded", collector.log())

    def test_a_locked_database_delays_counts_and_loses_none(self):
        collector = self.collector().start()
        with sqlite3.connect(collector.database, isolation_level=None) as lock:
            lock.execute("BEGIN IMMEDIATE")
            collector.send([GOOD] * 50)
            wait_until(lambda: "flush-failed error=temporary" in collector.log(), "the failure")
            collector.send([GOOD] * 50)
            lock.execute("ROLLBACK")
        wait_until(lambda: "flush-recovered" in collector.log(), "the recovery")
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums(), (100, 0))

    def test_hup_and_usr1_are_survived(self):
        collector = self.collector().start()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            collector.process.send_signal(number)
        wait_until(lambda: collector.log().count("signal-ignored") == 3, "the log lines")
        collector.send([GOOD])
        self.assertEqual(collector.stop(signal.SIGINT), 0)
        self.assertEqual(collector.sums(), (1, 0))

    def test_the_socket_has_its_mode_and_a_second_collector_is_refused(self):
        collector = self.collector(OutcomeSocketMode="0620").start()
        mode = collector.socket_path.stat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o620)
        second = subprocess.run([PROGRAM, "-f", "-c", collector.config], capture_output=True,
                                text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(second.returncode, 75)
        self.assertIn("another process listens on", second.stderr)
        collector.send([GOOD])
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums(), (1, 0))

    def test_a_file_in_the_place_of_the_socket_is_not_touched(self):
        collector = self.collector()
        collector.socket_path.write_text("precious")
        collector.start(wait=False)
        self.assertEqual(collector.process.wait(TIMEOUT), 78)
        self.assertIn("is no socket", collector.log())
        self.assertEqual(collector.socket_path.read_text(), "precious")

    def test_a_path_that_is_too_long_and_a_missing_folder_say_what_to_do(self):
        collector = self.collector(OutcomeSocket="/" + "x" * 108)
        collector.start(wait=False)
        self.assertEqual(collector.process.wait(TIMEOUT), 78)
        self.assertIn("at most 107", collector.log())
        collector.keys["OutcomeSocket"] = str(collector.folder / "none" / "s")
        collector.start(wait=False)
        self.assertEqual(collector.process.wait(TIMEOUT), 78)
        self.assertIn(f"install -d -o root -g postfix -m 2750 {collector.folder}/none",
                      collector.log())

    def test_check_only_names_every_error_on_a_line_of_its_own(self):
        collector = self.collector(Database="oracle:x", OutcomeSocketGroup="no-such-group",
                                   FlushInterval="never")
        collector.write_config()
        check = subprocess.run([PROGRAM, "-n", "-c", collector.config], capture_output=True,
                               text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(check.returncode, 78)
        lines = check.stderr.splitlines()
        self.assertEqual(len(lines), 3, check.stderr)
        written = collector.config.read_text().splitlines()
        for word in ("oracle:x", "no-such-group", "never"):
            number = next(i for i, line in enumerate(written, 1) if word in line)
            told = [line for line in lines if line.startswith(f"{collector.config}:{number}: ")]
            self.assertEqual(len(told), 1, check.stderr)
            self.assertIn(word, told[0])
        self.assertFalse(collector.socket_path.exists())

    def test_check_only_accepts_a_good_configuration_and_binds_nothing(self):
        collector = self.collector()
        collector.write_config()
        check = subprocess.run([PROGRAM, "-n", "-c", collector.config], capture_output=True,
                               text=True, timeout=TIMEOUT, check=False)
        self.assertEqual((check.returncode, check.stderr), (0, ""))
        self.assertFalse(collector.socket_path.exists())
        self.assertFalse(collector.database.exists())

    def test_version_and_usage(self):
        version = subprocess.run([PROGRAM, "-V"], capture_output=True, text=True, timeout=TIMEOUT,
                                 check=False)
        self.assertEqual(version.returncode, 0)
        self.assertIn("SQLite 3.", version.stdout)
        usage = subprocess.run([PROGRAM, "-Q"], capture_output=True, text=True, timeout=TIMEOUT,
                               check=False)
        self.assertEqual(usage.returncode, 64)
        self.assertIn("usage:", usage.stderr)

    def test_a_socket_passed_by_systemd_is_used_and_left_alone(self):
        collector = self.collector()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as passed:
            passed.bind(str(collector.socket_path))
            # What came before the start waits in the kernel.
            collector.send([GOOD] * 3)
            # LISTEN_PID must be that of the program, so a shell sets it just before exec.
            collector.write_config()
            with open(collector.log_path, "ab") as log:
                collector.process = subprocess.Popen(
                    ["/bin/sh", "-c", 'fd=$1; shift; if [ "$fd" != 3 ]; then eval "exec 3<&$fd"; '
                     'fi; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", str(passed.fileno()),
                     PROGRAM, "-f", "-c", collector.config],
                    pass_fds=[passed.fileno()], stderr=log)
            wait_until(lambda: "socket=inherited" in collector.log(), "the start")
            collector.send([GOOD] * 4)
            self.assertEqual(collector.stop(), 0)
            self.assertTrue(collector.socket_path.exists())
            self.assertEqual(collector.sums(), (7, 0))

    def test_the_manual_lists_every_log_word_and_counter(self):
        words = set("bad-" + reason for reason in BAD)
        for source in (SOURCE / "sender").glob("*.cpp"):
            text = source.read_text()
            if source.name in ("collector.cpp", "bad_outcomes.cpp", "opentlsrpt_collector.cpp",
                               "receiver.cpp", "storer.cpp"):
                words |= set(re.findall(r'LogLine\("([a-z-]+)"', text))
            words |= set(re.findall(r'add_counter\("([a-z-]+)"', text))
            words |= set(re.findall(r'counters_\["([a-z-]+)"\]', text))
        self.assertGreater(len(words), 20)
        page = (SOURCE / "man" / "opentlsrpt-collector.8").read_text()
        listed = set(re.findall(r"[a-z][a-z-]+", page.split(".Sh DIAGNOSTICS")[1]))
        self.assertEqual(words - listed, set())

    def test_background_returns_when_ready_and_the_pid_file_names_the_process(self):
        collector = self.collector(Background="yes")
        collector.keys["PidFile"] = str(collector.folder / "%p.pid")
        collector.write_config()
        subprocess.run([PROGRAM, "-c", collector.config], timeout=TIMEOUT, check=True)
        pid_file = collector.folder / "opentlsrpt-collector.pid"
        pid = int(pid_file.read_text())
        try:
            collector.send([GOOD])
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not pid_file.exists(), "the end")
        self.assertEqual(collector.sums(), (1, 0))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_root_gives_the_socket_away_and_becomes_the_user(self):
        collector = self.collector(UserID="nobody", OutcomeSocketGroup="mail")
        os.chown(collector.database.parent, 65534, -1)
        collector.start()
        status = collector.socket_path.stat()
        self.assertEqual(status.st_uid, 65534)
        self.assertEqual(collector.socket_path.group(), "mail")
        uids = pathlib.Path(f"/proc/{collector.process.pid}/status").read_text()
        self.assertIn("Uid:\t65534\t65534\t65534\t65534", uids)
        collector.send([GOOD])
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums(), (1, 0))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to start as another user")
    def test_a_folder_without_permission_is_a_clear_error(self):
        collector = self.collector(OutcomeSocketGroup='""')
        collector.start(wait=False, user="nobody")
        self.assertEqual(collector.process.wait(TIMEOUT), 77, collector.log())
        self.assertIn(f"cannot bind {collector.socket_path}: Permission denied", collector.log())


if __name__ == "__main__":
    unittest.main()
