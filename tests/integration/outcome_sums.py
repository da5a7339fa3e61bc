# SPDX-License-Identifier: BSD-2-Clause
"""What reports have to say about recorded datagrams, added up without any of the project's code."""

import collections
import ipaddress
import json

POLICY_TYPES = {1: "tlsa", 2: "sts", 9: "no-policy-found"}
RESULT_TYPES = {
    201: "starttls-not-supported", 202: "certificate-host-mismatch",
    203: "certificate-not-trusted", 204: "certificate-expired", 205: "validation-failure",
    301: "sts-policy-fetch-error", 302: "sts-policy-invalid", 303: "sts-webpki-invalid",
    304: "tlsa-invalid", 305: "dnssec-invalid", 306: "dane-required",
}
REASON_NEEDED = ("certificate-not-trusted", "validation-failure")  # R99
STS_ORDER = ["version", "mode", "mx", "max_age"]


def expected_strings(policy):
    strings = policy.get("policy-string", [])
    if policy["policy-type"] == 1:
        return tuple(sorted(set(strings)))
    fields = [line.split(": ", 1) for line in strings]
    fields.sort(key=lambda field: (STS_ORDER.index(field[0]), field[1]))
    return tuple(": ".join(field) for field in fields)


def expected_detail(detail):
    result = {"result-type": RESULT_TYPES[detail["c"]]}
    for member, key in (("sending-mta-ip", "s"), ("receiving-ip", "r")):
        if detail.get(key):
            result[member] = str(ipaddress.ip_address(detail[key]))
    if detail.get("n"):
        result["receiving-mx-hostname"] = detail["n"].lower()
    if detail.get("h"):
        result["receiving-mx-helo"] = detail["h"].split("\r\n")[0][4:].split(" ")[0]
    if detail.get("f"):
        result["failure-reason-code"] = detail["f"]
    elif result["result-type"] in REASON_NEEDED:
        result["failure-reason-code"] = "unspecified"
    return tuple(sorted(result.items()))


def expected_reports(datagrams):
    """domain -> policy -> [successes, failures, Counter of details]"""
    reports = {}
    for datagram in map(json.loads, datagrams):
        domain = datagram["d"].lower()
        policies = reports.setdefault(domain, {})
        for policy in datagram["policies"]:
            key = (POLICY_TYPES[policy["policy-type"]],
                   policy.get("policy-domain", domain).lower(), expected_strings(policy),
                   tuple(sorted(policy.get("mx-host", []))))
            sums = policies.setdefault(key, [0, 0, collections.Counter()])
            sums[policy["f"]] += 1
            sums[2].update({expected_detail(one) for one in policy.get("failure-details", [])})
    return reports


def shown_report(report):
    policies = {}
    for entry in report["policies"]:
        policy, summary = entry["policy"], entry["summary"]
        key = (policy["policy-type"], policy["policy-domain"],
               tuple(policy.get("policy-string", [])), tuple(sorted(policy.get("mx-host", []))))
        assert key not in policies, "the same policy twice"
        details = collections.Counter()
        for detail in entry.get("failure-details", []):
            count = detail.pop("failed-session-count")
            details[tuple(sorted(detail.items()))] += count
        policies[key] = [summary["total-successful-session-count"],
                         summary["total-failure-session-count"], details]
    return policies
