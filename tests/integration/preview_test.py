# SPDX-License-Identifier: BSD-2-Clause
"""What goes in as datagrams comes out as reports: 'opentlsrpt-reporter preview' against sums that
this test makes itself from the raw datagrams."""

import json
import socket
import subprocess
import time
import unittest

from collector_support import BUILD, DATAGRAMS, Collector, utc_day
from outcome_sums import expected_reports, shown_report
from unbound_server import UnboundServer

REPORTER = BUILD / "sender" / "opentlsrpt-reporter"


def dead_nameserver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


class PreviewCase(unittest.TestCase):
    def collect(self, datagrams, **keys):
        """A stopped collector that has counted the datagrams, all on one day."""
        for _ in range(2):  # a second time if midnight came between
            collector = Collector(**{
                "OrganizationName": "Example", "ContactInfo": "tlsrpt@sender.example",
                "Nameserver": dead_nameserver(), **keys})
            self.addCleanup(collector.close)
            day = utc_day()
            collector.start()
            collector.send(datagrams)
            collector.wait_for_read(len(datagrams))
            self.assertEqual(collector.stop(), 0)
            if utc_day() == day:
                break
        return collector

    def preview(self, collector, *arguments):
        done = subprocess.run([REPORTER, "-c", collector.config, "preview", *arguments],
                              capture_output=True, text=True, timeout=60)
        return done, [json.loads(line) for line in done.stdout.splitlines()]


class CorpusTest(PreviewCase):
    def test_each_recorded_file_shows_the_same_sessions_policies_and_failures(self):
        paths = sorted(DATAGRAMS.glob("*.json"))
        self.assertGreater(len(paths), 100)
        for path in paths:
            with self.subTest(path.name):
                datagrams = [line for line in path.read_bytes().split(b"\n") if line]
                done, shown = self.preview(self.collect(datagrams), "--day", "today")
                # Some situations make no datagram at all: nothing to show then, and that is said.
                self.assertEqual((done.returncode, not done.stderr), (0, bool(datagrams)))
                expected = expected_reports(datagrams)
                self.assertEqual([one["domain"] for one in shown], sorted(expected))
                for one in shown:
                    self.assertEqual(shown_report(one["report"]), expected[one["domain"]])

    def test_the_whole_corpus_in_one_store_shows_the_same_too(self):
        datagrams = [line for path in sorted(DATAGRAMS.glob("*.json"))
                     for line in path.read_bytes().split(b"\n") if line]
        done, shown = self.preview(self.collect(datagrams * 3), "--day", "today")
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = expected_reports(datagrams * 3)
        self.assertEqual({one["domain"]: shown_report(one["report"]) for one in shown}, expected)
        self.assertEqual(len({one["report"]["report-id"] for one in shown}), len(shown))


def datagram(domain, record=None, failed=0):
    record = f"v=TLSRPTv1; rua=mailto:seen@{domain}" if record is None else record
    return json.dumps({"d": domain, "pr": record, "policies": [
        {"policy-type": 9, "policy-domain": domain, "t": 0, "f": failed}]}).encode()


class ReasonTest(PreviewCase):
    """Where each report would go, or why it goes nowhere."""

    @unittest.skipIf(UnboundServer.missing(), "unbound is not installed")
    def test_dns_decides_and_every_reason_is_shown(self):
        zones = {
            "mail.example": '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:now@mail.example"',
            "both.example": '_smtp._tls TXT "v=TLSRPTv1; '
                            'rua=https://both.example/r,mailto:m@both.example"',
            "https.example": '_smtp._tls TXT "v=TLSRPTv1; rua=https://https.example/r"',
            "gopher.example": '_smtp._tls TXT "v=TLSRPTv1; rua=gopher://gopher.example/r"',
            "none.example": '@ TXT "x"',
            "alias.example": "_smtp._tls CNAME _smtp._tls.mail.example.",
        }
        domains = [*zones, "nxdomain.example"]
        with UnboundServer(zones) as dns:
            collector = self.collect([datagram(d) for d in domains], Nameserver=dns.address)
            _, shown = self.preview(collector, "--day", "today")
        self.assertEqual(
            {one["domain"]: (one["rua"], one.get("reason")) for one in shown}, {
                "mail.example": (["mailto:now@mail.example"], None),
                "both.example": (["https://both.example/r", "mailto:m@both.example"], None),
                "https.example": (["https://https.example/r"], None),
                "gopher.example": ([], "no-usable-rua"),
                "none.example": ([], "no-record"),
                "alias.example": (["mailto:now@mail.example"], None),  # R33
                "nxdomain.example": ([], "no-record"),
            })

    def test_a_rule_that_keeps_a_domain_leaves_the_decision_to_its_record(self):
        collector = self.collect([datagram("a.example"), datagram("b.example")])
        rules = collector.folder / "rules"
        rules.write_text("domain a.example keep\ndomain * never\n")
        collector.keys["DestinationRules"] = rules
        collector.write_config()
        _, shown = self.preview(collector, "--day", "today")
        self.assertEqual([(one["rua"], one.get("reason")) for one in shown],
                         [(["mailto:seen@a.example"], None), ([], "excluded")])

    def test_without_dns_the_record_of_the_mta_counts(self):
        collector = self.collect([datagram("a.example"), datagram("b.example", record="")])
        done, shown = self.preview(collector, "--day", "today")
        self.assertEqual([(one["rua"], one.get("reason")) for one in shown],
                         [(["mailto:seen@a.example"], None), ([], "dns-failure")])
        self.assertEqual(done.returncode, 0)

    def test_success_only_reports_are_shown_as_skipped_when_they_are_switched_off(self):
        collector = self.collect([datagram("a.example"), datagram("b.example", failed=1)],
                                 ReportSuccess="no")
        _, shown = self.preview(collector, "--day", "today")
        self.assertEqual([one.get("reason") for one in shown], ["skipped", None])

    def test_domains_can_be_asked_for_and_unknown_ones_are_told(self):
        collector = self.collect([datagram("a.example"), datagram("b.example")])
        done, shown = self.preview(collector, "--day", "today", "B.EXAMPLE.", "c.example", "../x")
        self.assertEqual([one["domain"] for one in shown], ["b.example"])
        self.assertEqual(done.returncode, 65)
        self.assertIn("c.example", done.stderr)
        self.assertIn("../x", done.stderr)

    def test_a_day_without_data_is_no_error(self):
        collector = self.collect([datagram("a.example")])
        done, shown = self.preview(collector, "--day", "2020-02-29")
        self.assertEqual((done.returncode, shown), (0, []))
        self.assertIn("nothing was counted on 2020-02-29", done.stderr)

    def test_nothing_is_written(self):
        collector = self.collect([datagram("a.example")])
        before = collector.query("SELECT count(*) FROM plan")
        self.preview(collector, "--day", "today")
        self.assertEqual(collector.query("SELECT count(*) FROM plan"), before)

    def test_a_hundred_domains_with_a_silent_resolver_take_seconds(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            collector = self.collect(
                [datagram(f"d{n}.example") for n in range(100)], DNSTimeout="1s",
                Nameserver="127.0.0.1:%d" % silent.getsockname()[1])
            begin = time.monotonic()
            _, shown = self.preview(collector, "--day", "today")
            self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual(len(shown), 100)

    def test_a_missing_database_is_told(self):
        collector = self.collect([datagram("a.example")])
        collector.database.unlink()
        done, _ = self.preview(collector, "--day", "today")
        self.assertEqual(done.returncode, 66)


if __name__ == "__main__":
    unittest.main()
