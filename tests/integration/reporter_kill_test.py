#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reporter is killed again and again while it sends a thousand reports: who gets what,
and how often.

Environment: OPENTLSRPT_KILLS, how often.
"""

import collections
import datetime
import email
import gzip
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import unittest

from https_server import Authority, HttpsServer, answer
from reporter_support import PATIENCE, REPORTED, ReporterCase, datagram
from txt_server import TxtServer

KILLS = int(os.environ.get("OPENTLSRPT_KILLS", "20"))
DOMAINS = 1000  # of a day; fewer where nothing is killed
FEWER_DOMAINS = 400
BUSY = 0.01  # seconds that the servers need for each report
LONGEST_LIFE = 0.6  # seconds until a kill


class Receivers:
    """The servers to which all reports go, and what they have accepted."""

    def __init__(self, case):
        self.sink = case.sink
        self.sink.delay = BUSY
        folder = case.enterContext(tempfile.TemporaryDirectory())
        self.posts = []
        # (Report-ID, destination) -> all copies of the mail, or of the posted body
        self.accepted = collections.defaultdict(list)
        context = Authority(folder).context("127.0.0.1")
        self.web = case.enterContext(HttpsServer(context, self))
        dns = case.enterContext(TxtServer(self.record_of))
        case.configure(
            Nameserver=dns.address, PostNetworks="127.0.0.0/8", DestinationRate=0,
            DestinationConnections=100, MaximumAge="300d", OutcomeRetention="400d")

    def get(self, path, _):
        """The web server's behaviour for a path: every report is accepted."""
        def accept(connection, request):
            time.sleep(BUSY)
            self.posts.append((path, request.body))
            answer("201 Created")(connection, request)
        return accept

    def rua_of(self, domain):
        """Some domains want their reports at two addresses, some by HTTPS besides."""
        number = int(domain[1:].split(".")[0])
        rua = [f"mailto:tls@{domain}"]
        if number % 5 == 0:
            rua.append(f"mailto:archive@{domain}")
        if number % 20 == 0:
            rua.append(f"https://127.0.0.1:{self.web.port}/{domain}")
        return rua

    def record_of(self, name):
        return "v=TLSRPTv1; rua=" + ",".join(self.rua_of(name.removeprefix("_smtp._tls.")))

    def busy(self):
        return self.sink.open > 0 or self.web.open > 0

    def take_new(self):
        """Sorts what has come since the last call, while nothing can come; gives how often."""
        new = collections.Counter()
        for key, copy in [*map(self.read_mail, self.sink.attempts),
                          *map(self.read_post, self.posts)]:
            self.accepted[key].append(copy)
            new[key] += 1
        self.sink.attempts.clear()
        self.posts.clear()
        return new

    @staticmethod
    def read_mail(message):
        report_id = re.search(rb"Report-ID:\s+<(.*?)>", message.data).group(1).decode("ascii")
        return (report_id, f"mailto:{message.recipient}"), message.data

    def read_post(self, post):
        path, body = post
        return ((json.loads(gzip.decompress(body))["report-id"],
                 f"https://127.0.0.1:{self.web.port}{path}"), body)


class ReporterKillTest(ReporterCase):
    """The servers accept everything. What they have accepted and the ledger does not know of is what
    may come once more, after a kill; after a stop there is no such thing."""

    def setUp(self):
        super().setUp()
        self.receivers = Receivers(self)
        self.domains = DOMAINS
        self.days = 0
        self.expected = set()  # (day, domain, destination)

    def count_a_day(self):
        day = REPORTED - datetime.timedelta(days=self.days)
        self.days += 1
        domains = [f"d{number}.example" for number in range(self.domains)]
        self.count(*map(datagram, domains), day=day)
        self.expected |= {(day, domain, rua) for domain in domains
                          for rua in self.receivers.rua_of(domain)}

    def ledger(self):
        """(Report-ID, destination) -> state, of all that a server may have got; and what is expected
        and has no end yet."""
        rows = self.query("SELECT p.day, p.domain, d.destination, d.state, r.report_id"
                          " FROM delivery d JOIN plan p ON p.id=d.plan"
                          " LEFT JOIN report r ON r.plan=d.plan")
        states, open_ones = {}, set(self.expected)
        for number, domain, destination, state, report_id in rows:
            day = datetime.date(1970, 1, 1) + datetime.timedelta(days=number)
            self.assertIn((day, domain, destination), self.expected)
            if state == "delivered":
                open_ones.remove((day, domain, destination))
            if report_id is not None:
                self.assertNotIn((report_id, destination), states)
                states[report_id, destination] = state
        return states, open_ones

    def end(self, number, *daemons):
        """Nothing can arrive any more after that."""
        for daemon in daemons:
            daemon.send_signal(number)
        for daemon in daemons:
            self.assertIn(daemon.wait(PATIENCE), (0, -number))
        self.wait_for(lambda: not self.receivers.busy(), "the servers")

    def live_and_end(self, number, times):
        """One life after the other; new days are counted when all is sent. Gives how often each
        report was accepted by a destination but not noted as delivered."""
        unnoted, allowed = collections.Counter(), set()
        self.count_a_day()
        for _ in range(times):
            daemon = self.start_daemon()
            time.sleep(random.uniform(0, LONGEST_LIFE))
            self.end(number, daemon)
            known, new = set(self.receivers.accepted), self.receivers.take_new()
            for key, copies in new.items():
                self.assertTrue(copies == 1 and (key not in known or key in allowed), key)
            states, open_ones = self.ledger()
            allowed = self.check_noted(states)
            unnoted.update(allowed & set(new))
            if not open_ones:
                self.count_a_day()
        return unnoted

    def check_noted(self, states):
        """Nothing is noted that was not accepted. Gives what is accepted and not noted."""
        accepted = set(self.receivers.accepted)
        delivered = {key for key, state in states.items() if state == "delivered"}
        self.assertEqual(delivered - accepted, set())
        unnoted = accepted - delivered
        self.assertLessEqual({states[key] for key in unnoted}, {"sending", "deferred"})
        return unnoted

    def send_the_rest(self):
        daemon = self.start_daemon()
        self.wait_for_all()
        self.end(signal.SIGTERM, daemon)

    def wait_for_all(self):
        self.wait_for(lambda: not self.ledger()[1], "all deliveries", 60)

    def check_all_arrived(self, unnoted):
        """Once, and once more for each time that it was not noted; always the same bytes."""
        self.receivers.take_new()
        accepted = self.receivers.accepted
        states, open_ones = self.ledger()
        self.assertEqual(open_ones, set())
        self.assertEqual(set(accepted), set(states))
        self.assertEqual(len(accepted), len(self.expected))
        for key, copies in accepted.items():
            self.assertEqual(len(copies), 1 + unnoted[key], key)
            self.assertEqual(len(set(copies)), 1, key)  # R147, R172
        ids = [email.message_from_bytes(copies[0])["Message-ID"]
               for (_, destination), copies in accepted.items() if destination[:7] == "mailto:"]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])

    def tell(self, what, times, unnoted):
        print(f"{times} {what}, {len(self.expected)} deliveries, {sum(unnoted.values())} of them "
              "came once more", file=sys.stderr)

    def test_a_kill_repeats_what_was_accepted_and_not_yet_noted_and_nothing_else(self):
        random.seed(8460)
        unnoted = self.live_and_end(signal.SIGKILL, KILLS)
        self.send_the_rest()
        self.check_all_arrived(unnoted)
        self.tell("kills", KILLS, unnoted)

    def test_a_stop_repeats_nothing(self):
        random.seed(8461)
        self.domains = FEWER_DOMAINS
        stops = max(KILLS // 4, 5)
        self.assertEqual(self.live_and_end(signal.SIGTERM, stops), {})
        self.send_the_rest()
        self.check_all_arrived(collections.Counter())

    def test_two_daemons_share_the_work_and_repeat_nothing(self):
        self.domains = FEWER_DOMAINS
        self.count_a_day()
        logs = ("first.log", "second.log")
        daemons = [self.start_daemon(log) for log in logs]
        self.wait_for_all()
        self.end(signal.SIGTERM, *daemons)
        self.check_all_arrived(collections.Counter())
        for log in logs:
            self.assertGreater(self.log(log).count("report-delivered"), 0)


if __name__ == "__main__":
    unittest.main()
