# SPDX-License-Identifier: BSD-2-Clause
"""The whole way with real servers: what Postfix said about its sessions goes into collectors, is
reported by mail through a Postfix to a milter, and is read by a person in the end. What comes out
is compared with sums that the test makes itself from the raw datagrams."""

import collections
import datetime
import gzip
import json
import pathlib
import subprocess
import tempfile
import unittest

from collector_support import BUILD, SOURCE, Collector, recorded_datagrams
from https_server import Authority, HttpsServer, answer
from loop_support import days_ago, skip_reason
from milter_process import MilterProcess
from outcome_sums import expected_reports, shown_report
from postfix_server import PostfixServer
from report_mails import Signer, plain_mail, report_mail
from smtp_client import without_trace
from unbound_server import UnboundServer

REPORTER = BUILD / "sender" / "opentlsrpt-reporter"
REPORTS = BUILD / "milter" / "opentlsrpt-reports"
DAYS = 2  # yesterday may not be closed yet, for a moment after midnight
REPORT_ADDRESS = "tls@example.org"
ARCHIVE = "archive@example.org"  # no report address: mail to it is only delivered
# Recipient domains whose record is not the usual one; "" for no record at all. "{web}" stands for
# host and port of a web server.
RECORDS = {
    "rpt-norua.plain.test": "v=TLSRPTv1;",
    "rpt-https.plain.test": "v=TLSRPTv1; rua=https://{web}/tls",
    "hand-minimal.plain.test": "",
    "sts-wronghost.plain.test": f"v=TLSRPTv1; rua=mailto:{REPORT_ADDRESS},mailto:{ARCHIVE}",
    # The same report comes twice.
    "dane-mismatch.signed.test":
        f"v=TLSRPTv1; rua=mailto:{REPORT_ADDRESS},mailto:tls+second@example.org",
}
USUAL = f"v=TLSRPTv1; rua=mailto:{REPORT_ADDRESS}"
# Submitter: key, and how often it met each outcome.
SENDERS = {"alpha.example": ("rsa2048", lambda outcome: 1),
           "beta.example": ("ed25519", lambda outcome: 3 if b"sts-" in outcome else 0)}


def record_of(domain):
    return RECORDS.get(domain, USUAL)


def destinations(domain):
    return record_of(domain).count("mailto:")


def recipient_zones(domains, web):
    lines = {"plain.test": [], "signed.test": []}
    for domain in domains:
        host, zone = domain.split(".", 1)
        if record_of(domain):
            record = record_of(domain).replace("{web}", web)
            lines[zone].append(f'_smtp._tls.{host} TXT "{record}"')
    return {zone: "\n".join(["@ TXT x", *texts]) for zone, texts in lines.items()}


class Sender:
    """An organisation: its outcomes of a day that is over, and its reporter."""

    def __init__(self, domain, key, outcomes, nameserver, smtp_server):
        self.domain = domain
        self.outcomes = outcomes
        self.folder = tempfile.TemporaryDirectory()
        pem = pathlib.Path(self.folder.name) / "key.pem"
        pem.write_bytes((SOURCE / "tests" / "data" / "dkim" / f"{key}.pem").read_bytes())
        pem.chmod(0o600)
        self.collector = Collector(
            OrganizationName=f'"{domain} Ltd"', ContactInfo=f"tlsrpt@{domain}", KeyFile=pem,
            Selector="s1", Nameserver=nameserver, SMTPServer=smtp_server,
            PostNetworks="127.0.0.0/8")
        self.day = None

    def close(self):
        self.collector.close()
        self.folder.cleanup()

    def collect(self):
        """Has all outcomes counted on one day: once more if midnight came between."""
        for _ in range(2):
            begin = datetime.datetime.now(datetime.timezone.utc).date()
            self.collector.database.unlink(missing_ok=True)
            self.collector.start(days_ago(DAYS))
            self.collector.send([*self.outcomes, b'{"d": "broken datagram", "policies": ['])
            self.collector.wait_for_read(len(self.outcomes) + 1)
            assert self.collector.stop() == 0, self.collector.log()
            if begin == datetime.datetime.now(datetime.timezone.utc).date():
                break
        self.day = begin - datetime.timedelta(days=DAYS)

    def send(self):
        return subprocess.run([REPORTER, "-c", self.collector.config, "send", "--day",
                               str(self.day)], capture_output=True, text=True, timeout=200)

    def expected(self):
        """domain -> policy -> sums, of the domains that get a report."""
        reports = expected_reports(self.outcomes)
        return {domain: sums for domain, sums in reports.items() if destinations(domain)}


def dkim_zone(domain, key):
    kind = "rsa" if key.startswith("rsa") else key
    signer = Signer(domain, key)
    record = signer.record().replace("k=rsa", f"k={kind}")
    strings = " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))
    return f"s1._domainkey TXT ( {strings} )\n"


@unittest.skipIf(skip_reason(), skip_reason())
class Loop(unittest.TestCase):
    """The loop runs once; no test changes what the others look at."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        outcomes = recorded_datagrams()
        domains = {json.loads(outcome)["d"].lower() for outcome in outcomes}
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.web = cls.enterClassContext(HttpsServer(Authority(folder).context("127.0.0.1"),
                                                    {"/tls": answer("201 Created")}))
        zones = recipient_zones(domains, f"127.0.0.1:{cls.web.port}")
        zones.update({domain: dkim_zone(domain, key) for domain, (key, _) in SENDERS.items()})
        cls.dns = UnboundServer(zones)
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.milter = MilterProcess(ReportAddress=REPORT_ADDRESS, On_Success="discard",
                                   Nameserver=cls.dns.address)
        cls.milter.__enter__()
        cls.addClassCleanup(cls.milter.__exit__)
        # default_action: a fault of the milter must not look like mail that passes.
        cls.postfix = PostfixServer(
            smtpd_milters="{ " + cls.milter.postfix_address() + ", default_action=reject }")
        cls.postfix.start()
        cls.addClassCleanup(cls.postfix.stop)
        cls.senders = {}
        cls.sent = {}
        for domain, (key, times) in SENDERS.items():
            mine = [outcome for outcome in outcomes for _ in range(times(outcome))]
            sender = Sender(domain, key, mine, cls.dns.address, f"127.0.0.1:{cls.postfix.port}")
            cls.addClassCleanup(sender.close)
            sender.collect()
            cls.senders[domain] = sender
            cls.sent[domain] = sender.send()
        cls.postfix.wait_for_empty_queue()

    def reports(self, *arguments):
        done = subprocess.run([REPORTS, "-c", self.milter.config_file(), *arguments],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def listed(self, *arguments):
        return [json.loads(line) for line in
                self.reports("list", "--json", "--limit", "0", *arguments).splitlines()]

    def stored(self):
        return self.milter.query("SELECT id, identity, received_at, json FROM report ORDER BY id")

    def delivered(self, address, text):
        return [without_trace(mail) for mail in self.postfix.mails(address) if text in mail]

    def test_every_report_was_handed_over(self):
        for domain, sender in self.senders.items():
            done = self.sent[domain]
            self.assertEqual(done.returncode, 0, done)
            states = collections.Counter()
            for line in done.stdout.splitlines():
                states[tuple(line.split()[:3:2])] += 1
            counted = expected_reports(sender.outcomes)
            expected = {(name, "delivered"): destinations(name)
                        for name in counted if destinations(name)}
            if domain == "alpha.example":
                expected.update({("rpt-norua.plain.test", "invalid-record"): 1,
                                 ("hand-minimal.plain.test", "no-record"): 1,
                                 ("rpt-https.plain.test", "delivered"): 1})
            self.assertEqual(dict(states), expected)

    def test_a_web_server_gets_the_report_that_it_asks_for(self):
        (request,) = self.web.requests
        counted = expected_reports(self.senders["alpha.example"].outcomes)
        self.assertEqual(shown_report(json.loads(gzip.decompress(request.body))),
                         counted["rpt-https.plain.test"])

    def test_list_shows_exactly_the_sessions_and_failures_that_went_in(self):
        shown = collections.defaultdict(dict)
        listed = self.listed()
        for line in listed:
            report, submitter = line["report"], line["submitter"]
            sender = self.senders[submitter]
            self.assertEqual((line["dkim"], line["dkim-domain"]), ("pass", submitter))
            self.assertEqual(line["from-domain"], submitter)
            # "hand-otherdomain" is made up: the policy of one domain in a report about another.
            odd = "hand-otherdomain" in report["report-id"]
            self.assertEqual(line["flags"], ["domain-mismatch", "filename-mismatch"] if odd else [], report)
            self.assertEqual(report["organization-name"], f"{submitter} Ltd")
            self.assertEqual(report["contact-info"], f"tlsrpt@{submitter}")
            self.assertEqual(report["date-range"], {"start-datetime": f"{sender.day}T00:00:00Z",
                                                    "end-datetime": f"{sender.day}T23:59:59Z"})
            domain = report["report-id"].split(".", 1)[1].rsplit("@", 1)[0].rsplit(".", 1)[0]
            self.assertNotIn(domain, shown[submitter], "the same report twice")
            shown[submitter][domain] = shown_report(report)
        self.assertEqual(shown, {domain: sender.expected()
                                 for domain, sender in self.senders.items()})

    def test_summary_shows_the_same_sums(self):
        summary = json.loads(self.reports("summary", "--json"))
        sessions, domains, failures = (collections.defaultdict(collections.Counter)
                                       for _ in range(3))
        for submitter, sender in self.senders.items():
            for policies in sender.expected().values():
                for (kind, policy_domain, *_), (good, bad, details) in policies.items():
                    for sums in (sessions[submitter, kind], domains[policy_domain, kind]):
                        sums.update({"successful": good, "failed": bad})
                    for detail, count in details.items():
                        found = dict(detail)
                        failures[policy_domain, kind, found["result-type"],
                                 found.get("failure-reason-code"),
                                 found.get("receiving-mx-hostname"),
                                 found.get("receiving-ip")][submitter] += count

        def counts(entry):
            return {name: entry[name] for name in ("successful", "failed")}

        self.assertEqual({(one["policy-domain"], one["policy-type"]): counts(one)
                          for one in summary["domains"]}, domains)
        self.assertEqual({(reporter["submitter"], one["policy-type"]): counts(one)
                          for reporter in summary["reporters"] for one in reporter["sessions"]},
                         sessions)
        shown = {(one["policy-domain"], one["policy-type"], one["result-type"],
                  one.get("failure-reason-code"), one.get("receiving-mx-hostname"),
                  one.get("receiving-ip")): (one["sessions"], sorted(one["reporters"]))
                 for one in summary["failures"]}
        self.assertEqual(shown, {key: (sum(by.values()), sorted(by))
                                 for key, by in failures.items()})
        self.assertGreater(len(shown), 20, "there is something to compare")
        numbers = {domain: len(sender.expected()) for domain, sender in self.senders.items()}
        self.assertEqual({one["submitter"]: (one["reports"], one["dkim"])
                          for one in summary["reporters"]},
                         {domain: (number, {"pass": number}) for domain, number in numbers.items()})
        self.assertEqual(summary["reports"], sum(numbers.values()))
        self.assertEqual((summary["silent"], summary["left-out"]), ([], 0))

    def test_reports_are_discarded_for_the_report_address_only(self):
        self.assertEqual(self.delivered(REPORT_ADDRESS, b"TLS-Required: No"), [])
        self.assertEqual(len(self.delivered(ARCHIVE, b"sts-wronghost.plain.test")),
                         len(self.senders))

    def test_sending_again_sends_nothing_and_stores_nothing(self):
        stored, log = self.stored(), self.postfix.log().count("client=")
        for sender in self.senders.values():
            done = sender.send()
            self.assertEqual(done.returncode, 0, done)
            # Each destination's answer is still known, the queue id included.
            self.assertEqual(sorted(done.stdout.splitlines()),
                             sorted(self.sent[sender.domain].stdout.splitlines()))
        self.assertEqual(self.postfix.log().count("client="), log)
        self.assertEqual(self.stored(), stored)

    def test_the_second_destination_of_ours_got_a_duplicate(self):
        duplicates = [line for line in self.milter.lines("report-duplicate")
                      if "dane-mismatch.signed.test" in line]
        self.assertEqual(len(duplicates), 1, "only alpha.example reports about it")

    def test_a_copy_of_a_report_is_a_duplicate(self):
        stored = self.stored()
        for mail in self.delivered(ARCHIVE, b"sts-wronghost.plain.test"):
            before = len(self.milter.lines("report-duplicate"))
            self.postfix.send("bounces@elsewhere.example", [REPORT_ADDRESS],
                              mail.replace(b"\n", b"\r\n"))
            lines = self.milter.lines("report-duplicate")[before:]
            self.assertEqual(len(lines), 1)
            self.assertIn("dkim=pass", lines[0])
            self.assertIn("sts-wronghost.plain.test", lines[0])
        self.assertEqual(self.stored(), stored)

    def test_a_forged_report_is_delivered_untouched_and_recorded_as_refused(self):
        stored = self.stored()
        mail = report_mail("alpha.example", "sts-ok.plain.test", "forged@alpha.example",
                           failures=1000000)
        self.postfix.send("tlsrpt@alpha.example", [REPORT_ADDRESS], mail)
        self.postfix.wait_for_empty_queue()
        self.assertEqual(self.delivered(REPORT_ADDRESS, b"forged@alpha.example"),
                         [mail.replace(b"\r\n", b"\n")])
        self.assertEqual(self.stored(), stored)
        (refused,) = self.listed("--refused")
        self.assertEqual((refused["reason"], refused["from-domain"], refused["dkim"],
                          refused["times"]), ("not-authentic", "alpha.example", "none", 1))

    def test_other_mail_passes_byte_for_byte(self):
        body = b".\r\n..dots\r\n\xff 8bit \r\n" + b"x" * 900 + b"\r\n\r\n\r\n"
        for address in ("someone@example.org", REPORT_ADDRESS):
            mail = plain_mail(f"mail for {address}", address, body)
            self.postfix.send("a@friend.example", [address], mail)
            self.postfix.wait_for_empty_queue()
            self.assertEqual(self.delivered(address, b"mail for"), [mail.replace(b"\r\n", b"\n")])


if __name__ == "__main__":
    unittest.main()
