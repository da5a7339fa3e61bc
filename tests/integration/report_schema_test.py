# SPDX-License-Identifier: BSD-2-Clause
"""The strict schema of reports accepts what RFC 8460 asks of a sender and nothing else: what
judges the reporter in report_conformance_test.py is judged here."""

import copy
import json
import unittest

from report_schema import has_jsonschema, schema_errors, strict_json

FAILURE = {
    "result-type": "certificate-not-trusted",
    "sending-mta-ip": "192.0.2.1",
    "receiving-mx-hostname": "mx1.rcpt.example",
    "receiving-mx-helo": "mx1.rcpt.example",
    "receiving-ip": "2001:db8::1",
    "failed-session-count": 2,
    "additional-information": "https://sender.example/why?x=%20",
    "failure-reason-code": "X509_V_ERR_SELF_SIGNED",
}
REPORT = {
    "organization-name": "Société d’Exemple",
    "date-range": {"start-datetime": "2026-03-01T00:00:00Z",
                   "end-datetime": "2026-03-01T23:59:59Z"},
    "contact-info": "tlsrpt@sender.example",
    "report-id": "20260301.rcpt.example.0123456789abcdef@sender.example",
    "policies": [
        {"policy": {"policy-type": "sts", "policy-domain": "rcpt.example",
                    "policy-string": ["version: STSv1", "mode: enforce", "mx: *.rcpt.example"],
                    "mx-host": ["*.rcpt.example"]},
         "summary": {"total-successful-session-count": 7, "total-failure-session-count": 2},
         "failure-details": [FAILURE]},
        {"policy": {"policy-type": "tlsa", "policy-domain": "mx1.rcpt.example",
                    "policy-string": ["3 1 1 00FF", "255 0 2 AB"]},
         "summary": {"total-successful-session-count": 0, "total-failure-session-count": 0}},
        {"policy": {"policy-type": "no-policy-found", "policy-domain": "xn--mller-kva.example"},
         "summary": {"total-successful-session-count": 9007199254740991,
                     "total-failure-session-count": 0}},
    ],
}
STS = ("policies", 0)
TLSA = ("policies", 1)
NONE = ("policies", 2)
DETAIL = ("policies", 0, "failure-details", 0)
MISSING = object()

# Where, and what stands there instead (MISSING: nothing).
REFUSED = [
    *[((name,), MISSING) for name in REPORT],
    (("x-extension",), 1),  # R106
    (("organization-name",), ""),  # R101
    (("organization-name",), None),
    (("organization-name",), "line\n"),
    (("organization-name",), "bell\x07"),
    (("organization-name",), "\ufffe"),  # R49
    (("date-range", "start-datetime"), "2026-03-01T00:00:01Z"),  # R55
    (("date-range", "start-datetime"), "2026-03-01t00:00:00z"),  # R57
    (("date-range", "start-datetime"), "2026-03-01T00:00:00+00:00"),
    (("date-range", "start-datetime"), "2026-13-01T00:00:00Z"),
    (("date-range", "start-datetime"), "2026-03-01T00:00:00Z\n"),
    (("date-range", "end-datetime"), "2026-03-01T24:00:00Z"),  # R56
    (("date-range", "end-datetime"), "2026-03-02T00:00:00Z"),
    (("date-range", "end-datetime"), MISSING),
    (("date-range", "time-zone"), "UTC"),
    (("contact-info",), "Sender <tlsrpt@sender.example>"),  # R62
    (("contact-info",), "mailto:tlsrpt@sender.example"),
    (("contact-info",), "tlsrpt@sender"),
    (("report-id",), "2026-03-01T00:00:00Z@sender.example"),  # R65
    (("report-id",), "no-domain"),
    (("report-id",), "a" * 290 + "@sender.example"),
    (("policies",), []),
    (("policies",), REPORT["policies"][0]),  # R66
    (STS + ("policy",), MISSING),
    (STS + ("policy", "policy-type"), "dane"),  # R68
    (STS + ("policy", "policy-type"), MISSING),
    (STS + ("policy", "policy-domain"), "bücher.example"),  # R76
    (STS + ("policy", "policy-domain"), "Rcpt.Example"),
    (STS + ("policy", "policy-domain"), "rcpt.example."),
    (STS + ("policy", "policy-domain"), "192.0.2.1"),
    (STS + ("policy", "policy-domain"), MISSING),  # R79
    (STS + ("policy", "policy-string"), "version: STSv1"),  # R70
    (STS + ("policy", "policy-string"), []),
    (STS + ("policy", "policy-string"), MISSING),
    (STS + ("policy", "policy-string", 1), "mode: enforce\r"),  # R72
    (STS + ("policy", "mx-host"), "*.rcpt.example"),  # R80
    (STS + ("policy", "mx-host"), []),
    (STS + ("policy", "mx-host", 0), "mx.*.example"),
    (STS + ("policy", "mx-host", 0), "*.bücher.example"),  # R81
    (STS + ("policy", "id"), "20260301"),
    (TLSA + ("policy", "mx-host"), ["mx1.rcpt.example"]),  # R80
    (TLSA + ("policy", "policy-string"), MISSING),
    (TLSA + ("policy", "policy-string", 0), "3 1 1 00ff"),  # R73
    (TLSA + ("policy", "policy-string", 0), "3 1 1 00 FF"),
    (TLSA + ("policy", "policy-string", 0), "3  1 1 00FF"),
    (TLSA + ("policy", "policy-string", 0), "256 1 1 00FF"),
    (TLSA + ("policy", "policy-string", 0), "255 0 2 AB"),  # R74: twice
    (TLSA + ("failure-details",), []),  # R88
    (NONE + ("policy", "policy-string"), ["version: STSv1"]),
    (NONE + ("policy", "mx-host"), ["mx1.rcpt.example"]),
    (STS + ("summary",), MISSING),
    (STS + ("summary", "total-successful-session-count"), -1),  # R83
    (STS + ("summary", "total-successful-session-count"), 1.5),
    (STS + ("summary", "total-successful-session-count"), "7"),
    (STS + ("summary", "total-successful-session-count"), True),
    (STS + ("summary", "total-failure-session-count"), MISSING),
    (STS + ("summary", "total-failure-session-count"), 2**53),  # R50
    (STS + ("summary", "total-session-count"), 9),
    (DETAIL + ("result-type",), "certificate-revoked"),  # R89
    (DETAIL + ("result-type",), MISSING),
    (DETAIL + ("sending-mta-ip",), "192.0.2.010"),  # R91
    (DETAIL + ("sending-mta-ip",), "192.0.2.256"),
    (DETAIL + ("sending-mta-ip",), ""),  # R101
    (DETAIL + ("receiving-ip",), "2001:DB8::1"),  # R92
    (DETAIL + ("receiving-ip",), "2001:db8::0001"),
    (DETAIL + ("receiving-ip",), "2001:db8:0:0:1:0:0:1"),
    (DETAIL + ("receiving-ip",), "1::3:4:5:6:7:8"),
    (DETAIL + ("receiving-ip",), "[2001:db8::1]"),  # R94
    (DETAIL + ("receiving-ip",), "::ffff:192.0.2.1"),
    (DETAIL + ("receiving-ip",), "::ffff:c000:201"),
    (DETAIL + ("receiving-ip",), "fe80::1%eth0"),
    (DETAIL + ("receiving-mx-hostname",), "MX1.rcpt.example"),  # R95
    (DETAIL + ("receiving-mx-hostname",), "[192.0.2.1]"),
    (DETAIL + ("receiving-mx-helo",), "mx1.rcpt.example at your service"),  # R96
    (DETAIL + ("receiving-mx-helo",), ""),
    (DETAIL + ("failed-session-count",), 0),  # R97
    (DETAIL + ("failed-session-count",), MISSING),
    (DETAIL + ("additional-information",), "please ask"),  # R98
    (DETAIL + ("additional-information",), "https://sender.example/%zz"),
    (DETAIL + ("failure-reason-code",), MISSING),  # R99
    (DETAIL + ("failure-reason-code",), ""),
    (DETAIL + ("failure-reason-code",), "two\nlines"),  # R100
    (DETAIL + ("failure-reason-code",), "x" * 129),
    (DETAIL + ("failure-reason-code",), "grün"),
    (DETAIL + ("tls-version",), "TLSv1.3"),  # R106
]
ACCEPTED = [
    (("organization-name",), "a \"quoted\" name \\"),
    (STS + ("policy", "mx-host"), MISSING),
    (STS + ("failure-details",), MISSING),
    (STS + ("policy", "policy-string", 1), "a line in error"),  # R71
    (NONE + ("failure-details",), [FAILURE | {"result-type": "validation-failure"}]),
    (DETAIL + ("receiving-ip",), "::"),
    (DETAIL + ("receiving-ip",), "1:2:3:4:5:6:7:8"),
    (DETAIL + ("receiving-ip",), "2001:db8::1:0:0:1"),
    (DETAIL + ("failure-reason-code",), "x" * 128),
    *[(DETAIL + (name,), MISSING) for name in FAILURE
      if name not in ("result-type", "failed-session-count", "failure-reason-code")],
]


def mutated(path, value):
    report = copy.deepcopy(REPORT)
    place = report
    for step in path[:-1]:
        place = place[step]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return report


@unittest.skipUnless(has_jsonschema(), "needs python3-jsonschema")
class ReportSchema(unittest.TestCase):
    def test_a_report_as_the_rfc_wants_it_is_accepted(self):
        self.assertEqual(schema_errors(REPORT), [])
        for path, value in ACCEPTED:
            with self.subTest(path=path, value=value):
                self.assertEqual(schema_errors(mutated(path, value)), [])

    def test_each_deviation_is_refused(self):
        self.assertGreater(len(REFUSED), 80)
        for path, value in REFUSED:
            with self.subTest(path=path, value=value):
                self.assertNotEqual(schema_errors(mutated(path, value)), [])

    def test_a_policy_without_lines_is_one_that_could_not_be_had(self):
        report = mutated(STS + ("policy", "policy-string"), MISSING)
        report["policies"][0]["failure-details"] = [
            {"result-type": "sts-policy-fetch-error", "failed-session-count": 2}]
        self.assertEqual(schema_errors(report), [])
        report["policies"][0]["failure-details"][0]["result-type"] = "certificate-expired"
        self.assertNotEqual(schema_errors(report), [])

    def test_json_that_is_no_i_json_is_refused_before(self):
        good = json.dumps(REPORT).encode()
        self.assertEqual(strict_json(good), REPORT)
        for bad in (b"\xef\xbb\xbf" + good,  # R47
                    good.replace(b"{", b'{"report-id": "1@x.example",', 1),  # R48
                    good.replace(b": 7,", b": 7.0,"), good.replace(b": 7,", b": 7e0,"),
                    good.replace(b": 7,", b": NaN,"),
                    good.replace(b"Soci", b"\xe9")):  # R46
            self.assertNotEqual(bad, good)
            self.assertRaises(ValueError, strict_json, bad)


if __name__ == "__main__":
    unittest.main()
