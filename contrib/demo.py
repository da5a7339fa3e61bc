# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration behind contrib/demo: outcomes go in at one end, a summary comes out at the other.

Two organisations, alpha.example and beta.example, have delivered mail to the domains of
receiver.example. Their outcomes are datagrams that a real Postfix 3.10 has sent. Each runs
our collector and our reporter; receiver.example runs Postfix with our milter.
"""

import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "integration"))
from loop_support import days_ago, skip_reason  # noqa: E402
from postfix_server import PostfixServer  # noqa: E402
from unbound_server import UnboundServer  # noqa: E402

REPORT_ADDRESS = "tls-reports@receiver.example"

# How often each recorded outcome happened: scenario -> (at alpha, at beta).
SESSIONS = {
    "sts-ok": (412, 96),
    "sts-cache-expired": (7, 0),
    "sts-wronghost": (3, 2),
    "sts-hsfail": (0, 4),
    "dane-ok": (188, 51),
    "dane-mismatch": (5, 1),
    "np-ok": (64, 230),
    "np-hsfail": (2, 0),
}
# The day that is reported about. Yesterday would still be open for two minutes after midnight.
DAYS_AGO = 2
# Rank of the senders in SESSIONS, name of the organisation, and the kind of its DKIM key.
SENDERS = {
    "alpha.example": (0, "Alpha Mail Ltd", "rsa"),
    "beta.example": (1, "Beta Post", "ed25519"),
}


class Steps:
    """Numbered steps on standard output."""

    def __init__(self, total):
        self.total = total
        self.number = 0
        self.bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")

    def begin(self, title):
        self.number += 1
        print(f"\n{self.bold[0]}[{self.number}/{self.total}] {title}{self.bold[1]}", flush=True)

    @staticmethod
    def say(text):
        print("    " + text.replace("\n", "\n    "), flush=True)


def datagrams(scenario):
    lines = (TOP / "tests/data/datagrams" / f"{scenario}.json").read_bytes().splitlines()
    return [line for line in lines if line.strip()]


def domains_of(scenario):
    """The recipient domain of a scenario, and every policy domain in it."""
    outcome = json.loads(datagrams(scenario)[0])
    policies = {policy.get("policy-domain", outcome["d"]) for policy in outcome["policies"]}
    return outcome["d"], sorted(policies | {outcome["d"]})


class Demo:
    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.day = str((datetime.now(timezone.utc) - timedelta(days=DAYS_AGO)).date())
        self.processes = []
        self.unbound = None
        self.postfix = None

    # -- parts -----------------------------------------------------------------------------------

    def run(self, program, *arguments):
        """Standard output of one of our commands; what it logs goes into a file."""
        half = "milter" if program in ("opentlsrpt-milter", "opentlsrpt-reports") else "sender"
        with open(self.folder / f"{program}.log", "ab") as log:
            return subprocess.run([self.build / half / program, *arguments], check=True, text=True,
                                  stdout=subprocess.PIPE, stderr=log).stdout

    def start(self, name, command, ready, environment=None):
        """Starts a daemon with its own log and waits until ready() is true."""
        log = self.folder / f"{name}.log"
        with open(log, "ab") as output:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output, start_new_session=True,
                                       env={**os.environ, **(environment or {})})
        self.processes.append((name, process))
        deadline = time.monotonic() + 20
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)
        return process

    def make_key(self, domain, kind):
        """A DKIM key; gives its file and its DNS record."""
        path = self.folder / f"{domain}.pem"
        options = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" \
            else ["-algorithm", "ED25519"]
        subprocess.run(["openssl", "genpkey", *options, "-out", path], check=True,
                       stderr=subprocess.DEVNULL)
        path.chmod(0o600)
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"],
                             check=True, stdout=subprocess.PIPE).stdout
        if kind == "ed25519":
            der = der[-32:]  # RFC 8463: the bare key
        public = subprocess.run(["openssl", "base64", "-A"], input=der, check=True,
                                stdout=subprocess.PIPE).stdout.decode()
        record = f"v=DKIM1; k={kind}; s=tlsrpt:email; p={public}"
        return path, " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))

    def zones(self, keys):
        zones = {"receiver.example": "@ MX 10 mx\nmx A 127.0.0.1\n"}
        for domain, (_, record) in keys.items():
            zones[domain] = f"@ MX 10 mx\nmx A 127.0.0.1\ntlsrpt._domainkey TXT {record}\n"
        for scenario in SESSIONS:
            domain, _ = domains_of(scenario)
            zones[domain] = f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:{REPORT_ADDRESS}"\n'
        return zones

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def start_milter(self):
        (self.folder / "receiver").mkdir()
        domains = sorted({d for scenario in SESSIONS for d in domains_of(scenario)[1]})
        config = self.write("receiver.conf", f"""\
ReportAddress   {REPORT_ADDRESS}
PolicyDomains   {", ".join(domains)}
On-Success      discard
Socket          local:{self.folder}/milter.sock
SocketGroup     postfix
Database        sqlite:{self.folder}/receiver
Nameserver      {self.unbound.address}
""")
        socket_path = self.folder / "milter.sock"
        self.start("milter", [self.build / "milter/opentlsrpt-milter", "-f", "-c", config],
                   socket_path.is_socket)
        return config

    def sender_config(self, domain, key):
        (self.folder / domain).mkdir()
        return self.write(f"{domain}.conf", f"""\
OrganizationName    "{SENDERS[domain][1]}"
ContactInfo         tlsrpt@{domain}
KeyFile             {key}
Selector            tlsrpt
OutcomeSocket       {self.folder}/{domain}.sock
OutcomeSocketGroup  postfix
Database            sqlite:{self.folder}/{domain}
Nameserver          {self.unbound.address}
SMTPServer          127.0.0.1:{self.postfix.port}
""")

    def collect(self, domain, config):
        """Runs a collector whose clock is behind, so that its day is over when it has counted."""
        path = self.folder / f"{domain}.sock"
        collector = self.start(f"collector-{domain}",
                               [self.build / "sender/opentlsrpt-collector", "-f", "-c", config],
                               path.is_socket, days_ago(DAYS_AGO))
        count = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.connect(str(path))
            for scenario, times in SESSIONS.items():
                for _ in range(times[SENDERS[domain][0]]):
                    for datagram in datagrams(scenario):
                        client.send(datagram)
                        count += 1
            client.send(b'{"d": "this is not a datagram that anybody should send')
        collector.send_signal(signal.SIGTERM)
        if collector.wait(timeout=20) != 0:
            raise RuntimeError(f"the collector of {domain} failed")
        self.processes = [entry for entry in self.processes if entry[1] is not collector]
        return count

    def send_forgery(self):
        """An unsigned mail that claims to be a report of alpha.example."""
        report = json.dumps({
            "organization-name": "Alpha Mail Ltd",
            "date-range": {"start-datetime": "2026-01-01T00:00:00Z",
                           "end-datetime": "2026-01-01T23:59:59Z"},
            "contact-info": "tlsrpt@alpha.example", "report-id": "forged",
            "policies": [{"policy": {"policy-type": "sts", "policy-domain": "sts-ok.plain.test"},
                          "summary": {"total-successful-session-count": 0,
                                      "total-failure-session-count": 1000000}}]})
        message = ("From: tlsrpt@alpha.example\r\n"
                   f"To: {REPORT_ADDRESS}\r\n"
                   "Subject: Report Domain: sts-ok.plain.test Submitter: alpha.example"
                   " Report-ID: <forged@alpha.example>\r\n"
                   "MIME-Version: 1.0\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
                   f"{report}\r\n")
        self.postfix.send("tlsrpt@alpha.example", [REPORT_ADDRESS], message.encode())

    # -- end -------------------------------------------------------------------------------------

    def stop(self):
        for _, process in reversed(self.processes):
            process.terminate()
        for name, process in reversed(self.processes):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                print(f"{name} does not end by itself; it is killed", file=sys.stderr)
                process.kill()
                process.wait()
        if self.postfix is not None:
            self.postfix.stop()
        if self.unbound is not None:
            self.unbound.stop()


def show_loop(demo, steps):
    steps.begin("A resolver with made-up zones (Unbound)")
    keys = {domain: demo.make_key(domain, kind) for domain, (_, _, kind) in SENDERS.items()}
    demo.unbound = UnboundServer(demo.zones(keys))
    demo.unbound.start()
    steps.say(f"on {demo.unbound.address}: {len(SESSIONS)} domains that ask for reports at\n"
              f"{REPORT_ADDRESS}, and the DKIM keys of {' and '.join(SENDERS)}")

    steps.begin("The receiver: Postfix with opentlsrpt-milter")
    config = demo.start_milter()
    demo.postfix = PostfixServer(smtpd_milters=f"unix:{demo.folder}/milter.sock",
                                 domains=("receiver.example",))
    demo.postfix.start()
    steps.say(f"Postfix on 127.0.0.1:{demo.postfix.port}, smtpd_milters = "
              f"unix:{demo.folder}/milter.sock")

    configs = {}
    for domain, (_, organization, kind) in SENDERS.items():
        steps.begin(f"{organization} ({domain}): outcomes go into opentlsrpt-collector")
        configs[domain] = demo.sender_config(domain, keys[domain][0])
        count = demo.collect(domain, configs[domain])
        steps.say(f"{count} outcomes of {demo.day}, recorded from a real Postfix 3.10,\n"
                  f"and one broken datagram between them; the day is closed")

    steps.begin("What would be sent: opentlsrpt-reporter preview")
    lines = demo.run("opentlsrpt-reporter", "-c", configs["alpha.example"], "preview",
                     "--day", demo.day).splitlines()
    steps.say(f"{len(lines)} reports; the first one:")
    steps.say(json.dumps(json.loads(lines[0]), indent=2))

    steps.begin("opentlsrpt-reporter send: signed, gzipped, through Postfix")
    for domain, (_, _, kind) in SENDERS.items():
        sent = demo.run("opentlsrpt-reporter", "-c", configs[domain], "send", "--day", demo.day)
        steps.say(f"{domain} ({kind} key)")
        steps.say(sent.rstrip("\n"))
    demo.send_forgery()
    demo.postfix.wait_for_mail(REPORT_ADDRESS, count=1)
    steps.say("and a forged report without a signature, which was delivered untouched and recorded")

    steps.begin("What the administrator of receiver.example reads: opentlsrpt-reports summary")
    print(flush=True)
    print(demo.run("opentlsrpt-reports", "-c", config, "summary"), end="", flush=True)
    return config


def remember(demo):
    """Writes down what --stop needs: the process numbers and the configuration of Postfix."""
    state = {"processes": [process.pid for _, process in demo.processes],
             "unbound": demo.unbound.pid(), "postfix": demo.postfix.folder}
    demo.write("running.json", json.dumps(state))


def is_running(pid):
    """A zombie has ended; where no init buries it, as in some containers, it stays in /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def stop_kept(folder):
    """Ends what an earlier --keep left running. Only processes whose command names the folder."""
    try:
        state = json.loads((folder / "running.json").read_text())
    except (OSError, ValueError):
        print(f"{folder} is not the folder of a demonstration that is kept", file=sys.stderr)
        return 66
    subprocess.run(["postfix", "-c", f"{state['postfix']}/etc", "stop"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for pid in [*state["processes"], state["unbound"]]:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 20
            while is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Stopped, and removed {folder}.")
    return 0


def explain_keep(demo, config):
    programs = demo.build / "milter"
    print(f"""
Everything is left running in {demo.folder}. Look around:

  {programs}/opentlsrpt-reports -c {config} list
  {programs}/opentlsrpt-reports -c {config} show 1
  {demo.build}/sender/opentlsrpt-reporter -c {demo.folder}/alpha.example.conf preview --day {demo.day}
  dig @127.0.0.1 -p {demo.unbound.port} TXT _smtp._tls.sts-ok.plain.test
  tail {demo.folder}/milter.log

End it with

  contrib/demo --stop {demo.folder}""")


def main(arguments):
    build = Path(arguments[0])
    option = arguments[1] if len(arguments) > 1 else ""
    if option == "--stop":
        if len(arguments) != 3:
            print("usage: contrib/demo --stop FOLDER", file=sys.stderr)
            return 64
        return stop_kept(Path(arguments[2]))
    if skip_reason():
        print(f"contrib/demo cannot run here: {skip_reason()}", file=sys.stderr)
        return 69
    folder = Path(tempfile.mkdtemp(prefix="opentlsrpt-demo-"))
    folder.chmod(0o755)
    tempfile.tempdir = str(folder)  # the servers of the demonstration live in it, too
    demo = Demo(build, folder)
    kept = False
    started = time.monotonic()
    try:
        config = show_loop(demo, Steps(7))
        if option == "--keep":
            remember(demo)
            kept = True
            explain_keep(demo, config)
    except (RuntimeError, OSError, smtplib.SMTPException, subprocess.SubprocessError) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        return 70
    finally:
        if not kept:
            demo.stop()
            shutil.rmtree(folder, ignore_errors=True)
    if not kept:
        print(f"\nAll of this took {time.monotonic() - started:.0f} s. Nothing is left running, and "
              f"its folder is gone;\ncontrib/demo --keep leaves it up.")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
