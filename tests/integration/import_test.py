#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-reports import at length: folders, mailboxes, MTAs' pipes, interruptions, terminals."""
import fcntl
import json
import mailbox
import os
import pty
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import termios
import unittest
import zipfile

from reports_test import DKIM_KEY, DKIM_TOOL, PROGRAM, mail, packed, report
from unbound_server import UnboundServer


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.database = os.path.join(self.folder, "db")
        os.mkdir(self.database)
        self.config = self.write("test.conf", b"Nameserver 127.0.0.1:9\nDNSTimeout 1s\n")

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def command(self, *arguments):
        return [PROGRAM, "-c", self.config, "--database", "sqlite:" + self.database, *arguments]

    def run_program(self, *arguments, stdin=b"", expect=0):
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, expect,
                         "%s\n%s%s" % (arguments, done.stdout[:2000], done.stderr[:2000]))
        self.errors = done.stderr.decode()
        return done.stdout.decode()

    def lines(self, *arguments, **options):
        return [json.loads(line) for line in self.run_program(*arguments, **options).splitlines()]

    def stored_ids(self):
        return {line["report"]["report-id"] for line in self.lines("list", "--json", "--limit", "0")}

    def many(self, count):
        for number in range(count):
            self.write("many/%06d.json.gz" % number, packed(report(number)))
        return os.path.join(self.folder, "many")

    # ---- what is read

    def test_a_tree_of_folders_is_read_in_order_and_links_are_not_followed(self):
        self.write("tree/a.json", json.dumps(report(1)).encode())
        self.write("tree/b/c.json", json.dumps(report(2)).encode())
        self.write("tree/d.json", json.dumps(report(3)).encode())
        self.write("secret/x.json", json.dumps(report(9)).encode())
        os.symlink(os.path.join(self.folder, "secret"), os.path.join(self.folder, "tree", "link"))
        os.symlink(".", os.path.join(self.folder, "tree", "loop"))
        os.mkfifo(os.path.join(self.folder, "tree", "pipe"))
        found = self.lines("import", os.path.join(self.folder, "tree"))
        self.assertEqual([line["report"]["report-id"] for line in found], ["id-1", "id-2", "id-3"])
        self.assertEqual(len(re.findall("a symbolic link", self.errors)), 2)
        self.assertIn("pipe was skipped: not a regular file", self.errors)

    def test_a_named_pipe_that_was_asked_for_is_read(self):
        path = os.path.join(self.folder, "fifo")
        os.mkfifo(path)
        with subprocess.Popen(["sh", "-c", "sleep 0.3; cat \"$0\" > \"$1\"",
                               self.write("a.json", json.dumps(report(1)).encode()), path]):
            (line,) = self.lines("import", path)
        self.assertEqual(line["report"]["report-id"], "id-1")

    def test_lines_tell_the_message_and_the_member(self):
        path = os.path.join(self.folder, "box")
        box = mailbox.mbox(path)
        box.add(mail(report(1)))
        box.add("Subject: no report\n\nhello\n")
        box.add(mail(report(2)))
        box.close()
        found = self.lines("parse", path, expect=1)
        self.assertEqual([(line["input"], line["message"], line["verdict"]) for line in found],
                         [(path, 1, "accepted"), (path, 2, "rejected"), (path, 3, "accepted")])
        path = os.path.join(self.folder, "a.zip")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("one.json", json.dumps(report(1)))
            archive.writestr("sub/two.json.gz", packed(report(2)))
            archive.writestr("bad.json", "{")
        found = self.lines("import", path, expect=1)
        self.assertEqual([(line["input"], line["member"], line["verdict"]) for line in found],
                         [(path, "one.json", "accepted"), (path, "sub/two.json.gz", "accepted"),
                          (path, "bad.json", "rejected")])

    def test_output_follows_the_order_of_the_inputs_whatever_they_take(self):
        large = report(0)
        large["policies"] *= 3000
        files = []
        for number in range(30):
            value = dict(large, **{"report-id": "id-%d" % number}) if number % 3 == 0 \
                else report(number)
            files.append(self.write("order/%d" % number, json.dumps(value).encode()))
        self.assertEqual([line["input"] for line in self.lines("parse", *files)], files)

    def test_a_mailbox_of_any_size_takes_the_memory_of_one_message(self):
        path = os.path.join(self.folder, "large.mbox")
        filler = b"x" * 76 + b"\r\n"
        with open(path, "wb") as file:
            for number in range(150):
                file.write(b"From a@b.example Sun Mar  1 00:00:00 2026\r\n")
                file.write(mail(report(number)).replace(b"\r\n--b--\r\n", b"\r\n--b\r\n\r\n"))
                file.write(filler * 13000 + b"\r\n--b--\r\n\r\n")  # about 1 MB
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.command("parse", path), stdout=subprocess.PIPE)
        output = process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(output.splitlines()), 150)
        self.assertLess(usage.ru_maxrss, 100_000, "kB, of a mailbox of 150 MB")

    def test_one_message_over_the_limit_costs_only_itself(self):
        self.config = self.write("small.conf", b"MaximumMessageSize 64K\n")
        mbox = b"".join(b"From a@b.example Sun Mar  1 00:00:00 2026\r\n" + message + b"\r\n"
                        for message in (mail(report(1)), mail(report(2)) + b"x" * 70000 + b"\r\n",
                                        mail(report(3))))
        found = self.lines("parse", "-", stdin=mbox, expect=1)
        self.assertEqual([line.get("reason") for line in found], [None, "too-large", None])

    # ---- without the store

    def test_a_dry_run_tells_new_from_duplicate_and_writes_nothing(self):
        one = self.write("1.json", json.dumps(report(1)).encode())
        two = self.write("2.json", json.dumps(report(2)).encode())
        found = self.lines("import", "--dry-run", one, one, two)
        self.assertEqual([line["dry-run"] for line in found], ["new", "duplicate", "new"])
        self.assertNotIn("stored", found[0])
        self.assertEqual(os.listdir(self.database), [])
        (stored,) = self.lines("import", one)
        self.lines("import", "--dry-run", two)
        found = self.lines("import", "--dry-run", one, two)
        self.assertEqual([line["dry-run"] for line in found], ["duplicate", "new"])
        self.assertEqual(found[0]["id"], stored["id"])
        self.assertEqual(self.stored_ids(), {"id-1"})

    # ---- refused and read again

    def test_what_a_limit_refused_is_taken_when_the_limit_is_wider(self):
        value = report(1)
        value["policies"] *= 2000
        path = self.write("a.json.gz", packed(value))
        self.config = self.write("tight.conf", b"MaximumReportSize 64K\n")
        (line,) = self.lines("import", path, expect=1)
        self.assertEqual(line["reason"], "too-large")
        self.config = self.write("wide.conf", b"MaximumReportSize 10M\n")
        (line,) = self.lines("import", path)
        self.assertEqual(line["stored"], "new")

    def signed(self, value):
        return subprocess.check_output(
            [DKIM_TOOL, "sign", "--key", DKIM_KEY, "--domain", "sender.example",
             "--selector", "s1"], input=mail(value))

    def key_server(self):
        public_key = subprocess.check_output([DKIM_TOOL, "pubkey", "--key", DKIM_KEY], text=True)
        zone = 's1._domainkey TXT "v=DKIM1; k=ed25519; s=tlsrpt; p=%s"' % public_key.strip()
        return UnboundServer({"sender.example": zone})

    @unittest.skipIf(UnboundServer.missing(), "needs unbound")
    def test_refused_mails_in_the_store_are_taken_in_once_they_can_be_read(self):
        value = report(1)
        value["policies"] *= 2000
        with self.key_server() as dns:
            nameserver = b"Nameserver %s\n" % dns.address.encode()
            self.config = self.write("tight.conf", nameserver + b"MaximumReportSize 64K\n")
            self.run_program("import", "--pipe", stdin=self.signed(value))
            self.run_program("import", "--pipe", stdin=mail(report(2)))  # no signature
            refused = self.lines("list", "--refused", "--json")
            self.assertEqual({line["reason"] for line in refused}, {"too-large", "not-authentic"})
            found = self.lines("import", "--rejected", expect=1)
            self.assertEqual({line["verdict"] for line in found}, {"rejected"})
            self.assertEqual(len(self.lines("list", "--refused", "--json")), 2)
            self.config = self.write("wide.conf", nameserver + b"MaximumReportSize 10M\n")
            dry = self.lines("import", "--rejected", "--dry-run", expect=1)
            self.assertEqual([line.get("dry-run") for line in dry], ["new", None])
            found = self.lines("import", "--rejected", expect=1)
            self.assertEqual([(line["verdict"], line.get("stored"), line.get("dkim"))
                              for line in found],
                             [("accepted", "new", "pass"), ("rejected", None, None)])
        (left,) = self.lines("list", "--refused", "--json")
        self.assertEqual(left["reason"], "not-authentic")
        (stored,) = self.lines("list", "--json")
        self.assertEqual((stored["source"], stored["dkim"]), ("pipe", "pass"))

    # ---- called by an MTA

    @unittest.skipIf(UnboundServer.missing(), "needs unbound")
    def test_a_pipe_keeps_the_authentic_and_records_the_others_without_a_word(self):
        with self.key_server() as dns:
            self.config = self.write("dns.conf", b"Nameserver %s\n" % dns.address.encode())
            signed = self.signed(report(1))
            from_line = b"From r@sender.example Sun Mar  1 00:00:00 2026\n"
            # Mail servers give it with line ends of their own, and some with a line in front.
            for message in (signed, signed.replace(b"\r\n", b"\n"),
                            from_line + self.signed(report(3)).replace(b"\r\n", b"\n") + b"\n",
                            mail(report(2)),
                            b"From: a@b.example\r\nSubject: hello\r\n\r\nno report\r\n"):
                self.assertEqual(self.run_program("import", "--pipe", stdin=message), "")
                self.assertEqual(self.errors, "")
        self.assertEqual(self.stored_ids(), {"id-1", "id-3"})
        self.assertEqual({line["reason"] for line in self.lines("list", "--refused", "--json")},
                         {"not-authentic", "no-report-part"})

    @unittest.skipIf(not os.path.exists(DKIM_TOOL), "needs the tools of the tests")
    def test_a_pipe_asks_to_come_again_for_whatever_is_the_matter(self):
        message = self.signed(report(1))
        self.run_program("import", "--pipe", stdin=message, expect=75)  # no answer from DNS
        self.assertIn("later", self.errors)
        self.run_program("import", "--pipe", "--no-such-option", stdin=message, expect=75)
        self.config = self.write("bad.conf", b"Nonsense yes\n")
        self.run_program("import", "--pipe", stdin=message, expect=75)
        self.config = self.write("good.conf", b"Nameserver 127.0.0.1:9\nDNSTimeout 1s\n")
        self.assertEqual(self.lines("list", "--refused", "--json"), [])
        self.database = os.path.join(self.folder, "not", "there")
        self.run_program("import", "--pipe", stdin=mail(report(1)), expect=75)

    def test_a_pipe_does_not_lose_a_mail_to_a_locked_store(self):
        self.run_program("import", self.write("1.json", json.dumps(report(1)).encode()))
        lock = sqlite3.connect(os.path.join(self.database, "received.db"), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        self.run_program("import", "--pipe", stdin=mail(report(2)), expect=75)
        lock.execute("ROLLBACK")
        lock.close()
        self.assertEqual(self.lines("list", "--refused", "--json"), [])

    # ---- interrupted

    def test_what_was_printed_is_stored_whenever_it_is_killed(self):
        folder = self.many(3000)
        for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(end):
                shutil.rmtree(self.database)
                os.mkdir(self.database)
                process = subprocess.Popen(  # pylint: disable=consider-using-with
                    self.command("import", folder), bufsize=0, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
                first = process.stdout.readline()
                process.send_signal(end)
                output, errors = process.communicate(timeout=60)
                self.assertEqual(process.returncode, -end)
                # A line that was cut is none.
                printed = {json.loads(line)["report"]["report-id"]
                           for line in (first + output).split(b"\n")[:-1]}
                self.assertLess(len(printed), 3000)
                if end != signal.SIGKILL:
                    self.assertIn(b"stopped after", errors)
                    self.assertEqual(printed, self.stored_ids())
                self.assertLessEqual(printed, self.stored_ids())
        again = self.lines("import", folder)
        self.assertEqual(len(again), 3000)
        self.assertTrue(any(line["stored"] == "duplicate" for line in again))

    # ---- watched

    def watch(self, *arguments, columns):
        """What a terminal of that width gets on standard error, the output being a file."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with open(os.path.join(self.folder, "out"), "wb") as out, \
                subprocess.Popen(self.command(*arguments), stdout=out, stderr=slave) as process:
            os.close(slave)
            seen = b""
            while True:
                try:
                    some = os.read(master, 65536)
                except OSError:  # the other side is closed
                    break
                if not some:
                    break
                seen += some
        os.close(master)
        return process.returncode, seen.decode()

    def test_a_terminal_shows_progress_within_its_width_and_one_line_at_the_end(self):
        folder = self.many(3000)
        for columns in (20, 200):
            with self.subTest(columns):
                code, seen = self.watch("import", folder, columns=columns)
                self.assertEqual(code, 0)
                drawn = re.findall("\r([^\r\x1b\n]*)\x1b\\[K", seen)
                shown = [line for line in drawn if line]
                self.assertTrue(shown, seen[:500])
                self.assertLess(max(map(len, shown)), columns)
                self.assertRegex(shown[-1], r"^ *\d+ %  ")
                self.assertRegex(seen.rsplit("\x1b[K", 1)[-1],
                                 r"^3,000 files: [\d,]+ new, [\d,]+ duplicate, 0 refused, in \d")
        code, seen = self.watch("import", "-q", folder, columns=80)
        self.assertEqual((code, seen), (0, ""))

    def test_names_that_a_terminal_would_obey_are_escaped_in_messages(self):
        name = "\x1b]0;owned\x07.json"
        os.makedirs(os.path.join(self.folder, "evil"))
        os.symlink("nowhere", os.path.join(self.folder, "evil", name))
        _, seen = self.watch("import", os.path.join(self.folder, "evil"), columns=80)
        self.assertIn("\\x1b]0;owned\\x07", seen)
        self.assertNotIn("\x1b]0", seen)


if __name__ == "__main__":
    unittest.main()
