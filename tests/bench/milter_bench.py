# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-milter on mail that is no report, beside a filter that does nothing, behind a real Postfix.

Messages a second as smtp-source sends them, in rounds that take turns; the ratio is that of each
round, so that what else the machine does touches both sides. The filter that does nothing runs
twice: how far the second one is from the first is what the figures are good for. The processor time of the filters
alone is the steadier figure. Then the memory for 1,000 connections. Environment: ROUNDS, MESSAGES.
"""

import os
import pwd
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ["OPENTLSRPT_SOURCE"]
BUILD = os.environ["OPENTLSRPT_BUILD"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "integration"))

# pylint: disable=wrong-import-position
import postfix_server
from milter_client import MilterClient
from milter_process import MilterProcess
from postfix_server import PostfixServer

ROUNDS = int(os.environ.get("ROUNDS", "7"))
MESSAGES = int(os.environ.get("MESSAGES", "3000"))
SESSIONS = 8
SIZE = 20_000
CONNECTIONS = 1000


def processor_seconds(process):
    """Of all its threads, also of those that have ended: the kernel's clock of that process."""
    return time.clock_gettime((~process << 3) | 2)  # what clock_getcpuclockid(3) gives


def resident_kilobytes(process):
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def proportional_kilobytes(process):
    """Pages that several processes share count for each of them as its part."""
    with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def children(process):
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


class IdleFilter:
    """The filter that does nothing."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-bench-")
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "idle.sock")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "tests", "bench", "accepting_filter"), "unix:" + self.path])
        deadline = time.monotonic() + 10
        while not os.path.exists(self.path) and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def send(postfix):
    """Seconds that it takes to hand all messages to Postfix."""
    begin = time.monotonic()
    # One message a connection: the dearest way for a filter.
    subprocess.run(["smtp-source", "-d", "-s", str(SESSIONS), "-l", str(SIZE), "-m", str(MESSAGES),
                    "-f", "a@friend.example", "-t", "someone@example.org",
                    f"inet:127.0.0.1:{postfix.port}"], check=True, timeout=600)
    return time.monotonic() - begin


def wait_until_quiet(postfix):
    """Delivery of the last round must not be paid by the next one."""
    postfix.wait_for_empty_queue(seconds=300)


class Side:
    """One of those that are compared: a Postfix of its own, and what it asks."""

    def __init__(self, name, milter, process):
        self.name, self.process = name, process
        self.rates, self.processor = [], []
        parameters = {"virtual_transport": "discard", "smtpd_peername_lookup": "no",
                      "default_process_limit": "100"}
        self.postfix = PostfixServer(
            smtpd_milters="{ unix:" + milter + ", default_action=tempfail }" if milter else "",
            parameters=parameters)
        self.postfix.start()

    def round(self):
        before = processor_seconds(self.process) if self.process else 0
        seconds = send(self.postfix)
        self.rates.append(MESSAGES / seconds)
        if self.process:
            self.processor.append((processor_seconds(self.process) - before) / MESSAGES * 1e6)
        wait_until_quiet(self.postfix)


def compare(sides):
    for side in sides:
        side.round()  # smtpd processes start, caches fill
        side.rates.clear()
        side.processor.clear()
    for number in range(ROUNDS):
        # Each side is first as often as the others.
        for side in sides[number % len(sides):] + sides[:number % len(sides)]:
            side.round()
    limit = sides[0]
    print(f"{ROUNDS} rounds of {MESSAGES} messages of {SIZE} bytes, {SESSIONS} sessions at a time, "
          "one message each")
    for side in sides:
        ratio = statistics.median(ours / base for ours, base in zip(side.rates, limit.rates))
        processor = (f"  {statistics.median(side.processor):6.1f} us of processor a message"
                     if side.processor else "")
        print(f"{side.name:34} {statistics.median(side.rates):7.1f} messages/s, "
              f"ratio {ratio:5.3f} (rounds {min(a / b for a, b in zip(side.rates, limit.rates)):.2f}"
              f" to {max(a / b for a, b in zip(side.rates, limit.rates)):.2f}){processor}")


def measure_memory(milter, path):
    """Memory of the filter with many connections in the middle of a message, and of its helpers."""
    before = resident_kilobytes(milter)
    open_ones = []
    for _ in range(CONNECTIONS):
        mta = MilterClient(path)
        mta.connect()
        mta.envelope("<a@friend.example>", ["<someone@example.org>"])
        open_ones.append(mta)
    time.sleep(0.5)
    after = resident_kilobytes(milter)
    spawners = children(milter)
    family = [milter, *spawners, *(reader for one in spawners for reader in children(one))]
    proportional = sum(proportional_kilobytes(process) for process in family)
    for mta in open_ones:
        mta.close()
    print(f"resident memory: filter {before * 1024 / 1e6:.1f} MB before, {after * 1024 / 1e6:.1f} MB "
          f"with {CONNECTIONS} connections, limit 15 MB; with its spawner and waiting readers, pages "
          f"that they share counted once: {proportional * 1024 / 1e6:.1f} MB")


def main():
    reason = postfix_server.skip_reason() or (
        None if shutil.which("smtp-source") else "there is no smtp-source")
    if reason:
        print("not measured: " + reason)
        return
    pwd.getpwnam("postfix")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    idle, idle_again = IdleFilter(), IdleFilter()
    sides = []
    try:
        with MilterProcess(Nameserver="127.0.0.1:1") as ours, \
                MilterProcess(Nameserver="127.0.0.1:1", ReportAddress="*") as by_header:
            measure_memory(ours.process.pid, ours.path())
            for name, path, process in (
                    ("a filter that accepts at DATA", idle.path, idle.process.pid),
                    ("the same once more", idle_again.path, idle_again.process.pid),
                    ("opentlsrpt-milter", ours.path(), ours.process.pid),
                    ("opentlsrpt-milter, ReportAddress *", by_header.path(),
                     by_header.process.pid),
                    ("no filter", None, None)):
                sides.append(Side(name, path, process))
            compare(sides)
    finally:
        for side in sides:
            side.postfix.stop()
        idle.stop()
        idle_again.stop()


if __name__ == "__main__":
    main()
