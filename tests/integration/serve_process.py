# SPDX-License-Identifier: BSD-2-Clause
"""A running "opentlsrpt-reports serve" for tests, with a folder, a port and a store of its own.

    with ServeProcess(HTTPRate=10) as serve:
        status, headers, body = serve.post(report_json("x.example", "1"))
"""

import http.client
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

BUILD = os.environ.get("OPENTLSRPT_BUILD", "")
PROGRAM = os.path.join(BUILD, "milter", "opentlsrpt-reports")
JSON = "application/tlsrpt+json"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServeProcess:
    """Keyword arguments are lines of the configuration."""

    def __init__(self, **keys):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-serve-")
        self.port = free_port()
        self.keys = {"HTTPSocket": f"inet:{self.port}@127.0.0.1", "HTTPRate": "0",
                     "HTTPConnectionsPerSource": "0", "Database": "sqlite:" + self.folder}
        self.keys.update(keys)
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, *arguments):
        with open(self.path("opentlsrpt.conf"), "w", encoding="ascii") as file:
            for name, value in self.keys.items():
                file.write(f"{name} {value}\n")
        return [PROGRAM, "-c", self.path("opentlsrpt.conf"), *arguments]

    def start(self):
        before = len(self.lines("started"))
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(self.command("serve"), stderr=log, stdout=log)
        deadline = time.monotonic() + 30
        while len(self.lines("started")) == before:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("serve does not start: " + self.log())
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        """Ends the process and returns its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self.process = None
        return status

    def log(self):
        try:
            with open(self.path("log"), encoding="utf-8") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def lines(self, tag):
        """The log lines with this tag, without what stands in front of it."""
        texts = (line.partition("opentlsrpt-reports: ")[2] for line in self.log().splitlines())
        return [text for text in texts if text.split(" ", 1)[0] == tag]

    def wait_for_line(self, tag, seconds=20):
        deadline = time.monotonic() + seconds
        while not self.lines(tag):
            if time.monotonic() > deadline:
                raise AssertionError(f"no line {tag} in: {self.log()}")
            time.sleep(0.02)
        return self.lines(tag)

    def connect(self, source="127.0.0.1", timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout,
                                          source_address=(source, 0))

    def request(self, method, path, body=None, headers=None, source="127.0.0.1"):
        connection = self.connect(source)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post(self, body, content_type=JSON, source="127.0.0.1", **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/report", body, {"Content-Type": content_type, **fields},
                            source)

    def query(self, sql):
        connection = sqlite3.connect(self.path("received.db"), timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def stored(self):
        """How often each report-id is in the store."""
        return dict(self.query("SELECT report_id, count(*) FROM report GROUP BY report_id"))

    def resident_kilobytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
