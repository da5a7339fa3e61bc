# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-check against a lab of real mail servers with 144 domains, each with a fault of its own.

The lab is not part of the project: OPENTLSRPT_LAB names the folder with its scripts run.sh and
scenarios.py, TLSRPT_LAB the folder with its state. It must be running; nothing is started or ended
here. Without it the test is skipped.
"""

import importlib.util
import json
import os
import subprocess
import unittest

BUILD = os.environ.get("OPENTLSRPT_BUILD", "build")
PROGRAM = os.path.abspath(os.path.join(BUILD, "sender", "opentlsrpt-check"))
SCRIPTS = os.environ.get("OPENTLSRPT_LAB", "")
STATE = os.environ.get("TLSRPT_LAB", "")

NO_STARTTLS = "starttls-not-supported"
HANDSHAKE = "validation-failure"
EXPIRED = "certificate-expired"
MISMATCH = "certificate-host-mismatch"
UNTRUSTED = "certificate-not-trusted"
TLSA = "tlsa-invalid"

# What a sender with all policies would report about each domain that has a fault.
NO_POLICY = {
    "np-nostarttls": NO_STARTTLS, "np-starttls454": NO_STARTTLS, "np-hsfail": HANDSHAKE,
    "np-tls11": HANDSHAKE, "np-2mx": HANDSHAKE, "np-encrypt-nostarttls": NO_STARTTLS,
    "np-hsfail-fallback": HANDSHAKE,
}
STS = {
    "sts-expired": EXPIRED, "sts-notyet": UNTRUSTED, "sts-wronghost": MISMATCH,
    "sts-selfsigned": UNTRUSTED, "sts-untrusted": UNTRUSTED, "sts-untrusted-chain": UNTRUSTED,
    "sts-nointermediate": UNTRUSTED, "sts-wrongeku": UNTRUSTED,
    "sts-expired-wronghost": (EXPIRED, MISMATCH), "sts-nostarttls": NO_STARTTLS,
    "sts-ehlo500": NO_STARTTLS, "sts-starttls454": NO_STARTTLS, "sts-hsfail": HANDSHAKE,
    "sts-hsclose": HANDSHAKE, "sts-hshang": HANDSHAKE, "sts-tls11": HANDSHAKE,
    "sts-mxmismatch": HANDSHAKE, "sts-2mx-oneinpolicy": HANDSHAKE, "sts-2mx-fail": EXPIRED,
    "sts-2mx-bothfail": (EXPIRED, NO_STARTTLS), "sts-testing": UNTRUSTED,
    "sts-testing-strict": UNTRUSTED, "sts-404": "sts-policy-fetch-error",
    "sts-httpbadcert": "sts-webpki-invalid", "sts-invalid": "sts-policy-invalid",
    "sts-httprefused": "sts-policy-fetch-error", "sts-norpt": EXPIRED,
    "sts-reuse-expired": EXPIRED, "sts-reuse-hsfail": HANDSHAKE, "sts-cache-expired": EXPIRED,
    "sts-ipv6": EXPIRED, "sts-manypatterns": MISMATCH, "sts-mxmismatch-off": HANDSHAKE,
    "sts-mxmismatch-san": HANDSHAKE, "sts-ehlo-weird": NO_STARTTLS, "sts-ehlo-long": NO_STARTTLS,
    "sts-cacheall-expired": EXPIRED, "sts-retry": EXPIRED, "sts-cnonly": MISMATCH,
}
DANE = {
    "dane-mismatch": TLSA, "dane-ta-wronghost": MISMATCH, "dane-ta-expired": EXPIRED,
    "dane-nostarttls": NO_STARTTLS, "dane-starttls454": NO_STARTTLS, "dane-hsfail": HANDSHAKE,
    "dane-unusable": TLSA, "dane-unusable-nostarttls": (TLSA, NO_STARTTLS),
    "dane-only-unusable": TLSA, "dane-tlsa-bogus": "dnssec-invalid", "dane-reuse-mismatch": TLSA,
    "dane-bad-and-sts": TLSA, "dane-mixed-mx": TLSA, "dane-badselector": TLSA,
    "dane-shortdigest": TLSA, "dane-only-shortdigest": TLSA, "dane-shortdigest-reuse": TLSA,
}
# No sender can tell a domain of these, but its postmaster can be told.
DEFECTIVE_RECORD = {"rpt-two-txt", "rpt-nosemi", "rpt-norua", "rpt-badrua", "rpt-v2", "rpt-quote"}
# Nobody is reached, or DNS has no answer.
UNKNOWN = {"np-refused", "sts-refused", "np-banner421", "dane-mx-bogus", "rpt-servfail"}


def expected_failures(name):
    for policy_type, table in (("no-policy-found", NO_POLICY), ("sts", STS), ("tlsa", DANE)):
        if name in table:
            types = table[name] if isinstance(table[name], tuple) else (table[name],)
            return {(policy_type, result_type) for result_type in types}
    return set()


def expected_status(name):
    if expected_failures(name) or name in DEFECTIVE_RECORD:
        return "defect"
    return "unknown" if name in UNKNOWN else "good"


def read_scenarios():
    """The domain of each scenario, by its name."""
    spec = importlib.util.spec_from_file_location("scenarios", os.path.join(SCRIPTS, "scenarios.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {one["name"]: one["dom"] or f"{one['name']}.{one['zone']}" for one in module.SC}


def is_running():
    if not SCRIPTS or not STATE or os.geteuid() != 0:
        return False
    tried = subprocess.run(["bash", os.path.join(SCRIPTS, "run.sh"), "in", "true"], check=False,
                           capture_output=True, timeout=30)
    return tried.returncode == 0


@unittest.skipUnless(is_running(), "there is no running lab (OPENTLSRPT_LAB, TLSRPT_LAB)")
class CheckLabTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.domains = read_scenarios()
        command = ["bash", os.path.join(SCRIPTS, "run.sh"), "in", PROGRAM, "--json",
                   "--nameserver", "127.0.0.1", "--timeout", "5",
                   "--trust-file", os.path.join(STATE, "certs", "root.pem"),
                   *cls.domains.values()]
        cls.done = subprocess.run(command, check=False, capture_output=True, text=True,
                                  timeout=280)
        seen = [json.loads(line) for line in cls.done.stdout.splitlines()]
        cls.seen = dict(zip(cls.domains, seen))

    def test_each_domain_is_judged_by_its_fault(self):
        self.assertEqual(set(self.seen), set(self.domains), self.done.stderr)
        for name, seen in self.seen.items():
            with self.subTest(name):
                self.assertEqual(seen["domain"], self.domains[name])
                failures = {(one["policy-type"], one["result-type"]) for one in seen["failures"]}
                self.assertEqual(failures, expected_failures(name))
                self.assertEqual(seen["status"], expected_status(name), seen)

    def test_the_exit_status_says_that_there_are_defects(self):
        self.assertEqual(self.done.returncode, 1)

    def test_every_failure_comes_with_advice(self):
        for name, seen in self.seen.items():
            for failure in seen["failures"]:
                self.assertTrue(failure["meaning"] and failure["remedy"], name)

    def test_the_table_names_lab_domains_only(self):
        named = {*NO_POLICY, *STS, *DANE, *DEFECTIVE_RECORD, *UNKNOWN}
        self.assertEqual(named - set(self.domains), set())


if __name__ == "__main__":
    unittest.main()
