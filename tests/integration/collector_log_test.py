#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-collector follows the log of a Postfix: each session is counted once, whatever happens
to the log or to the collector.

Environment: OPENTLSRPT_KILLS, how often it is killed; OPENTLSRPT_LOG_LINES, how many lines the test
of the speed reads.
"""

import datetime
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import Collector, utc_day, wait_until  # noqa: E402
from unbound_server import UnboundServer  # noqa: E402

KILLS = int(os.environ.get("OPENTLSRPT_KILLS", "30"))
LINES = int(os.environ.get("OPENTLSRPT_LOG_LINES", "1000000"))
DOMAINS = 2000
ZONE = "test"


def zones(domains=DOMAINS):
    """Each domain wants reports, but those whose number ends in 9."""
    lines = []
    for number in range(domains):
        if number % 10 != 9:
            lines.append(f'_smtp._tls.d{number} TXT "v=TLSRPTv1;rua=mailto:r@d{number}.{ZONE}"')
        lines.append(f"mx.d{number} A 192.0.2.{number % 250 + 1}")
    return {ZONE: "\n".join(lines) + "\n"}


def stamp(moment=None):
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def session(number, domain, moment=None, host="out1"):
    """One session of smtp(8), in two lines, by one of 50 processes."""
    pid = 4000 + number % 50
    mx = f"mx.d{domain}.{ZONE}[192.0.2.{domain % 250 + 1}]:25"
    when = stamp(moment)
    return (f"{when} {host} postfix/smtp[{pid}]: Trusted TLS connection established to {mx}: "
            "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange x25519 "
            "server-signature ECDSA (prime256v1) server-digest SHA256\n"
            f"{when} {host} postfix/smtp[{pid}]: {number:X}AbCdEf: to=<u@d{domain}.{ZONE}>, "
            f"relay={mx}, delay=0.6, delays=0.1/0/0.3/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)\n")


def noise(number, moment=None):
    """Five lines of other programs."""
    when = stamp(moment)
    return "".join(
        f"{when} out1 {program}: {number:X}: some text about message {number}\n"
        for program in ("postfix/cleanup[77]", "postfix/qmgr[78]", "dovecot", "rspamd[9]",
                        "postfix/smtpd[80]"))


def wants_reports(domain):
    return domain % 10 != 9


class LogTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        missing = UnboundServer.missing()
        if missing:
            raise unittest.SkipTest(f"not installed: {missing}")
        cls.dns = UnboundServer(zones())
        cls.dns.__enter__()
        cls.addClassCleanup(cls.dns.__exit__, None, None, None)

    def setUp(self):
        self.collector = Collector(Nameserver=self.dns.address)
        self.addCleanup(self.collector.close)
        self.path = self.collector.folder / "mail.log"
        self.collector.keys["LogFile"] = str(self.path)
        self.path.touch()
        self.number = 0
        self.expected = 0

    def start(self):
        before = self.collector.log().count("log-followed") if self.collector.log_path.exists() else 0
        self.collector.start()
        wait_until(lambda: self.collector.log().count("log-followed") > before, "the log")

    def sessions(self, count):
        """Lines of so many sessions, with what other programs write between them."""
        text = []
        for _ in range(count):
            self.number += 1
            domain = self.number * 7 % DOMAINS
            self.expected += wants_reports(domain)
            text.append(session(self.number, domain))
            if self.number % 3 == 0:
                text.append(noise(self.number))
        return "".join(text)

    def write(self, count):
        with open(self.path, "a", encoding="ascii") as log:
            log.write(self.sessions(count))

    def stored(self):
        return sum(self.collector.sums())

    def wait_for_all(self):
        wait_until(lambda: self.stored() >= self.expected, f"{self.expected} sessions")

    def check(self):
        """Stops the collector: then all that was read is in the database."""
        self.wait_for_all()
        self.assertEqual(self.collector.stop(), 0, self.collector.log())
        self.assertEqual(self.stored(), self.expected, self.collector.log())

    def test_only_what_comes_after_the_first_start_is_counted(self):
        self.path.write_text(self.sessions(50))
        self.expected = 0
        self.start()
        self.write(100)
        self.check()
        rows = self.collector.query("SELECT DISTINCT day, policy_type, failures FROM outcome")
        self.assertEqual(rows, [(utc_day(), "no-policy-found", 0)])
        self.assertEqual(self.collector.counter("log-no-record"), 10)
        self.assertEqual(self.collector.counter("log-sessions"), 100)

    def test_sessions_belong_to_the_day_of_the_log(self):
        """R325: not to the one on which they are read; and not if it is long past."""
        now = datetime.datetime.now(datetime.timezone.utc)
        self.start()
        with open(self.path, "a", encoding="ascii") as log:
            for days in (0, 1, 3, 30):
                log.write(session(days, 1, now - datetime.timedelta(days=days)))
        self.expected = 3
        self.check()
        days = [row[0] for row in self.collector.query("SELECT day FROM outcome ORDER BY day")]
        self.assertEqual(days, [utc_day() - 3, utc_day() - 1, utc_day()])
        self.assertEqual(self.collector.counter("log-wrong-day"), 1)

    def test_rotation_by_rename_while_it_runs_and_while_it_does_not(self):
        self.start()
        for turn in range(4):
            self.write(50)
            if turn == 2:
                self.collector.stop()
            for older in range(turn, 0, -1):
                os.rename(f"{self.path}.{older}", f"{self.path}.{older + 1}")
            os.rename(self.path, f"{self.path}.1")
            with open(f"{self.path}.1", "a", encoding="ascii") as log:
                log.write(self.sessions(20))  # its writer has not noticed yet
            self.write(30)
            if turn == 2:
                self.start()
            if turn < 2:
                self.wait_for_all()
        self.check()

    def test_rotation_by_copy_and_cut(self):
        self.start()
        for turn in range(3):
            self.write(50)
            self.wait_for_all()
            if turn == 1:
                self.collector.stop()
                self.write(20)
            shutil.copyfile(self.path, f"{self.path}.1")
            os.truncate(self.path, 0)
            self.write(10)
            if turn == 1:
                self.start()
            self.wait_for_all()
        self.check()

    def test_half_a_session_before_the_kill_and_half_of_it_after(self):
        self.start()
        lines = session(49, 1).splitlines(keepends=True)
        with open(self.path, "a", encoding="ascii") as log:
            log.write(lines[0])
            log.flush()
            self.write(10)
            self.wait_for_all()
            self.collector.process.kill()
            self.collector.process.wait()
            self.start()
            with open(self.path, "a", encoding="ascii") as again:
                again.write(lines[1])
        self.expected += 1
        self.check()
        self.assertEqual(self.collector.sums(f"d1.{ZONE}")[0] >= 1, True)

    def test_killed_again_and_again_while_the_log_grows_and_is_rotated(self):
        """R326: a restart loses nothing and counts nothing twice."""
        writing = threading.Event()
        writing.set()

        def write():
            while writing.is_set():
                self.write(200)
                time.sleep(0.005)

        writer = threading.Thread(target=write)
        self.start()
        writer.start()
        try:
            for turn in range(KILLS):
                time.sleep(random.uniform(0, 0.8))
                self.collector.process.send_signal(signal.SIGKILL)
                self.collector.process.wait()
                if turn % 5 == 4:
                    for older in range(turn // 5, 0, -1):
                        os.rename(f"{self.path}.{older}", f"{self.path}.{older + 1}")
                    os.rename(self.path, f"{self.path}.1")
                self.collector.start()
        finally:
            writing.clear()
            writer.join()
        wait_until_long(lambda: self.stored() >= self.expected, 120, "all sessions")
        self.check()
        print(f"{KILLS} kills, {self.number} sessions, {self.expected} of them to be counted, "
              f"{self.stored()} counted", file=sys.stderr)

    def test_datagrams_cannot_forge_what_only_a_log_may_say(self):
        self.start()
        position = b"\x01opentlsrpt-log P 99 99 0\nx\nx\n" + str(self.path).encode()
        outcome = (b"\x01opentlsrpt-log O 1 1 %d " % utc_day() +
                   b'{"d":"forged.test","policies":[{"policy-type":9,"f":0}]}')
        self.collector.send([position, outcome])
        wait_until(lambda: self.collector.counter("bad-not-json") == 2, "two bad datagrams")
        self.assertEqual(self.collector.sums("forged.test"), (0, 0))
        generations = self.collector.query("SELECT generation FROM log_position")
        self.assertEqual(generations, [(1,)])
        self.write(10)
        self.check()

    def test_speed(self):
        """A log of many lines that has to be caught up with: one session in seven lines."""
        self.start()
        wait_until(lambda: self.collector.query("SELECT 1 FROM log_position"), "the place")
        self.collector.stop()
        moment = datetime.datetime.now(datetime.timezone.utc)
        count = LINES // 7
        with open(self.path, "a", encoding="ascii") as log:
            for number in range(count):
                log.write(session(number, number % DOMAINS, moment) + noise(number, moment))
        self.expected = sum(wants_reports(number % DOMAINS) for number in range(count))
        begin = time.monotonic()
        self.collector.start()
        wait_until_long(lambda: self.stored() >= self.expected, 120, "all sessions")
        seconds = time.monotonic() - begin
        fields = pathlib.Path(f"/proc/{self.collector.process.pid}/stat").read_text().split(") ")[1]
        cpu = sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
        print(f"{7 * count} lines in {seconds:.2f} s, {7 * count / seconds:.0f} lines/s; "
              f"{cpu:.2f} s of CPU, {7 * count / cpu:.0f} lines each", file=sys.stderr)
        self.check()


def wait_until_long(condition, patience, what):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("timed out waiting for " + what)


if __name__ == "__main__":
    unittest.main()
