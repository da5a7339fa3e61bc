# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-policy as a process: asked by postmap(1), and by Postfix that delivers mail to MX hosts
with good and bad certificates; without its resolver, without policy hosts, and after a kill."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# pylint: disable=wrong-import-position
import own_network
import postfix310
import postfix_server
from collector_support import Collector, wait_until
from https_server import SILENT, Authority, HttpsServer, answer
from report_mails import plain_mail
from smtp_sink import SmtpSink
from unbound_server import UnboundServer, Zone

PROGRAM = pathlib.Path(os.environ["OPENTLSRPT_BUILD"]) / "sender" / "opentlsrpt-policy"
PATH = "/.well-known/mta-sts.txt"
PATIENCE = 60
MODES = {"good": "enforce", "bad": "enforce", "testing": "testing", "none": "none",
         "dane": "enforce", "nocert": "enforce", "silent": "enforce", "notfound": "", "invalid": ""}
DOMAINS = {name: f"{name}.example" for name in MODES}
ADDRESSES = {name: f"127.0.1.{number}" for number, name in enumerate(MODES, 1)}


def skip_reason():
    if UnboundServer.missing():
        return "missing programs: " + UnboundServer.missing()
    return postfix_server.skip_reason() or own_network.skip_reason()


def setUpModule():
    if skip_reason():
        raise unittest.SkipTest(skip_reason())
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    own_network.enter(folder.name)
    if not postfix310.skip_reason():
        postfix310.mount()


def zone(name):
    address = ADDRESSES[name]
    # Of no certificate: mail has to wait where DANE counts.
    tlsa = f'_25._tcp.mx TLSA 3 1 1 {64 * "a"}\n' if name == "dane" else ""
    return Zone(f'@ MX 10 mx\nmx A {address}\nmta-sts A {address}\n_mta-sts TXT "v=STSv1; id=1;"\n'
                f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{DOMAINS[name]}"\n{tlsa}',
                signed=name == "dane")


def policy(name):
    text = f"version: STSv1\nmode: {MODES[name]}\nmx: mx.{DOMAINS[name]}\nmax_age: 604800\n"
    return answer("200 OK", "Content-Type: text/plain", body=text.encode())


class Daemon:
    def __init__(self, folder, authority, **keys):
        self.folder = folder
        self.socket_path = folder / "policy.sock"
        self.config = folder / "policy.conf"
        self.log_path = folder / "policy.log"
        self.process = None
        self.keys = {"Database": f"sqlite:{folder}", "PolicySocket": f"local:{self.socket_path}",
                     "OutcomeSocketGroup": "postfix", "Nameserver": "127.0.0.1",
                     "TrustFile": authority, "PostNetworks": "127.0.0.0/8", "PolicyTimeout": "3s",
                     "DNSTimeout": "1s", "LogWhy": "yes", **keys}

    def start(self):
        self.config.write_text("".join(f"{key} {value}\n" for key, value in self.keys.items()))
        with open(self.log_path, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen([PROGRAM, "-f", "-c", self.config], stderr=log)
        wait_until(lambda: b"policy-started" in self.log_path.read_bytes()[begin:], self.log())
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def ask(self, domain, table="plain"):
        """As Postfix does: (return code, value)."""
        (self.folder / "main.cf").write_text("compatibility_level = 3.6\n")
        done = subprocess.run(["postmap", "-c", self.folder, "-q", domain,
                               f"socketmap:unix:{self.socket_path}:{table}"],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.returncode, done.stdout.strip() or done.stderr.strip()

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(PATIENCE)
        client.connect(str(self.socket_path))
        return client


class PolicyCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.authority_folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        pathlib.Path(cls.authority_folder).chmod(0o755)
        cls.authority = Authority(cls.authority_folder)
        cls.hosts = {}
        for name, address in ADDRESSES.items():
            domain = DOMAINS[name]
            elsewhere = cls.authority.context("elsewhere.example")
            good = cls.authority.context(f"mx.{domain}", f"mta-sts.{domain}")
            context = {"silent": SILENT, "nocert": elsewhere}.get(name, good)
            behaviour = {"notfound": answer("404 Not Found"),
                         "invalid": answer("200 OK", "Content-Type: text/plain", body=b"hello\n")}
            cls.enterClassContext(HttpsServer(context, {PATH: behaviour.get(name) or policy(name)},
                                              address=address, port=443))
            cls.hosts[name] = cls.enterClassContext(SmtpSink(address, 25))
            cls.hosts[name].tls = elsewhere if name in ("bad", "testing") else good

    def setUp(self):
        self.dns = self.enterContext(
            UnboundServer({DOMAINS[name]: zone(name) for name in DOMAINS}, port=53))
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.collector = Collector(OutcomeSocketGroup="postfix")
        self.addCleanup(self.collector.close)
        for host in self.hosts.values():
            host.messages.clear()

    def start(self, **keys):
        daemon = Daemon(self.folder, self.authority.certificate,
                        OutcomeSocket=self.collector.socket_path, **keys)
        self.addCleanup(daemon.close)
        return daemon.start()


class Questions(PolicyCase):
    def secure(self, name):
        return 0, f"secure match=mx.{DOMAINS[name]} servername=hostname"

    def test_answers_follow_the_policies(self):
        daemon = self.start()
        self.assertEqual(daemon.ask("good.example"), self.secure("good"))
        for name in ("testing", "none", "dane", "notfound", "invalid", "nocert"):
            self.assertEqual(daemon.ask(DOMAINS[name]), (1, ""), name)
        begin = time.monotonic()
        self.assertEqual(daemon.ask("silent.example"), (1, ""))
        self.assertGreater(time.monotonic() - begin, 2, "PolicyTimeout")
        for key in (".good.example", "[good.example]", "good.example:25", "192.0.2.1", "."):
            self.assertEqual(daemon.ask(key), (1, ""), key)
        self.assertRegex(daemon.ask("good.example", "tlsrpt")[1],
                         r"^secure .* policy_type=sts policy_domain=good.example \{ policy_string = ")
        done = subprocess.run([PROGRAM, "--ask", "-c", daemon.config, "plain", "good.example"],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stdout.strip()), self.secure("good"))
        self.assertEqual(daemon.end(), 0)
        self.assertFalse(daemon.socket_path.exists())

    def test_a_policy_outlives_resolver_policy_host_and_process(self):
        daemon = self.start()
        self.assertEqual(daemon.ask("good.example"), self.secure("good"))
        daemon.end(signal.SIGKILL)
        self.dns.stop()
        daemon.start()
        self.assertEqual(daemon.ask("good.example"), self.secure("good"))
        self.assertEqual(daemon.ask("unheard.example"), (1, ""))
        self.assertEqual(daemon.end(), 0)

    def test_512_connections_are_answered_and_closed(self):
        daemon = self.start()
        daemon.ask("good.example")
        descriptors = pathlib.Path(f"/proc/{daemon.process.pid}/fd")
        before = len(list(descriptors.iterdir()))
        clients = [daemon.connect() for _ in range(512)]
        for client in clients:
            client.sendall(b"18:plain good.example,")
        for client in clients:
            self.assertRegex(client.recv(1000), b"OK secure match=")
        for client in clients:
            client.close()
        wait_until(lambda: len(list(descriptors.iterdir())) <= before, "closed connections")

    def test_how_long_an_answer_takes(self):
        daemon = self.start()
        daemon.ask("good.example")
        times = []
        with daemon.connect() as client:
            for _ in range(2000):
                begin = time.perf_counter()
                client.sendall(b"18:plain good.example,")
                client.recv(1000)
                times.append(time.perf_counter() - begin)
        times.sort()
        print(f"\nanswer from memory: median {times[1000] * 1e6:.0f} us, "
              f"99 % {times[1980] * 1e6:.0f} us", file=sys.stderr)
        self.assertLess(times[1000], 0.1)

    def test_a_configuration_that_cannot_be_used_is_told(self):
        daemon = Daemon(self.folder, "/nonexistent/ca.pem", PolicySocket="inet:127.0.0.1:25",
                        PostNetworks="everywhere", Nameserver="nowhere")
        daemon.config.write_text("".join(f"{key} {value}\n" for key, value in daemon.keys.items()))
        done = subprocess.run([PROGRAM, "-n", "-c", daemon.config], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 78)
        for word in ("inet:8895@127.0.0.1", "everywhere", "nowhere", "/nonexistent/ca.pem"):
            self.assertIn(word, done.stderr)


class Delivery(PolicyCase):
    """Mail through a Postfix that asks."""

    kind = postfix_server.PostfixServer
    table = "plain"
    parameters = {}

    def setUp(self):
        super().setUp()
        self.collector.start()
        self.daemon = self.start(**self.keys())
        self.postfix = self.enterContext(self.kind(
            services="smtp unix - - n - - smtp\n", parameters={
                "default_transport": "smtp", "mynetworks": "127.0.0.0/8",
                "smtpd_relay_restrictions": "permit_mynetworks, reject",
                "smtp_dns_support_level": "dnssec", "smtp_tls_security_level": "dane",
                "dnssec_probe": "ns:dane.example", "smtp_tls_CAfile": self.authority.certificate,
                "smtp_tls_policy_maps":
                    f"socketmap:unix:{self.daemon.socket_path}:{self.table}",
                **self.more_parameters()}))

    def keys(self):
        return {}

    def more_parameters(self):
        return {}

    def send(self, name):
        """What became of a mail: the word in the log."""
        recipient = f"user@{DOMAINS[name]}"
        self.postfix.send("someone@example.com", [recipient], plain_mail(recipient=recipient))
        pattern = rf"to=<{recipient}>.*status=(\w+)"
        wait_until(lambda: re.search(pattern, self.postfix.log()), self.postfix.log())
        return re.search(pattern, self.postfix.log())[1]

    def test_mail_goes_where_policies_allow_it(self):
        results = {name: self.send(name) for name in ("good", "bad", "testing", "none", "dane",
                                                      "notfound", "invalid", "nocert")}
        self.assertEqual(results, {
            "good": "sent", "bad": "deferred", "testing": "sent", "none": "sent",
            "dane": "deferred",  # by DANE, which the policy would have hidden
            "notfound": "sent", "invalid": "sent", "nocert": "sent"})
        self.check_outcomes()

    def check_outcomes(self):
        """Outcomes of older versions come from the log; nothing is recorded here."""
        self.daemon.end()
        self.assertRegex(self.daemon.log(), r"policy-stats .* recorded=0 ")


@unittest.skipIf(postfix310.skip_reason(), postfix310.skip_reason())
class Delivery310(Delivery):
    """The map with attributes; Postfix reports its sessions, and the daemon what it cannot."""

    kind = postfix310.Postfix310
    table = "tlsrpt"

    def keys(self):
        return {"LogFile": self.folder / "mail.log", "LogSessions": "sts-testing"}

    def more_parameters(self):
        return {"smtp_tlsrpt_enable": "yes",
                "smtp_tlsrpt_socket_name": self.collector.socket_path}

    def check_outcomes(self):
        self.collector.wait_for_read(8 + 3)
        self.assertEqual(self.daemon.end(), 0)
        self.assertRegex(self.daemon.log(), r"policy-stats .* recorded=3 not_recorded=0 ")
        self.assertEqual(self.collector.stop(), 0)
        sums = {name: self.collector.sums(DOMAINS[name]) for name in DOMAINS}
        self.assertEqual(sums, {
            "good": (1, 0), "bad": (0, 1), "testing": (1, 0), "none": (1, 0), "dane": (0, 1),
            "notfound": (1, 1), "invalid": (1, 1), "nocert": (1, 1), "silent": (0, 0)})


if __name__ == "__main__":
    unittest.main()
