#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What "opentlsrpt-reports serve" has acknowledged is in the store, whatever happens to it."""

import http.client
import os
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from report_mails import report_json
from serve_case import ServeCase, report
from serve_process import JSON, ServeProcess


class Durable(ServeCase):
    """Every report that got 201 or 200 is in the store, exactly once."""

    def test_fifty_at_the_same_moment_are_stored_once(self):  # R179
        serve = self.serve()
        statuses = []
        start = threading.Barrier(50)

        def post():
            start.wait()
            statuses.append(serve.post(report(1))[0])

        threads = [threading.Thread(target=post) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200] * 49 + [201])
        self.assertEqual(serve.stored(), {"id-1": 1})

    def test_a_locked_store_is_503_and_the_retry_is_stored(self):
        serve = self.serve()
        self.assertEqual(serve.post(report(1))[0], 201)
        other = sqlite3.connect(serve.path("received.db"), isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        status, headers, _ = serve.post(report(2))
        self.assertEqual(status, 503)
        self.assertGreater(int(headers["Retry-After"]), 0)
        other.execute("ROLLBACK")
        self.assertEqual(serve.post(report(2))[0], 201)
        self.assertEqual(serve.stored(), {"id-1": 1, "id-2": 1})

    def test_a_full_disk_is_503_and_the_retry_is_stored(self):
        serve = ServeProcess()
        self.addCleanup(serve.__exit__)
        disk = serve.path("disk")
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk],
                                 check=False, capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("a small disk cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        serve.keys["Database"] = "sqlite:" + disk
        serve.start()
        self.assertEqual(serve.post(report(1))[0], 201)
        filler = os.path.join(disk, "filler")
        with open(filler, "wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(bytes(4096))
        statuses = [serve.post(report(number))[0] for number in range(2, 60)]
        self.assertEqual(statuses[-1], 503)
        os.unlink(filler)
        self.assertEqual(serve.post(report(59))[0], 201)
        connection = sqlite3.connect(os.path.join(disk, "received.db"))
        stored = {row[0] for row in connection.execute("SELECT report_id FROM report")}
        connection.close()
        acknowledged = {f"id-{number}" for number, status in enumerate(statuses, 2)
                        if status == 201}
        self.assertEqual(stored, acknowledged | {"id-1", "id-59"})

    def under_load(self, serve, threads, seconds, end):
        """Posts from many threads, calls 'end' after a while, and returns the acknowledged ids."""
        acknowledged = []
        stopped = threading.Event()

        def post(thread):
            number = 0
            connection = serve.connect(timeout=30)
            self.addCleanup(connection.close)
            while not stopped.is_set():
                number += 1
                name = f"{seconds}-{thread}-{number}"
                try:
                    connection.request("POST", "/report", report_json("x.example", name),
                                       {"Content-Type": JSON})
                    response = connection.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException):
                    return
                if response.status == 201:
                    acknowledged.append(name)

        workers = [threading.Thread(target=post, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        time.sleep(seconds)
        end()
        stopped.set()
        for worker in workers:
            worker.join()
        return acknowledged

    def test_term_loses_nothing_that_was_acknowledged(self):
        serve = self.serve()
        acknowledged = self.under_load(serve, 8, 1.5, lambda: serve.process.terminate())
        self.assertEqual(serve.process.wait(timeout=60), 0)
        self.assertTrue(serve.lines("stopped"))
        self.assertGreater(len(acknowledged), 10)
        stored = serve.stored()
        self.assertEqual({stored.get(name) for name in acknowledged}, {1})

    def test_term_answers_what_has_begun(self):
        serve = self.serve()
        body = report(1)
        with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
            client.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Type: " + JSON.encode() +
                           b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:50])
            time.sleep(0.5)
            serve.process.terminate()
            time.sleep(0.5)
            client.sendall(body[50:])
            answer = client.recv(4096)
            self.assertTrue(answer.startswith(b"HTTP/1.1 201 "), answer)
        self.assertEqual(serve.process.wait(timeout=60), 0)
        self.assertEqual(serve.stored(), {"id-1": 1})

    def test_term_does_not_wait_for_ever_for_a_sender(self):
        serve = self.serve(HTTPTimeout="600s")
        with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as client:
            client.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Type: " + JSON.encode() +
                           b"\r\nContent-Length: 1000\r\n\r\n{")
            time.sleep(0.5)
            begin = time.monotonic()
            self.assertEqual(serve.stop(), 0)
            self.assertLess(time.monotonic() - begin, 15)

    def test_kill_loses_nothing_that_was_acknowledged(self):
        serve = self.serve()
        acknowledged = []
        for number in range(8):
            acknowledged += self.under_load(serve, 6, 0.3 + number / 10,
                                            lambda: serve.process.kill())
            serve.process.wait()
            serve.start()
        self.assertGreater(len(acknowledged), 10)
        stored = serve.stored()
        self.assertEqual({stored.get(name) for name in acknowledged}, {1})
        self.assertEqual(set(stored.values()), {1})


if __name__ == "__main__":
    unittest.main()
