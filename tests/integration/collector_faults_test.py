#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-collector while the disk is full, the database locked, the clock odd, and datagrams
damaged: what was good is counted exactly."""

import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import Collector, recorded_datagrams, wait_until  # noqa: E402
from loop_support import faketime_library  # noqa: E402

DAY = 86400
MIDNIGHT = 20500 * DAY  # 2026-02-16 00:00:00 UTC


def good(domain="good.example", result=0):
    return (b'{"d":"%b","policies":[{"policy-type":9,"f":%d}]}' % (domain.encode(), result))


def mount(folder, kilobytes):
    """A small file system of memory; False where this may not be done."""
    folder.mkdir(exist_ok=True)
    return os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "tmpfs", folder],
        check=False, capture_output=True).returncode == 0


def fill(folder):
    """Takes all that is free of a small file system."""
    path = folder / "filler"
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, b"x" * 1024):
            pass
    except OSError:
        os.close(file)
    return path


class CollectorFaultsTest(unittest.TestCase):
    def collector(self, **keys):
        collector = Collector(**keys)
        self.addCleanup(collector.close)
        return collector

    def small_disk(self, folder, kilobytes):
        if not mount(folder, kilobytes):
            self.skipTest("a file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)

    def test_a_full_disk_delays_counts_and_loses_none(self):
        collector = self.collector()
        self.small_disk(collector.database.parent, 600)
        journal = collector.folder / "journal"
        journal.mkdir()
        collector.keys["JournalFolder"] = str(journal)
        collector.start()
        filler = fill(collector.database.parent)
        collector.send([good(f"d{number}.example") for number in range(2000)])
        wait_until(lambda: "flush-failed" in collector.log(), "the failure")
        collector.send([good()] * 500)
        # What waits outlives the process, too; but not what the kernel's queue still has.
        time.sleep(0.3)
        collector.stop(signal.SIGKILL)
        collector.start()
        collector.send([good()] * 500)
        wait_until(lambda: collector.log().count("flush-failed") == 2, "the second failure")
        filler.unlink()
        wait_until(lambda: "flush-recovered" in collector.log(), "the recovery")
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums("d%.example"), (2000, 0))
        self.assertEqual(collector.sums("good.example"), (1000, 0))

    def test_a_full_journal_is_told_and_costs_nothing_but_after_kill_9(self):
        collector = self.collector()
        journal = collector.folder / "journal"
        self.small_disk(journal, 64)
        collector.keys["JournalFolder"] = str(journal)
        collector.start()
        fill(journal)
        collector.send([good(f"d{number}.example") for number in range(3000)])
        wait_until(lambda: "journal-failed" in collector.log(), "the message")
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums("d%.example"), (3000, 0))

    def test_a_locked_database_at_the_end_leaves_the_rest_to_the_next(self):
        collector = self.collector(FlushInterval="60s").start()
        with sqlite3.connect(collector.database, isolation_level=None) as lock:
            lock.execute("BEGIN IMMEDIATE")
            collector.send([good()] * 700)
            begin = time.monotonic()
            self.assertEqual(collector.stop(), 0)
            self.assertLess(time.monotonic() - begin, 30)
            lock.execute("ROLLBACK")
        self.assertIn("outcomes-kept", collector.log())
        self.assertEqual(collector.sums(), (0, 0))
        collector.start()
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.sums(), (700, 0))

    @unittest.skipUnless(faketime_library(), "the package libfaketime is not installed")
    def test_days_turn_at_midnight_utc_and_when_the_clock_steps_back(self):
        collector = self.collector()
        clock = collector.folder / "clock"

        def set_clock(seconds):
            moment = time.gmtime(seconds)
            new = clock.with_suffix(".new")
            new.write_text("@" + time.strftime("%Y-%m-%d %H:%M:%S", moment) + "\n")
            new.rename(clock)

        set_clock(MIDNIGHT - 60)
        collector.start(environment={
            "LD_PRELOAD": faketime_library(), "FAKETIME_TIMESTAMP_FILE": str(clock), "TZ": "UTC",
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        expected = {}
        for number, offset in enumerate((-60, 5, -5, 10, DAY + 1, 20, -DAY - 5)):
            set_clock(MIDNIGHT + offset)
            sent = 10 + number
            collector.send([good()] * sent)
            collector.wait_for_read(sum(expected.values()) + sent)  # under this time
            day = (MIDNIGHT + offset) // DAY
            expected[day] = expected.get(day, 0) + sent
        self.assertEqual(collector.stop(), 0)
        rows = dict(collector.query("SELECT day, sum(successes) FROM outcome GROUP BY day"))
        self.assertEqual(rows, expected)
        self.assertEqual(len(rows), 4)

    def test_damaged_datagrams_cost_no_good_one(self):
        random.seed(8460)
        recorded = recorded_datagrams()
        collector = self.collector().start()
        for line in recorded:
            collector.send([line] + [damage(line) for _ in range(40)])
        collector.send(recorded)
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(collector.counter("read"), len(recorded) * 42)
        # A damaged one may still say something, of this domain or another; it never takes away.
        for line in recorded:
            outcome = json.loads(line)
            for policy in outcome["policies"]:
                counted = collector.sums(outcome["d"].lower())[policy["f"]]
                self.assertGreaterEqual(counted, 2, outcome["d"])
        bad = collector.query("SELECT sum(value) FROM collector_counter WHERE name LIKE 'bad-%'")
        self.assertGreater(bad[0][0], len(recorded))
        others = self.collector().start()
        others.send(recorded + recorded)
        self.assertEqual(others.stop(), 0)
        exact = "SELECT domain, policy_key, successes, failures FROM outcome"
        counted = {row[:2]: row[2:] for row in collector.query(exact)}
        for row in others.query(exact):
            self.assertGreaterEqual(counted[row[:2]], row[2:])


def damage(line):
    """The datagram with a few bytes changed, lost, repeated or put in."""
    data = bytearray(line)
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(data))
        kind = random.randrange(5)
        if kind == 0:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            del data[at:at + random.choice((1, 3, 50))]
        elif kind == 2:
            data[at:at] = data[at:at + random.choice((1, 10, 100))]
        elif kind == 3:
            data[at:at] = bytes(random.randrange(256) for _ in range(3))
        else:
            del data[at:]
        if not data:
            break
    return bytes(data)


if __name__ == "__main__":
    unittest.main()
