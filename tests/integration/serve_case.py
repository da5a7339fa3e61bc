# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of "opentlsrpt-reports serve" share."""

import subprocess
import unittest

from report_mails import report_json
from serve_process import ServeProcess

GZIP = "application/tlsrpt+gzip"


def report(number=1):
    return report_json("x.example", f"id-{number}")


class ServeCase(unittest.TestCase):
    def serve(self, **keys):
        serve = ServeProcess(**keys)
        serve.__enter__()
        self.addCleanup(serve.__exit__)
        return serve

    def curl(self, serve, *arguments, scheme="http", path="/report"):
        """The status that curl got, 0 if none, and all that it printed."""
        done = subprocess.run(
            ["curl", "-sS", "-v", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}",
             *arguments, f"{scheme}://localhost:{serve.port}{path}"],
            capture_output=True, check=False, timeout=90)
        return int(done.stdout), done.stderr.decode(errors="replace")

    def write(self, serve, name, content):
        path = serve.path(name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def certificate(self, serve, prefix, name="localhost"):
        """A self-signed certificate for the name; curl takes it as its own authority."""
        certificate, key = serve.path(prefix + ".pem"), serve.path(prefix + ".key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=" + name,
             "-addext", "subjectAltName=DNS:" + name], check=True, capture_output=True)
        return certificate, key
