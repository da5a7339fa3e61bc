#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What opentlsrpt-reports says when its database cannot be used: what happened, to which file, what to do."""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

BUILD = os.environ["OPENTLSRPT_BUILD"]
PROGRAM = os.path.join(BUILD, "milter", "opentlsrpt-reports")
OLD_DATABASE = os.path.join(os.environ["OPENTLSRPT_SOURCE"], "tests", "data", "databases",
                            "received-version-1.sql")
VIEWS = [("list",), ("list", "--failures"), ("list", "--type", "certificate-expired"),
         ("list", "--rejected"), ("show", "1"), ("summary", "--since", "2026-01-01")]
PAGE = 4096


def report(number):
    return {"organization-name": "Sender Ltd",
            "date-range": {"start-datetime": "2026-03-01T00:00:00Z",
                           "end-datetime": "2026-03-01T23:59:59Z"},
            "contact-info": "tlsrpt@sender.example", "report-id": f"id-{number}",
            "policies": [{
                "policy": {"policy-type": "sts", "policy-domain": "x.example"},
                "summary": {"total-successful-session-count": 1000,
                            "total-failure-session-count": 1},
                "failure-details": [{"result-type": "certificate-expired",
                                     "failed-session-count": 1}]}]}


class StoreFaults(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="opentlsrpt-")
        self.addCleanup(shutil.rmtree, self.top, True)
        os.chmod(self.top, 0o755)
        self.folder = os.path.join(self.top, "db")
        os.mkdir(self.folder)
        self.database = os.path.join(self.folder, "received.db")
        self.reports = os.path.join(self.top, "reports")
        os.mkdir(self.reports)
        for number in range(200):
            with open(os.path.join(self.reports, f"{number}.json"), "w", encoding="ascii") as file:
                json.dump(report(number), file)
        self.config = os.path.join(self.top, "opentlsrpt.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write("Nameserver 127.0.0.1:9\nDNSTimeout 1s\n")

    def run_program(self, *arguments, folder=None, **how):
        return subprocess.run(
            [PROGRAM, "-c", self.config, "--database", "sqlite:" + (folder or self.folder),
             *arguments], check=False, capture_output=True, timeout=120, **how)

    def told(self, status, text, *arguments, **how):
        """The program ends with this status and names the file and what happened."""
        done = self.run_program(*arguments, **how)
        errors = done.stderr.decode()
        self.assertEqual(done.returncode, status, (arguments, errors))
        self.assertIn(text, errors)
        return errors

    def fill(self):
        self.assertEqual(self.run_program("import", self.reports).returncode, 0)

    def one_report(self, number=1000):
        path = os.path.join(self.top, f"{number}.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(report(number), file)
        return path

    def stored(self):
        return len(self.run_program("list", "--json", "--limit", "0").stdout.splitlines())

    def test_no_database_at_all(self):
        with open(self.database, "wb") as file:
            file.write(b"This is a text.\n" * 1000)
        for command in (*VIEWS, ("import", self.one_report()), ("prune", "--keep", "1")):
            errors = self.told(74, self.database, *command)
            self.assertIn("move it away", errors)
        os.rename(self.database, self.database + ".damaged")
        self.assertEqual(self.run_program("import", self.one_report()).returncode, 0)
        self.assertEqual(self.stored(), 1)

    def test_cut_off_in_the_middle(self):
        self.fill()
        os.truncate(self.database, os.path.getsize(self.database) // 2 // PAGE * PAGE)
        done = self.run_program("list", "--limit", "0")
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn(self.database.encode(), done.stderr)
        self.assertIn(b"damaged", done.stderr)

    def test_flipped_bytes_end_no_command_by_a_signal(self):
        self.fill()
        with open(self.database, "rb") as file:
            whole = file.read()
        chance = random.Random(8460)
        told = 0
        for _ in range(25):
            damaged = bytearray(whole)
            for _ in range(60):
                damaged[chance.randrange(100, len(damaged))] ^= 1 << chance.randrange(8)
            with open(self.database, "wb") as file:
                file.write(damaged)
            for command in VIEWS:
                done = self.run_program(*command)
                self.assertIn(done.returncode, (0, 66, 74, 78), (command, done.stderr))
                if done.returncode == 74:
                    told += 1
                    self.assertIn(self.database.encode(), done.stderr)
        self.assertGreater(told, 0)

    def test_a_newer_version_is_not_touched(self):
        self.fill()
        with sqlite3.connect(self.database) as connection:
            connection.execute("PRAGMA user_version=99")
        connection.close()
        for command in (("list",), ("import", self.one_report()), ("prune", "--keep", "1")):
            self.told(78, f"{self.database} was made by a newer version", *command)
        with sqlite3.connect(self.database) as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM report").fetchone(), (200,))
        connection.close()

    def test_an_older_version_is_brought_up_to_date(self):
        with open(OLD_DATABASE, encoding="ascii") as script:
            with sqlite3.connect(self.database) as connection:
                connection.executescript(script.read())
            connection.close()
        self.told(78, "older version", "list")
        self.fill()  # three of them are there
        self.assertEqual(self.stored(), 200)
        done = self.run_program("list", "--type", "certificate-expired", "--json", "--limit", "0")
        self.assertEqual(len(done.stdout.splitlines()), 200)
        with sqlite3.connect(self.database) as connection:
            seen = "SELECT day, value FROM counter WHERE name = 'mails_seen'"
            self.assertEqual(connection.execute(seen).fetchall(), [(0, 7)])
        connection.close()

    def test_missing_folder(self):
        away = os.path.join(self.top, "away")
        self.told(66, away, "list", folder=away)
        self.told(66, away, "import", self.one_report(), folder=away)
        self.assertFalse(os.path.exists(away))

    def test_locked_by_another_program(self):
        self.fill()
        other = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        errors = self.told(75, self.database, "import", self.one_report())
        self.assertIn("another program holds it", errors)
        self.assertEqual(self.stored(), 200, "looking needs no lock")
        other.execute("ROLLBACK")
        self.assertEqual(self.run_program("import", self.one_report()).returncode, 0)
        self.assertEqual(self.stored(), 201)

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody whom modes bind")
    def test_read_only_file_and_folder(self):
        somebody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        self.fill()
        os.chmod(self.database, 0o444)
        self.told(77, self.database, "import", self.one_report(), **somebody)
        self.told(77, self.folder, "list", **somebody)
        os.chmod(self.folder, 0o777)
        self.told(77, self.database, "import", self.one_report(), **somebody)
        self.assertEqual(self.run_program("list", **somebody).returncode, 0)
        os.chmod(self.database, 0o600)
        self.told(77, self.database, "list", **somebody)
        self.assertEqual(self.stored(), 200)

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount a small disk")
    def test_full_disk(self):
        disk = os.path.join(self.top, "disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("a small disk cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        self.assertEqual(self.run_program("import", self.one_report(), folder=disk).returncode, 0)
        with open(os.path.join(disk, "filler"), "wb", buffering=0) as file, \
                self.assertRaises(OSError):
            while True:
                file.write(bytes(4096))
        errors = self.told(75, disk, "import", self.one_report(2), folder=disk)
        self.assertIn("make room", errors)
        os.unlink(os.path.join(disk, "filler"))
        self.assertEqual(self.run_program("import", self.one_report(2), folder=disk).returncode, 0)
        listed = self.run_program("list", "--json", folder=disk)
        self.assertEqual(len(listed.stdout.splitlines()), 2, listed.stderr)


if __name__ == "__main__":
    unittest.main()
