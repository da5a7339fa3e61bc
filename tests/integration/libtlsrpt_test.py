#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The collector with the library that Postfix links: outcomes go in through its C interface."""

import ctypes
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import BUILD, Collector  # noqa: E402

TLSA, STS, NO_POLICY = 1, 2, 9
SUCCESS, FAILURE = 0, 1


def find_library():
    found = sorted((BUILD / "libtlsrpt" / "root").glob("usr/lib/*/libtlsrpt.so.*"))
    return found[0] if found else None


class Library:
    """Calls that fail raise the library's own words."""

    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.library.tlsrpt_strerror.restype = ctypes.c_char_p
        self.library.tlsrpt_set_blocking()

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code != 0:
            raise OSError(code, self.library.tlsrpt_strerror(code).decode())

    def report(self, socket_path, domain, record, policies):
        connection = ctypes.c_void_p()
        request = ctypes.c_void_p()
        self.call("tlsrpt_open", ctypes.byref(connection), os.fsencode(socket_path))
        self.call("tlsrpt_init_delivery_request", ctypes.byref(request), connection, domain, record)
        for policy in policies:
            self.call("tlsrpt_init_policy", request, policy["type"], policy.get("domain"))
            for line in policy.get("strings", ()):
                self.call("tlsrpt_add_policy_string", request, line)
            for pattern in policy.get("patterns", ()):
                self.call("tlsrpt_add_mx_host_pattern", request, pattern)
            for failure in policy.get("failures", ()):
                self.call("tlsrpt_add_delivery_request_failure", request, *failure)
            self.call("tlsrpt_finish_policy", request, policy["result"])
        self.call("tlsrpt_finish_delivery_request", ctypes.byref(request))
        self.call("tlsrpt_close", ctypes.byref(connection))


@unittest.skipUnless(find_library(),
                     "libtlsrpt is not there; run tests/fetch_trixie BUILD")
class LibtlsrptTest(unittest.TestCase):
    def setUp(self):
        self.library = Library(find_library())
        self.collector = Collector()
        self.addCleanup(self.collector.close)

    def report(self, domain, *policies):
        self.library.report(self.collector.socket_path, domain,
                            b"v=TLSRPTv1; rua=mailto:r@" + domain, policies)

    def test_successes_are_counted_without_loss(self):
        self.collector.start()
        for _ in range(2000):
            self.report(b"plain.example", {"type": NO_POLICY, "result": SUCCESS})
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums("plain.example"), (2000, 0))
        self.assertEqual(self.collector.query("SELECT tlsrpt_record FROM outcome"),
                         [("v=TLSRPTv1; rua=mailto:r@plain.example",)])

    def test_every_member_of_a_failure_arrives(self):
        self.collector.start()
        reply = b"250-MX.a.example greets you\r\n250-SIZE\r\n250 \x01\x7f \"\\ HELP"
        self.report(
            b"A.example",
            {"type": STS, "domain": b"a.example", "result": FAILURE,
             "strings": [b"mx: *.a.example", b"version: STSv1", b"mode: testing",
                         b"max_age: 86400"],
             "patterns": [b"*.A.example"],
             "failures": [(205, b"2001:db8::1", b"mx.A.example", reply, b"198.51.100.1",
                           b"https://x.example/\"\\\t\xc3\xa9", b"self-signed_certificate")]},
            {"type": TLSA, "domain": b"mx.a.example", "result": SUCCESS,
             "strings": [b"3 1 1 abcd", b"2 0 1 FF"]})
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(
            self.collector.query(
                "SELECT policy_type, policy_domain, policy_string, mx_host, successes, failures "
                "FROM outcome "
                "WHERE domain='a.example' ORDER BY policy_type"),
            [("sts", "a.example",
              "version: STSv1\nmode: testing\nmx: *.a.example\nmax_age: 86400", "*.a.example",
              0, 1),
             ("tlsa", "mx.a.example", "2 0 1 FF\n3 1 1 ABCD", "", 1, 0)])
        self.assertEqual(
            self.collector.query(
                "SELECT result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, "
                "receiving_ip, additional_information, failure_reason_code, sessions "
                "FROM outcome_detail"),
            [("validation-failure", "2001:db8::1", "mx.a.example", "MX.a.example", "198.51.100.1",
              "https://x.example/\"\\ \u00e9", "self-signed_certificate", 1)])

    def test_each_result_code_gets_its_registered_type(self):
        self.collector.start()
        codes = (201, 202, 203, 204, 205, 301, 302, 303, 304, 305, 306)
        for code in codes:
            self.report(b"codes.example",
                        {"type": NO_POLICY, "result": FAILURE,
                         "failures": [(code, None, None, None, None, None, None)]})
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums("codes.example"), (0, len(codes)))
        types = [row[0] for row in self.collector.query("SELECT result_type FROM outcome_detail")]
        self.assertEqual(len(set(types)), len(codes))
        self.assertEqual(self.collector.counter("bad-not-json"), 0)

    def test_invalid_utf8_from_the_library_is_counted(self):
        self.collector.start()
        self.report(b"bytes.example",
                    {"type": NO_POLICY, "result": FAILURE,
                     "failures": [(205, None, None, b"250 \xff\xfe", None, b"\xe9", None)]})
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(self.collector.sums("bytes.example"), (0, 1))

    def test_the_library_finds_a_restarted_collector(self):
        for count in (1, 2):
            self.collector.start()
            self.report(b"again.example", {"type": NO_POLICY, "result": SUCCESS})
            self.assertEqual(self.collector.stop(), 0)
            self.assertEqual(self.collector.sums("again.example"), (count, 0))
            with self.assertRaises(OSError):
                self.report(b"again.example", {"type": NO_POLICY, "result": SUCCESS})


if __name__ == "__main__":
    unittest.main()
