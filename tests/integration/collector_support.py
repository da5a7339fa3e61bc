# SPDX-License-Identifier: BSD-2-Clause
"""A collector in a folder of its own, for the tests that speak to its socket."""

import datetime
import grp
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("OPENTLSRPT_BUILD", "build"))
SOURCE = pathlib.Path(os.environ.get("OPENTLSRPT_SOURCE", pathlib.Path(__file__).parents[2]))
PROGRAM = BUILD / "sender" / "opentlsrpt-collector"
DATAGRAMS = SOURCE / "tests" / "data" / "datagrams"
TIMEOUT = 20


def recorded_datagrams():
    """All datagrams that Postfix sent in the laboratory."""
    lines = []
    for path in sorted(DATAGRAMS.glob("*.json")):
        lines += [line for line in path.read_bytes().split(b"\n") if line]
    return lines


def utc_day():
    return (datetime.datetime.now(datetime.timezone.utc).date() - datetime.date(1970, 1, 1)).days


def wait_until(condition, what):
    """Polls, since neither files nor foreign processes can be waited for otherwise."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("timed out waiting for " + what)


class Collector:
    def __init__(self, **keys):
        self.folder_object = tempfile.TemporaryDirectory(prefix="collector-")
        self.folder = pathlib.Path(self.folder_object.name)
        self.folder.chmod(0o755)
        self.socket_path = self.folder / "tlsrpt.sock"
        self.stream_path = self.folder / "lines.sock"
        self.database = self.folder / "db" / "outbound.db"
        self.database.parent.mkdir()
        self.config = self.folder / "opentlsrpt.conf"
        self.log_path = self.folder / "log"
        self.process = None
        self.keys = {
            "Database": f"sqlite:{self.database.parent}",
            "OutcomeSocket": str(self.socket_path),
            "OutcomeSocketGroup": grp.getgrgid(os.getegid()).gr_name,
            "FlushInterval": "1s",
            "JournalFolder": str(self.database.parent),
        }
        self.keys.update(keys)

    def write_config(self):
        self.config.write_text("".join(f"{name} {value}\n" for name, value in self.keys.items()))

    def start(self, environment=None, wait=True, **popen):
        self.write_config()
        with open(self.log_path, "ab") as log:
            begin = self.log_path.stat().st_size
            self.process = subprocess.Popen(
                [PROGRAM, "-f", "-c", self.config], stderr=log,
                env={**os.environ, **(environment or {})}, **popen)
        if wait:
            wait_until(lambda: b"collector-started" in self.log_path.read_bytes()[begin:]
                       or self.process.poll() is not None, "the start")
            assert self.process.poll() is None, self.log()
        return self

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(TIMEOUT)
        self.process = None
        return code

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.folder_object.cleanup()

    def send(self, datagrams):
        """Sends all of them; waits where the queue is full, as libtlsrpt does not."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(TIMEOUT)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            for datagram in datagrams:
                sender.sendto(datagram, str(self.socket_path))

    def connect(self):
        """A connection to the stream socket."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(TIMEOUT)
        client.connect(str(self.stream_path))
        return client

    def say(self, text):
        """As Exim's readsocket: says all, closes its half, waits for the end of the answer."""
        with self.connect() as client:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            return client.recv(100)

    def query(self, statement, *parameters):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10) as database:
            return database.execute(statement, parameters).fetchall()

    def counter(self, name):
        rows = self.query("SELECT value FROM collector_counter WHERE name=?", name)
        return rows[0][0] if rows else 0

    def wait_for_read(self, number):
        wait_until(lambda: self.counter("read") >= number, f"{number} datagrams")

    def sums(self, domain="%"):
        return self.query("SELECT coalesce(sum(successes),0), coalesce(sum(failures),0) "
                          "FROM outcome WHERE domain LIKE ?", domain)[0]
