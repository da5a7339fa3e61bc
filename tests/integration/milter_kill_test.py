# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at random moments under a stream of reports: what got a 250 is in the store exactly once.

OPENTLSRPT_KILLS    how often the milter dies (200); its readers die besides
OPENTLSRPT_SEED     repeats the moments of an earlier run; how they fall also depends on the machine
"""

import collections
import os
import random
import signal
import smtplib
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_case import REPORT_ADDRESS, SENDER, MilterCase
from milter_process import children

KILLS = int(os.environ.get("OPENTLSRPT_KILLS", "200"))
SEED = int(os.environ.get("OPENTLSRPT_SEED", str(random.SystemRandom().randrange(1 << 32))))
SENDERS = 6
LONGEST = 0.15  # seconds between a start and the next kill


class Stream:
    """Clients that send one new report after the other, each until it got a 250, as an MTA does."""

    def __init__(self, case):
        self.case = case
        self.lock = threading.Lock()
        self.sent = []  # ids of reports that were begun
        self.acknowledged = []
        self.put_off = collections.Counter()
        self.faults = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,))
                        for number in range(SENDERS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def finish(self):
        """Lets every client end the report that it is at."""
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def _run(self, number):
        try:
            client = None
            count = 0
            while not self.ending.is_set():
                count += 1
                report_id = f"{number}.{count}@sender.example"
                mail = self.case.signed_report(report_id)
                with self.lock:
                    self.sent.append(report_id)
                client = self._deliver(client, report_id, mail)
            client.close()
        except Exception as error:  # pylint: disable=broad-except
            self.faults.append(error)

    def _deliver(self, client, report_id, mail):
        """The connection, for the next one."""
        deadline = time.monotonic() + 60
        while True:
            try:
                client = client or self.case.mta.connect()
                self.case.mta.send_on(client, SENDER, [REPORT_ADDRESS], mail)
                with self.lock:
                    self.acknowledged.append(report_id)
                return client
            except (smtplib.SMTPException, OSError) as error:
                code = getattr(error, "smtp_code", 0)
                with self.lock:
                    self.put_off[code] += 1
                if code >= 500 or time.monotonic() > deadline:
                    raise
                # Postfix gives a session up once its filter has failed.
                if client:
                    client.close()
                client = None
                time.sleep(0.02)


def victims(milter, chosen):
    """The processes to kill: mostly the milter itself, sometimes what it has started."""
    if chosen < 0.8:
        return [milter.process.pid]
    spawners = children(milter.process.pid)
    if chosen < 0.9:
        return spawners
    return [reader for spawner in spawners for reader in children(spawner)]


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass  # a reader that was done


class Kill9(MilterCase):
    def test_every_report_that_got_a_250_is_in_the_store_exactly_once(self):
        # A report whose reader is killed counts as one that no reader survives; its sender is to
        # come again here.
        milter = self.milter(On_Success="discard", On_BadReport="tempfail")
        moments = random.Random(SEED)
        stream = Stream(self)
        began = time.monotonic()
        stream.start()
        kinds = collections.Counter()
        try:
            while kinds["milter"] + kinds["spawner"] < KILLS:
                time.sleep(moments.uniform(0, LONGEST))
                chosen = moments.random()
                killed = victims(milter, chosen)
                for process in killed:
                    kill(process)
                if killed == [milter.process.pid]:
                    kinds["milter"] += 1
                elif chosen >= 0.9:
                    kinds["readers" if killed else "no reader there"] += 1
                    continue  # the milter goes on
                else:
                    # Without its spawner it ends by itself, after some seconds.
                    kinds["spawner"] += 1
                    time.sleep(moments.uniform(0, LONGEST))
                    kill(milter.process.pid)
                milter.process.wait()
                milter.start()
        finally:
            stream.finish()
        seconds = time.monotonic() - began
        self.assertEqual(stream.faults, [], milter.log()[-4000:])
        stored = collections.Counter(
            row[0] for row in milter.query("SELECT report_id FROM report"))
        again = len(milter.lines("report-duplicate"))
        print(f"seed={SEED} kills={dict(kinds)} seconds={seconds:.0f} "
              f"acknowledged={len(stream.acknowledged)} put-off={dict(stream.put_off)} "
              f"committed-but-not-answered={again}", file=sys.stderr)
        self.assertEqual([one for one in stream.acknowledged if stored[one] != 1], [])
        self.assertEqual([one for one in stored if stored[one] != 1], [])
        self.assertLessEqual(set(stored), set(stream.sent))
        self.assertEqual(milter.query("PRAGMA integrity_check"), [("ok",)])
        # Long enough a stream to have met every kill.
        self.assertGreater(len(stream.acknowledged), KILLS // 2)


if __name__ == "__main__":
    unittest.main()
