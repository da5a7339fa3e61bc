#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Filters of list, quarantine and prune of opentlsrpt-reports: the real program on a real store."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["OPENTLSRPT_BUILD"]
PROGRAM = os.path.join(BUILD, "milter", "opentlsrpt-reports")


def report(report_id, domains, day=1, organization="Sender Ltd", failure=None):
    policies = []
    for domain in domains:
        policy = {"policy": {"policy-type": "sts", "policy-domain": domain},
                  "summary": {"total-successful-session-count": 100,
                              "total-failure-session-count": 7 if failure else 0}}
        if failure:
            policy["failure-details"] = [{"result-type": failure, "failed-session-count": 7}]
        policies.append(policy)
    return {"organization-name": organization,
            "date-range": {"start-datetime": f"2026-03-0{day}T00:00:00Z",
                           "end-datetime": f"2026-03-0{day}T23:59:59Z"},
            "contact-info": "tlsrpt@sender.example", "report-id": report_id, "policies": policies}


class Views(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="opentlsrpt-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        files = os.path.join(cls.folder, "reports")
        os.mkdir(files)
        for one in (report("ours", ["x.example"]),
                    report("failing", ["x.example"], day=2, failure="certificate-expired"),
                    report("other", ["x.example"], day=3, organization="Other Ltd",
                           failure="starttls-not-supported"),
                    report("both", ["x.example", "z.example"], day=4),
                    report("theirs", ["z.example"], day=5, failure="certificate-expired")):
            with open(os.path.join(files, one["report-id"]), "w", encoding="ascii") as file:
                json.dump(one, file)
        cls.run_program("import", files)

    @classmethod
    def run_program(cls, *arguments, ours=None):
        config = os.path.join(cls.folder, "opentlsrpt.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"Database sqlite:{cls.folder}\nNameserver 127.0.0.1:9\n")
            if ours:
                file.write(f"PolicyDomains {ours}\n")
        done = subprocess.run([PROGRAM, "-c", config, *arguments], check=True, timeout=60,
                              stdout=subprocess.PIPE)
        return done.stdout.decode()

    def ids(self, *arguments, ours=None):
        lines = self.run_program("list", "--json", *arguments, ours=ours).splitlines()
        return [json.loads(line)["report"]["report-id"] for line in lines]

    def test_filters_of_list(self):
        self.assertEqual(self.ids(), ["theirs", "both", "other", "failing", "ours"])
        self.assertEqual(self.ids("--day", "2026-03-02"), ["failing"])
        self.assertEqual(self.ids("--since", "2026-03-02", "--until", "2026-03-03"),
                         ["other", "failing"])
        self.assertEqual(self.ids("--domain", "z.example"), ["theirs", "both"])
        self.assertEqual(self.ids("--reporter", "other ltd"), ["other"])
        self.assertEqual(self.ids("--reporter", "sender.example", "--limit", "2"),
                         ["theirs", "both"])
        self.assertEqual(self.ids("--type", "certificate-expired"), ["theirs", "failing"])
        self.assertEqual(self.ids("--failures", "--domain", "x.example"), ["other", "failing"])
        self.assertEqual(self.ids("--quarantined"), [], "all domains are ours")

    def test_what_is_about_others_is_counted_apart(self):
        ours = "x.example"
        self.assertEqual(self.ids(ours=ours), ["both", "other", "failing", "ours"])
        self.assertEqual(self.ids("--quarantined", ours=ours), ["theirs", "both"])
        self.assertEqual(self.ids("--domain", "z.example", ours=ours), [])
        self.assertEqual(self.ids("--quarantined", "--type", "certificate-expired", ours=ours),
                         ["theirs"])
        text = self.run_program("list", ours=ours)
        self.assertIn("2 reports about domains that are not yours: "
                      "opentlsrpt-reports list --quarantined\n", text)
        self.assertNotIn("z.example", text)
        summary = json.loads(self.run_program("summary", "--since", "2026-03-01", "--until",
                                              "2026-03-09", "--json", ours=ours))
        self.assertEqual(summary["quarantined"], 2)
        self.assertEqual(summary["reports"], 4)
        self.assertEqual([domain["policy-domain"] for domain in summary["domains"]], ["x.example"])
        self.assertEqual(summary["sessions"][0]["failed"], 14)
        text = self.run_program("summary", "--since", "2026-03-01", "--until", "2026-03-09",
                                ours=ours)
        self.assertIn("2 reports about domains that are not yours", text)
        self.assertIn("z.example", text)
        both = next(json.loads(line) for line in
                    self.run_program("list", "--json", ours=ours).splitlines() if "both" in line)
        shown = self.run_program("show", str(both["id"]), ours=ours)
        self.assertIn("Quarantined: the domain is not one of PolicyDomains.", shown)
        self.assertEqual(self.ids(ours=ours + ", z.example"), self.ids(),
                         "adding the domain brings its reports in")

    def test_prune_removes_what_arrived_long_ago(self):
        self.assertIn("0 reports and 0 refused mails", self.run_program("prune"))
        self.assertIn("5 reports and 0 refused mails that arrived before 2999-01-01T00:00:00Z "
                      "would be removed",
                      self.run_program("prune", "--before", "2999-01-01", "--dry-run"))
        self.assertEqual(len(self.ids()), 5)


if __name__ == "__main__":
    unittest.main()
