# SPDX-License-Identifier: BSD-2-Clause
"""A real validating Unbound on a free port of the loopback interface, with zones of the test's own.

    from unbound_server import UnboundServer, Zone

    zones = {
        "plain.example": '''
            @            MX   10 mx1
            mx1          A    127.0.0.1
            _smtp._tls   TXT  "v=TLSRPTv1;rua=mailto:r@plain.example"
        ''',
        "signed.example": Zone("_25._tcp.mx TLSA 3 1 1 " + 64 * "a", signed=True),
        "bogus.example": Zone('@ TXT "x"', signed=True, bogus=True),
    }
    with UnboundServer(zones) as dns:
        run(["opentlsrpt-check", ...], nameserver=dns.address)   # "127.0.0.1:40123"
        dns.set_zones({...})                                     # other data, empty cache

Zones: a dict from the name of a zone to its text in master-file form, relative to the zone. A SOA
and an NS record are added if the text has none; the TTL is 300 unless the text says otherwise. A
zone may also be a Zone:
    signed=True   it is signed with a fresh key, which the server trusts: answers have the AD bit
    bogus=True    the server trusts another key than the one that signed: answers are SERVFAIL
Answers from other zones are insecure (no AD bit). Every name outside all zones is NXDOMAIN, since
the server also holds an empty root zone; nothing ever leaves the machine.

The server ends with the context, or with stop(); then its temporary directory is removed. Only its
own process is ended. `log()` is what it wrote so far, for a failing test's message. Needs the
packages unbound and ldnsutils (for signed zones); `UnboundServer.missing()` names what is not
there, for unittest.skipIf.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ALGORITHM = "ECDSAP256SHA256"
MARKER = "generation.unbound-server.internal."
START_SECONDS = 20
PORT_ATTEMPTS = 5


@dataclass
class Zone:
    text: str
    signed: bool = False
    bogus: bool = False


def find_program(name):
    """Debian keeps daemons in directories that a plain user's PATH lacks."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin")


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                try:
                    tcp.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port


class UnboundServer:
    def __init__(self, zones=None, port=None):
        """port: a fixed one, for a test in a network of its own."""
        self._fixed_port = port
        self.port = None
        self._zones = dict(zones or {})
        self._directory = None
        self._process = None
        self._generation = 0

    @staticmethod
    def missing():
        """The needed programs that are not installed, as a text; empty if all are."""
        programs = ("unbound", "ldns-keygen", "ldns-signzone")
        return " ".join(name for name in programs if find_program(name) is None)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self._directory = Path(tempfile.mkdtemp(prefix="unbound-"))
        try:
            for attempt in range(PORT_ATTEMPTS):
                self.port = self._fixed_port or free_port()
                self._write()
                self._spawn()
                if self._wait_until_current():
                    return
                # Someone else may have taken the port between free_port() and unbound's bind().
                if attempt + 1 == PORT_ATTEMPTS or "could not open ports" not in self.log():
                    raise RuntimeError("unbound does not start:\n" + self.log())
                self._end_process()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._end_process()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def set_zones(self, zones):
        """Serves these zones instead, with an empty cache; returns when they are served."""
        self._zones = dict(zones)
        self._write()
        self._process.send_signal(signal.SIGHUP)
        if not self._wait_until_current():
            raise RuntimeError("unbound does not reload:\n" + self.log())

    def pid(self):
        return self._process.pid

    def log(self):
        path = self._directory / "unbound.log" if self._directory is not None else None
        return path.read_text(errors="replace") if path is not None and path.exists() else ""

    # What follows is not for users of the class.

    def _spawn(self):
        with open(self._directory / "unbound.log", "wb") as log:
            self._process = subprocess.Popen(
                [find_program("unbound"), "-d", "-c", str(self._directory / "unbound.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _end_process(self):
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write(self):
        self._generation += 1
        root = ". 300 IN SOA ns.invalid. nobody.invalid. 1 3600 600 86400 60\n" \
               ". 300 IN NS ns.invalid.\n"
        (self._directory / "root.zone").write_text(root)
        auth_zones = [(".", self._directory / "root.zone")]
        anchors = []
        for name, zone in self._zones.items():
            name = name.rstrip(".")
            if not isinstance(zone, Zone):
                zone = Zone(zone)
            path = self._directory / f"{name}.zone"
            path.write_text(self._complete(name, zone.text))
            if zone.signed or zone.bogus:
                path, anchor = self._sign(name, path, zone.bogus)
                anchors.append(anchor)
            auth_zones.append((name, path))
        (self._directory / "unbound.conf").write_text(self._configuration(auth_zones, anchors))

    @staticmethod
    def _complete(name, text):
        """The zone file: records may be indented in the test, so blanks at line starts go."""
        lines = [line.strip() for line in text.splitlines()]
        types = [word for line in lines for word in line.upper().split()[1:5]]
        head = [f"$ORIGIN {name}.", "$TTL 300"]
        if "SOA" not in types:
            head.append("@ SOA ns nobody 1 3600 600 86400 60")
        if not any(line.startswith("@") and "NS" in line.upper().split()[1:4] for line in lines):
            head += ["@ NS ns", "ns A 127.0.0.1"]
        return "\n".join(head + lines) + "\n"

    def _run(self, *arguments):
        done = subprocess.run([find_program(arguments[0]), *arguments[1:]], cwd=self._directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} failed: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def _new_key(self, name):
        return self._run("ldns-keygen", "-a", ALGORITHM, "-k", name)

    def _sign(self, name, path, bogus):
        key = self._new_key(name)
        self._run("ldns-signzone", "-o", name, "-f", f"{path.name}.signed", path.name, key)
        trusted = self._new_key(name) if bogus else key
        return path.with_name(path.name + ".signed"), self._directory / f"{trusted}.key"

    def _configuration(self, auth_zones, anchors):
        lines = [
            "server:",
            f"  interface: 127.0.0.1@{self.port}",
            f"  port: {self.port}",
            "  access-control: 127.0.0.0/8 allow",
            f'  directory: "{self._directory}"',
            '  chroot: ""',
            '  username: ""',
            '  pidfile: ""',
            "  use-syslog: no",
            '  logfile: ""',
            "  do-daemonize: no",
            "  do-ip6: no",
            "  num-threads: 1",
            '  module-config: "validator iterator"',
            "  val-log-level: 2",
            "  edns-buffer-size: 1232",
            "  ede: yes",
            "  qname-minimisation: no",
            f"  local-data: '{MARKER} 0 IN TXT \"{self._generation}\"'",
        ]
        # Names such as "test" are answered by unbound itself unless told otherwise.
        domains = {".".join(name.split(".")[i:]) for name, _ in auth_zones if name != "."
                   for i in range(name.count(".") + 1)}
        lines += [f'  local-zone: "{domain}." nodefault' for domain in sorted(domains)]
        lines += [f'  trust-anchor-file: "{anchor}"' for anchor in anchors]
        lines += ["remote-control:", "  control-enable: no"]
        for name, path in auth_zones:
            lines += ["auth-zone:", f'  name: "{name}"', f'  zonefile: "{path}"',
                      "  for-downstream: no", "  for-upstream: yes", "  fallback-enabled: no"]
        return "\n".join(lines) + "\n"

    def _wait_until_current(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._served_generation() == self._generation:
                return True
            time.sleep(0.02)
        return False

    def _served_generation(self):
        question = b"".join(bytes([len(label)]) + label.encode() for label in MARKER.split("."))
        question += struct.pack("!HH", 16, 1)  # the name ends with the empty label behind the dot
        query = struct.pack("!HHHHHH", 0x4f54, 0x0100, 1, 0, 0, 0) + question
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.5)
            try:
                udp.connect(("127.0.0.1", self.port))
                udp.send(query)
                answer = udp.recv(4096)
            except OSError:
                return None
        # The one TXT string is the end of the answer's rdata, whatever follows it.
        text = answer[len(query):][12:]
        return int(text[1:1 + text[0]]) if text else None
