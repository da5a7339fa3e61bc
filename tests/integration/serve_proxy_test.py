#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The recipes of opentlsrpt(7) for web servers in front of "opentlsrpt-reports serve", as they stand
there, with those servers that are installed."""

import gzip
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from report_mails import report_json
from serve_process import ServeProcess, free_port

PAGE = os.path.join(os.environ["OPENTLSRPT_SOURCE"], "man", "opentlsrpt.7")
ADDRESS = "127.0.0.1:8460"
SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
APACHE_MODULES = "/usr/lib/apache2/modules"


def recipe(name):
    """The literal display that follows the comment with this name in the page."""
    with open(PAGE, encoding="ascii") as page:
        found = re.search(r'^\.\\" recipe ' + name + r"\n\.Bd -literal.*?\n(.*?)^\.Ed",
                          page.read(), re.M | re.S)
    if found is None:
        raise AssertionError("the page has no recipe " + name)
    return found.group(1)


class Recipes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="opentlsrpt-proxy-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.serve = ServeProcess(TrustedProxies="127.0.0.1")
        self.serve.__enter__()
        self.addCleanup(self.serve.__exit__)

    def program(self, name):
        found = shutil.which(name, path=SBIN)
        if found is None:
            self.skipTest(name + " is not installed")
        return found

    def adapted(self, text):
        return text.replace(ADDRESS, f"127.0.0.1:{self.serve.port}")

    def start(self, *command, **environment):
        with open(os.path.join(self.folder, "output"), "wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder,
                                       env={**os.environ, **environment})
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port)):
                    return
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    with open(os.path.join(self.folder, "output"), encoding="utf-8") as output:
                        raise AssertionError(output.read()) from None
                time.sleep(0.05)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def post(self, body, *arguments):
        done = subprocess.run(
            ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "60",
             "-H", "Content-Type: application/tlsrpt+gzip", *arguments, "--data-binary",
             "@" + self.write("body", body), f"http://127.0.0.1:{self.port}/report"],
            capture_output=True, check=False, text=True, timeout=90)
        return int(done.stdout)

    def post_too_much(self):
        """Who answers somebody that still sends, and hangs up, may cost the answer: the proxy's (none
        arrives) or, before that, ours (a bad gateway)."""
        for _ in range(20):
            status = self.post(b" " * (17 << 20))
            if status not in (0, 100, 502):
                break
        return status

    def check(self):
        first = gzip.compress(report_json("x.example", "1"))
        second = gzip.compress(report_json("x.example", "2"))
        self.assertEqual(self.post(first), 201)
        self.assertEqual(self.post(first), 200)
        self.assertEqual(self.post(second, "-H", "Transfer-Encoding: chunked"), 201)
        self.assertEqual(self.post(second, "-H", "Expect: 100-continue"), 200)
        # What a stranger says about himself does not get through.
        self.assertEqual(self.post(second, "-H", "X-Forwarded-For: 192.0.2.99", "-H",
                                   "Forwarded: for=192.0.2.99", "--interface", "127.0.0.5"), 200)
        self.assertIn("source=127.0.0.5 ", self.serve.lines("http-report")[-1])
        self.assertEqual(self.post(b"no report"), 400)
        self.assertEqual(self.post_too_much(), 413)

    def test_nginx(self):
        program = self.program("nginx")
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = self.write(
            "nginx.conf",
            f"daemon off; master_process off; pid {self.folder}/pid; error_log stderr;\n"
            f"events {{ }}\nhttp {{ access_log off; {temporary}\n"
            f"server {{ listen 127.0.0.1:{self.port};\n" +
            self.adapted(recipe("nginx")) + "} }\n")
        self.start(program, "-e", "stderr", "-c", configuration)
        self.check()

    def test_caddy(self):
        program = self.program("caddy")
        text = self.adapted(recipe("caddy"))
        text = text.replace("tlsrpt.example.com", f"http://127.0.0.1:{self.port}")
        configuration = self.write("Caddyfile", "{\n  admin off\n  auto_https off\n}\n" + text)
        self.start(program, "run", "--config", configuration, HOME=self.folder)
        self.check()

    def test_apache(self):
        program = self.program("apache2")
        modules = os.environ.get("APACHE_MODULES", APACHE_MODULES)
        loaded = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in (
            "mpm_event", "authz_core", "proxy", "proxy_http", "headers"))
        configuration = self.write(
            "apache.conf",
            f"ServerRoot {self.folder}\nPidFile {self.folder}/pid\n"
            f"DefaultRuntimeDir {self.folder}\nListen 127.0.0.1:{self.port}\n"
            f"ServerName localhost\nUser nobody\nGroup nogroup\nErrorLog {self.folder}/error\n" +
            loaded + self.adapted(recipe("apache")))
        self.start(program, "-f", configuration, "-D", "FOREGROUND")
        self.check()


if __name__ == "__main__":
    unittest.main()
