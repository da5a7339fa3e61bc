# SPDX-License-Identifier: BSD-2-Clause
"""A running opentlsrpt-milter for tests, with a folder, a socket and a store of its own.

    with MilterProcess(ReportAddress="tls@example.org", Nameserver=dns.address) as milter:
        ... milter.postfix_address() ... milter.reports() ... milter.refused() ... milter.log()
"""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

BUILD = os.environ.get("OPENTLSRPT_BUILD", "")
PROGRAM = os.path.join(BUILD, "milter", "opentlsrpt-milter")


def children(process):
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def memory_kilobytes(process, field="VmRSS"):
    """How much memory a process has; VmHWM is the most it ever had."""
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


class MilterProcess:
    """Keyword arguments are lines of the configuration; '-' of a key is written '_'.

    below  where its folder is made, if not among other temporary ones
    """

    def __init__(self, below=None, **keys):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-milter-", dir=below)
        os.chmod(self.folder, 0o755)
        self.keys = {"ReportAddress": "tls@example.org", "Database": "sqlite:" + self.folder,
                     "Socket": "local:" + os.path.join(self.folder, "milter.sock"),
                     # Postfix's user connects; the tests have no group to share with it.
                     "UMask": "0000"}
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
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def config_file(self):
        path = os.path.join(self.folder, "opentlsrpt.conf")
        with open(path, "w", encoding="ascii") as file:
            for name, value in self.keys.items():
                file.write(f"{name.replace('_', '-')} {value}\n")
        return path

    def start(self):
        path = os.path.join(self.folder, "milter.log")
        before = len(self.lines("started")) if os.path.exists(path) else 0
        with open(path, "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "-f", "-v", "-c", self.config_file()],
                                            stderr=log, stdout=log)
        deadline = time.monotonic() + 20
        while len(self.lines("started")) == before or not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the milter does not start: {self.log()}")
            time.sleep(0.02)

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.path())
            except OSError:
                return False
        return True

    def stop(self, number=signal.SIGTERM):
        """Ends the process and returns its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        return status

    def path(self):
        return self.keys["Socket"].split(":", 1)[1]

    def postfix_address(self):
        return "unix:" + self.path()

    def miltertest_address(self):
        return "unix:" + self.path()

    def log(self):
        with open(os.path.join(self.folder, "milter.log"), encoding="utf-8",
                  errors="replace") as log:
            return log.read()

    def lines(self, tag):
        """The log lines with this tag, without what stands in front of it."""
        prefix = "opentlsrpt-milter: "
        texts = (line[line.find(prefix) + len(prefix):] for line in self.log().splitlines()
                 if prefix in line)
        return [text for text in texts if text.split(" ", 1)[0] == tag]

    def database(self):
        return os.path.join(self.folder, "received.db")

    def query(self, sql):
        connection = sqlite3.connect(self.database(), timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
