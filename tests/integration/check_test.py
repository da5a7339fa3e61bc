# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-check in a network of its own: a validating resolver, mail servers at port 25, and the
policy hosts at port 443, each with its fault."""

import json
import os
import subprocess
import tempfile
import unittest

import own_network
from https_server import Authority, HttpsServer, answer
from mail_server import MailServer
from unbound_server import UnboundServer, Zone

BUILD = os.environ.get("OPENTLSRPT_BUILD", "build")
PROGRAM = os.path.abspath(os.path.join(BUILD, "sender", "opentlsrpt-check"))
SKIP = own_network.skip_reason() or (
    UnboundServer.missing() and f"not installed: {UnboundServer.missing()}")

PLAIN = {  # what stands beside the MX record, which is "mx" at an address of its own
    "good": "",
    "selfsigned": "",
    "nostarttls": "",
    "expired": "",
    "wronghost": "",
    "nopolicy": "",
    "badpolicy": "",
    "othermx": "",
    "hostile": "",
    "bothfail": "",
    "refused": "",
}
WITH_STS = {"good", "expired", "wronghost", "nopolicy", "badpolicy", "othermx", "bothfail"}
RECORD = '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tlsrpt@{name}.example"\n'
HOSTILE = b"250-mx\x1b[31m.example \xff\"\r\n250-X-\x1b]0;title\x07\r\n250 HELP\r\n"


def tlsa_of(authority_folder, number):
    """'3 1 1' of the key of the authority's certificate with this number."""
    script = (f"openssl x509 -in {number}.pem -noout -pubkey | openssl pkey -pubin -outform DER"
              " | openssl dgst -sha256 -r")
    done = subprocess.run(["sh", "-c", script], cwd=authority_folder, check=True,
                          capture_output=True, text=True, timeout=30)
    return "3 1 1 " + done.stdout.split()[0]


@unittest.skipIf(SKIP, SKIP)
class CheckTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        own_network.enter(cls.folder.name)
        cls.authority = Authority(cls.folder.name)
        cls.count = 0
        cls.servers = {}
        cls.addresses = {}
        cls.start_mail_servers()
        policies = [f"mta-sts.{name}.example" for name in WITH_STS]
        https = HttpsServer(cls.authority.context(*policies),
                            {"/.well-known/mta-sts.txt": cls.serve_policy}, port=443)
        https.__enter__()
        cls.addClassCleanup(https.__exit__, None, None, None)
        cls.dns = UnboundServer(cls.zones())
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)

    @classmethod
    def certificate(cls, *names, **faults):
        cls.count += 1
        return cls.authority.context(*names, **faults)

    @classmethod
    def serve(cls, name, context=None, ehlo=None):
        address = f"127.0.1.{len(cls.addresses) + 1}"
        cls.addresses[name] = address
        cls.servers[name] = MailServer(address, context, ehlo)
        cls.addClassCleanup(cls.servers[name].stop)

    @classmethod
    def start_mail_servers(cls):
        for name in ("good", "nopolicy", "badpolicy", "othermx"):
            cls.serve(name, cls.certificate(f"mx.{name}.example"))
        cls.serve("selfsigned", cls.certificate("mx.selfsigned.example", self_signed=True))
        cls.serve("expired", cls.certificate("mx.expired.example", expired=True))
        cls.serve("wronghost", cls.certificate("else.example"))
        cls.serve("bothfail", cls.certificate("else.example", expired=True))
        cls.serve("nostarttls")
        cls.serve("hostile", None, HOSTILE)
        cls.serve("dane", cls.certificate("mx.dane.example", self_signed=True))
        cls.dane_record = tlsa_of(cls.folder.name, cls.count)
        cls.addresses["refused"] = "127.0.2.1"

    @classmethod
    def serve_policy(cls, connection, request):
        host = dict(field.split(": ", 1) if isinstance(field, str) else field
                    for field in request.fields).get("Host", "")
        name = host.split(".")[1]
        mx = "elsewhere.example" if name == "othermx" else f"mx.{name}.example"
        body = f"version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 86400\n"
        if name == "badpolicy":
            body = "version: STSv1\nmode: perhaps\n"
        status = "404 Not Found" if name == "nopolicy" else "200 OK"
        answer(status, "Content-Type: text/plain", body=body.encode())(connection, request)

    @classmethod
    def zones(cls):
        zones = {}
        for name in PLAIN:
            text = f"@ MX 10 mx\nmx A {cls.addresses[name]}\n" + RECORD.format(name=name)
            if name in WITH_STS:
                text += '_mta-sts TXT "v=STSv1; id=1"\nmta-sts A 127.0.0.1\n'
            zones[f"{name}.example"] = text
        mx = f"@ MX 10 mx\nmx A {cls.addresses['good']}\n"
        zones["tworecords.example"] = (
            mx + RECORD.format(name="one") + RECORD.format(name="two"))
        zones["badrecord.example"] = mx + '_smtp._tls TXT "v=TLSRPTv1 \x1b[31mrua"\n'
        zones["bare.example"] = mx
        zones["nullmx.example"] = "@ MX 0 .\n"
        secure = f"@ MX 10 mx\nmx A {cls.addresses['dane']}\n_25._tcp.mx TLSA "
        zones["dane.example"] = Zone(secure + cls.dane_record, signed=True)
        zones["danebad.example"] = Zone(secure + "3 1 1 " + 64 * "a", signed=True)
        zones["bogus.example"] = Zone(secure + cls.dane_record, signed=True, bogus=True)
        return zones

    def run_check(self, *arguments, nameserver=None):
        return subprocess.run(
            [PROGRAM, "--nameserver", nameserver or self.dns.address, "--trust-file",
             str(self.authority.certificate), "--timeout", "10", *arguments],
            check=False, capture_output=True, text=True, timeout=120)

    def check(self, name, *arguments):
        done = self.run_check("--json", *arguments, f"{name}.example")
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def assert_failures(self, name, *expected, code=1):
        returned, seen = self.check(name)
        failures = [" ".join(filter(None, (one["policy-type"], one["result-type"],
                                           one["failure-reason-code"])))
                    for one in seen["failures"]]
        self.assertEqual(sorted(failures), sorted(expected), seen)
        self.assertEqual(returned, code)
        return seen

    def test_a_good_domain(self):
        seen = self.assert_failures("good", code=0)
        self.assertEqual(seen["status"], "good")
        self.assertEqual(seen["mta-sts"]["mode"], "enforce")
        session = seen["hosts"][0]["sessions"][0]
        self.assertEqual(session["starttls"], "established")
        self.assertEqual(session["policies"], [
            {"policy-type": "sts", "policy-domain": "good.example", "failed": False,
             "failure-details": []}])

    def test_it_never_sends_mail(self):
        self.check("good")
        words = {command.split(" ")[0] for command in self.servers["good"].commands}
        self.assertEqual(words - {""}, {"EHLO", "STARTTLS", "QUIT"})

    def test_without_a_policy(self):
        self.assert_failures("selfsigned", code=0)
        self.assert_failures("nostarttls", "no-policy-found starttls-not-supported")
        self.assert_failures("bare", code=0)
        self.assert_failures("nullmx", code=0)

    def test_mta_sts(self):
        self.assert_failures("expired", "sts certificate-expired")
        self.assert_failures("wronghost", "sts certificate-host-mismatch")
        self.assert_failures("bothfail", "sts certificate-expired",
                             "sts certificate-host-mismatch")
        self.assert_failures("othermx", "sts validation-failure mx-not-in-sts-policy")
        self.assert_failures("nopolicy", "sts sts-policy-fetch-error http-status-404")
        _, seen = self.check("badpolicy")
        self.assertEqual(seen["failures"][0]["result-type"], "sts-policy-invalid")

    def test_dane(self):
        seen = self.assert_failures("dane", code=0)
        self.assertEqual(seen["hosts"][0]["dane"]["status"], "usable")
        self.assertTrue(seen["mx"]["secure"])
        self.assert_failures("danebad", "tlsa tlsa-invalid tlsa-no-match")

    def test_forged_answers(self):
        code, seen = self.check("bogus")
        self.assertEqual((code, seen["tlsrpt"]["status"]), (1, "defective"))
        failure = seen["failures"][0]
        self.assertEqual(failure["policy-type"], "no-policy-found")
        self.assertEqual(failure["result-type"], "validation-failure")
        self.assertRegex(failure["failure-reason-code"], r"^ede-\d+$")

    def test_what_cannot_be_looked_at(self):
        code, seen = self.check("refused")
        self.assertEqual((code, seen["status"]), (75, "unknown"))
        self.assertIn("refused", seen["unknown"][0])
        done = self.run_check("good.example", nameserver="127.0.3.1")
        self.assertEqual(done.returncode, 75, done.stdout)

    def test_defects_of_the_tlsrpt_record(self):
        code, seen = self.check("tworecords")
        self.assertEqual((code, seen["tlsrpt"]["status"]), (1, "defective"))
        self.assertIn("2 TLSRPT records", seen["tlsrpt"]["problems"][0])
        self.assertEqual(seen["failures"], [])
        code, seen = self.check("badrecord")
        self.assertEqual((code, seen["tlsrpt"]["status"]), (1, "defective"))

    def test_text_for_people(self):
        done = self.run_check("expired.example", "good.example")
        self.assertEqual(done.returncode, 1)
        self.assertIn("expired.example: defect", done.stdout)
        self.assertIn("sts: certificate-expired  mx.expired.example", done.stdout)
        self.assertIn("Mend: Renew it", done.stdout)
        self.assertIn("good.example: good", done.stdout)
        quiet = self.run_check("-q", "good.example")
        self.assertEqual((quiet.stdout, quiet.returncode), ("", 0))

    def test_strangers_text_is_escaped(self):
        for arguments in ((), ("--json",), ("--publish",)):
            done = self.run_check(*arguments, "hostile.example", "badrecord.example")
            self.assertFalse(set(done.stdout) & set("\x1b\x07"), arguments)

    def test_without_connections(self):
        code, seen = self.check("othermx", "--no-connect")
        self.assertEqual(code, 1)
        self.assertEqual(seen["hosts"][0]["sessions"], [])
        self.assertEqual(seen["failures"][0]["failure-reason-code"], "mx-not-in-sts-policy")

    def test_another_server_in_place_of_the_mx(self):
        code, seen = self.check("good", "--connect", self.addresses["expired"])
        self.assertEqual(code, 1)
        self.assertEqual({one["result-type"] for one in seen["failures"]},
                         {"certificate-expired", "certificate-host-mismatch"})

    def test_what_to_publish(self):
        done = self.run_check("--publish", "good.example")
        self.assertIn('_smtp._tls.good.example. IN TXT "v=TLSRPTv1; '
                      'rua=mailto:tlsrpt@good.example"', done.stdout)
        self.assertRegex(done.stdout, r'_mta-sts\.good\.example\. IN TXT "v=STSv1; id=\d{14}"')
        self.assertIn("mode: enforce\nmx: mx.good.example\nmax_age: ", done.stdout)
        self.assertNotIn(" IN TLSA ", done.stdout)  # the zone is not signed
        done = self.run_check("--publish", "danebad.example")
        self.assertIn("_25._tcp.mx.danebad.example. IN TLSA " + self.dane_record.upper(),
                      done.stdout)
        self.assertIn("; No MTA-STS", done.stdout)

    def test_wrong_command_lines(self):
        for arguments in ((), ("--port", "0", "a.example"), ("--what", "a.example"),
                          ("--json", "--publish", "a.example"), ("bad name",),
                          ("--connect", "", "a.example")):
            self.assertEqual(self.run_check(*arguments).returncode, 64, arguments)
        done = subprocess.run([PROGRAM, "--trust-file", "/nonexistent", "a.example"], check=False,
                              capture_output=True, timeout=30)
        self.assertEqual(done.returncode, 66)


if __name__ == "__main__":
    unittest.main()
