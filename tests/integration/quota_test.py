#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A sender that floods the store is put off while others are served (R240): by mail in front of a
real Postfix, by HTTPS and by --pipe; and summary says how often.
"""

import datetime
import json
import os
import subprocess
import threading
import time
import unittest

from milter_case import REPORT_ADDRESS, MilterCase
from milter_scenarios import MilterScenarios
from report_mails import Signer, report_json, report_mail
from serve_case import ServeCase

REPORTS = os.path.join(os.environ["OPENTLSRPT_BUILD"], "milter", "opentlsrpt-reports")
LIMIT = 20


def wait_out_midnight():
    """The count begins anew with the UTC day: no test begins within its last minutes."""
    now = datetime.datetime.now(datetime.timezone.utc)
    if (now.hour, now.minute) >= (23, 57):
        time.sleep((60 - now.minute) * 60)


def run_reports(folder, *arguments, **options):
    return subprocess.run([REPORTS, "-c", "/dev/null", "--database", "sqlite:" + folder,
                           *arguments], capture_output=True, check=False, timeout=60, **options)


class Quota(MilterCase):
    other_signers = ("flood.example", "x1.flood.example")
    send_mail = MilterScenarios.code

    def report_of(self, domain, report_id=None):
        return Signer(domain).sign(report_mail(domain, "example.org",
                                               report_id or self.unique()))

    def setUp(self):
        wait_out_midnight()

    def test_flood_of_one_signer_is_put_off_and_others_are_served(self):
        milter = self.milter(MaximumReportsPerDay=LIMIT, On_InternalError="accept")
        mails = [self.report_of("flood.example") for _ in range(3 * LIMIT)]
        codes = []

        def flood(part):
            with self.mta.connect() as client:
                for mail in part:
                    codes.append(self.code_on(client, mail))

        threads = [threading.Thread(target=flood, args=(mails[i::4],)) for i in range(4)]
        for thread in threads:
            thread.start()
        good = []
        for _ in range(5):
            report_id = self.unique()
            self.assertEqual(self.send_mail(self.signed_report(report_id)), 250)
            good.append(report_id)
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(codes), [250] * LIMIT + [451] * 2 * LIMIT)
        self.assertEqual(self.send_mail(self.report_of("x1.flood.example")), 451,
                         "a subdomain is of the same organisation")
        # A duplicate is no new report.
        known = milter.query("SELECT report_id FROM report WHERE submitter = 'flood.example'")
        self.assertEqual(len(known), LIMIT)
        self.assertEqual(self.send_mail(self.report_of("flood.example", known[0][0])), 250)
        self.assertEqual(
            [row[0] for row in milter.query("SELECT report_id FROM report WHERE submitter = "
                                            "'sender.example' ORDER BY id")], good)
        self.assertEqual(milter.query("SELECT * FROM refused"), [])
        lines = milter.lines("over-limit")
        self.assertEqual(len(lines), 2 * LIMIT + 1)
        self.assertIn(f'detail="flood.example has brought {LIMIT} new reports today '
                      '(MaximumReportsPerDay)"', lines[0])
        milter.stop()
        summary = json.loads(run_reports(milter.folder, "summary", "--json").stdout)
        self.assertEqual(summary["counters"]["put_off_over_limit"], 2 * LIMIT + 1)
        self.assertEqual(summary["counters"]["reports_stored"], LIMIT + 5)
        text = run_reports(milter.folder, "summary").stdout.decode()
        self.assertIn(f"\n     {2 * LIMIT + 1}  mails and posts told to come again: sender "
                      "over MaximumReportsPerDay\n", text)

    def code_on(self, client, mail):
        client.ehlo_or_helo_if_needed()
        client.mail("tlsrpt@flood.example", ["BODY=8BITMIME"])
        client.rcpt(REPORT_ADDRESS)
        return client.data(mail)[0]

    def test_restart_does_not_forget_what_was_used(self):
        milter = self.milter(MaximumReportsPerDay=1)
        self.assertEqual(self.send_mail(self.report_of("flood.example")), 250)
        milter.stop()
        milter.start()
        self.assertEqual(self.send_mail(self.report_of("flood.example")), 451)

    def test_pipe_leaves_it_in_the_queue_and_import_has_no_limit(self):
        folder = self.milter().folder
        config = os.path.join(folder, "pipe.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"Database sqlite:{folder}\nNameserver {self.dns.address}\n"
                       "MaximumReportsPerDay 1\n")
        mails = [self.report_of("flood.example") for _ in range(3)]

        def give(mail, *options):
            return subprocess.run([REPORTS, "-c", config, "import", *options], input=mail,
                                  capture_output=True, check=False, timeout=60)

        self.assertEqual(give(mails[0], "--pipe").returncode, 0)
        again = give(mails[1], "--pipe")
        self.assertEqual(again.returncode, 75)
        self.assertIn(b"MaximumReportsPerDay", again.stderr)
        self.assertEqual(give(mails[1], "-").returncode, 0)
        self.assertEqual(give(mails[2], "-").returncode, 0)
        self.assertEqual(len(self.running.query("SELECT * FROM report")), 3)
        self.assertEqual(self.running.query(
            "SELECT value FROM counter WHERE name = 'put_off_over_limit'"), [(1,)])


class QuotaOverHttps(ServeCase):
    def test_source_over_its_limit_is_put_off_and_another_is_served(self):
        wait_out_midnight()
        serve = self.serve(MaximumReportsPerDay=2)
        posts = [report_json("x.example", f"id-{i}", submitter="victim.example")
                 for i in range(4)]
        self.assertEqual(serve.post(posts[0], source="127.0.0.2")[0], 201)
        self.assertEqual(serve.post(posts[1], source="127.0.0.2")[0], 201)
        status, fields, body = serve.post(posts[2], source="127.0.0.2")
        self.assertEqual((status, body), (429, b"too-many-reports\n"))
        self.assertTrue(0 < int(fields["Retry-After"]) <= 24 * 3600, fields["Retry-After"])
        self.assertEqual(serve.post(posts[1], source="127.0.0.2")[0], 200)
        self.assertEqual(serve.post(posts[2], source="127.0.0.3")[0], 201,
                         "whose name the report has does not matter")
        self.assertEqual(serve.request("GET", "/nowhere")[0], 404)
        self.assertEqual(serve.stop(), 0)
        text = run_reports(serve.folder, "summary", "--since", "2000-01-01").stdout.decode()
        self.assertIn("mails and posts told to come again: sender over "
                      "MaximumReportsPerDay\n", text)
        self.assertIn("requests for another path than HTTPPath: 404\n", text)


if __name__ == "__main__":
    unittest.main()
