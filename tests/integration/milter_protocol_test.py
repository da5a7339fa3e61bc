# SPDX-License-Identifier: BSD-2-Clause
"""The milter against MTAs of every kind and mood: what they offer, hold back, repeat and break off."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import milter_client as protocol
from milter_client import MilterClient
from milter_process import PROGRAM, MilterProcess
from report_mails import Signer, plain_mail, report_mail
from unbound_server import UnboundServer

OURS = "<tls@example.org>"
OTHER = "<someone@example.org>"
SENDER = "<tlsrpt@sender.example>"


def edits_of(edits, command):
    return [data for found, data in edits if found == command]


def descriptors(process):
    return len(os.listdir(f"/proc/{process}/fd"))


@unittest.skipIf(UnboundServer.missing(), "missing: " + UnboundServer.missing())
class MilterProtocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.signer = Signer("sender.example")
        cls.dns = UnboundServer(cls.signer.zones())
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.number = 0

    def milter(self, **keys):
        milter = MilterProcess(**{"Nameserver": self.dns.address, **keys})
        milter.__enter__()
        self.addCleanup(milter.__exit__)
        # An orderly end takes libmilter up to five seconds, each time.
        self.addCleanup(lambda: milter.process and milter.stop(signal.SIGKILL))
        return milter

    def signed(self, **options):
        type(self).number += 1
        return self.signer.sign(report_mail("sender.example", "example.org",
                                            f"{self.number}@sender.example", **options))

    @staticmethod
    def play(mta, mail, recipients=(OURS,)):
        mta.envelope(SENDER, recipients)
        answer = mta.data()
        return mta.message(mail) if answer == protocol.CONTINUE else ([], answer)

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def reload(self, milter, number=signal.SIGUSR1, **keys):
        """Changes keys and waits until the milter has read them."""
        before = len(milter.lines("reloaded")) + len(milter.lines("reload-refused"))
        milter.keys.update(keys)
        milter.config_file()
        milter.process.send_signal(number)
        self.wait_for(lambda: len(milter.lines("reloaded")) +
                      len(milter.lines("reload-refused")) > before, "no reload: " + milter.log())

    # -- actions

    def test_actions_are_asked_for_only_if_they_are_needed(self):
        for keys, wanted in (({}, 0), ({"AddHeader": "yes"}, protocol.ADDHDRS | protocol.CHGHDRS),
                             ({"On_BadReport": "quarantine"}, protocol.QUARANTINE)):
            with MilterClient(self.milter(**keys).path()) as mta:
                self.assertEqual(mta.actions, protocol.SETSYMLIST | wanted, keys)
                self.assertIn(b"i\0", mta.macros_wanted)

    def test_quarantine_names_a_reason_of_ours(self):
        milter = self.milter(On_BadReport="quarantine")
        mail = report_mail("sender.example", "example.org", "stranger\u0022s words")
        with MilterClient(milter.path()) as mta:
            mta.connect()
            edits, answer = self.play(mta, mail)
        self.assertEqual(answer, protocol.ACCEPT)
        self.assertEqual(edits_of(edits, protocol.QUARANTINED),
                         [b"TLS report not accepted: not-authentic\0"])

    def test_quarantine_is_accept_where_the_mta_has_none(self):
        milter = self.milter(On_Default="quarantine")
        offered = protocol.ALL_ACTIONS & ~protocol.QUARANTINE
        with MilterClient(milter.path(), actions=offered) as mta:
            mta.connect()
            self.assertEqual(self.play(mta, plain_mail()), ([], protocol.ACCEPT))
        self.assertEqual(len(milter.lines("quarantine-impossible")), 1)

    def test_header_is_put_on_top_and_those_of_strangers_are_removed(self):
        milter = self.milter(AddHeader="yes")
        forged = b"TLSRPT-Results: mx.example.org; tlsrpt=stored\r\n"
        mail = (b"tlsrpt-results:\r\n forged\r\n" + forged +
                report_mail("sender.example", "example.org", "unsigned"))
        for steps in (protocol.ALL_STEPS, protocol.ALL_STEPS & ~protocol.HDR_LEADSPC):
            with MilterClient(milter.path(), steps=steps) as mta:
                mta.connect()
                edits, answer = self.play(mta, mail)
            self.assertEqual(answer, protocol.ACCEPT)
            changed = edits_of(edits, protocol.CHANGE_HEADER)
            self.assertEqual([struct.unpack(">I", data[:4])[0] for data in changed], [2, 1])
            self.assertEqual({data[4:] for data in changed}, {b"TLSRPT-Results\0\0"})
            (added,) = edits_of(edits, protocol.INSERT_HEADER)
            name, value = added[4:].split(b"\0")[:2]
            blank = b" " if steps & protocol.HDR_LEADSPC else b""
            self.assertEqual((added[:4], name, value),
                             (b"\0\0\0\0", b"TLSRPT-Results",
                              blank + b'mx.example.org; tlsrpt=refused reason="not-authentic"; '
                              b'dkim=none reason="no-signature"'))
            self.assertIn(edits[-1], [(protocol.INSERT_HEADER, added)], "ours comes last")

    def test_header_of_a_stored_report_and_of_its_copy(self):
        milter = self.milter(AddHeader="yes")
        mail = self.signed()
        with MilterClient(milter.path()) as mta:
            mta.connect()
            for word in (b"stored", b"duplicate"):
                edits, _ = self.play(mta, mail)
                (added,) = edits_of(edits, protocol.INSERT_HEADER)
                self.assertIn(b"; tlsrpt=" + word + b" policy.reports=1; dkim=pass "
                              b"header.d=sender.example header.s=s1\0", added)

    def test_no_header_where_the_mta_takes_none(self):
        milter = self.milter(AddHeader="yes")
        with MilterClient(milter.path(), actions=protocol.SETSYMLIST) as mta:
            mta.connect()
            self.assertEqual(self.play(mta, self.signed()), ([], protocol.ACCEPT))
        self.assertEqual(len(milter.lines("header-not-set")), 1)

    def test_a_flood_of_forged_headers_is_bounded(self):
        milter = self.milter(AddHeader="yes")
        mail = b"TLSRPT-Results: x\r\n" * 3000 + plain_mail()
        with MilterClient(milter.path()) as mta:
            mta.connect()
            edits, answer = self.play(mta, mail)
        self.assertEqual(answer, protocol.ACCEPT)
        self.assertEqual(len(edits), 1000)

    # -- reports known by their header

    def test_star_takes_reports_to_anybody_and_lets_other_mail_go_at_its_header(self):
        milter = self.milter(ReportAddress="*", On_Default="reject", On_Success="discard")
        with MilterClient(milter.path()) as mta:
            mta.connect()
            for _ in range(2):
                mta.envelope(SENDER, [OTHER])
                self.assertEqual(mta.data(), protocol.CONTINUE)
                self.assertEqual(mta.headers(plain_mail()), protocol.ACCEPT)
                self.assertEqual(self.play(mta, self.signed(), [OTHER]), ([], protocol.ACCEPT))
        self.assertEqual(len(milter.query("SELECT id FROM report")), 2)
        self.assertEqual(len(milter.lines("report-stored")), 2)

    # -- reload

    def test_new_settings_are_for_new_connections(self):
        milter = self.milter()
        bad = report_mail("sender.example", "example.org", "unsigned")
        with MilterClient(milter.path()) as before:
            before.connect()
            self.reload(milter, On_BadReport="reject", AddHeader="yes",
                        ReportAddress="tls@example.org, new@example.org")
            self.assertEqual(self.play(before, bad), ([], protocol.ACCEPT))
            self.assertEqual(self.play(before, bad, ["<new@example.org>"])[1], protocol.ACCEPT)
            with MilterClient(milter.path()) as after:
                after.connect()
                self.assertEqual(self.play(after, bad)[1][:4], b"y550")
                self.assertEqual(self.play(after, bad, ["<new@example.org>"])[1][:4], b"y550")
                self.assertEqual(len(self.play(after, self.signed())[0]), 1)
        (line,) = milter.lines("reloaded")
        for key in ("AddHeader", "On-BadReport", "ReportAddress"):
            self.assertIn(key, line)

    def test_peer_list_may_come_and_go(self):
        for first in ("", "192.0.2.1"):
            milter = self.milter(**({"PeerList": first} if first else {}))
            negotiated = set()
            for peers in ("192.0.2.7", "203.0.113.1", "192.0.2.7"):
                self.reload(milter, PeerList=peers)
                with MilterClient(milter.path()) as mta:
                    negotiated.add(mta.steps)
                    answer = mta.connect(address="192.0.2.7")
                    if peers == "192.0.2.7" and first:
                        self.assertEqual(answer, protocol.ACCEPT)
                        continue
                    wanted = protocol.ACCEPT if peers == "192.0.2.7" else protocol.CONTINUE
                    mta.envelope(SENDER, [OURS])
                    self.assertEqual(mta.data(), wanted)
            self.assertEqual(len(negotiated), 1, "libmilter has one table for all connections")

    def test_bad_file_changes_nothing_and_says_why(self):
        milter = self.milter()
        path = milter.config_file()
        self.reload(milter, On_BadReport="perhaps", PolicyDomains="a..b", LogWhy="yes")
        self.assertEqual(len(milter.lines("reload-refused")), 1)
        problems = "\n".join(milter.lines("reload-problem"))
        keys = list(milter.keys)
        for key in ("On_BadReport", "PolicyDomains"):
            self.assertIn(f"{path}:{keys.index(key) + 1}: {key.replace('_', '-')}", problems)
        with MilterClient(milter.path()) as mta:
            mta.connect()
            self.assertEqual(self.play(mta, self.signed()), ([], protocol.ACCEPT))
        self.assertEqual(milter.lines("dkim-signature"), [])

    def test_keys_that_need_a_restart_are_named(self):
        milter = self.milter()
        self.reload(milter, Socket="inet:1@127.0.0.1", MilterDebug="1", Database="sqlite:/x")
        keys = sorted(line.split()[1] for line in milter.lines("restart-needed"))
        self.assertEqual(keys, ["key=Database", "key=MilterDebug", "key=Socket"])

    def test_no_burst_of_hups_ends_it(self):
        milter = self.milter()
        for _ in range(3000):
            milter.process.send_signal(signal.SIGHUP)
        self.reload(milter, number=signal.SIGHUP, LogWhy="yes")
        with MilterClient(milter.path()) as mta:
            mta.connect()
            self.assertEqual(self.play(mta, self.signed()), ([], protocol.ACCEPT))
        self.assertIsNone(milter.process.poll())
        self.assertEqual(milter.stop(), 0)

    # -- MTAs that misbehave

    def test_ten_thousand_recipients(self):
        milter = self.milter(On_Success="discard")
        with MilterClient(milter.path()) as mta:
            mta.connect()
            many = [f"<user{i}@example.org>" for i in range(10000)]
            self.assertEqual(self.play(mta, self.signed(), many), ([], protocol.ACCEPT))
            self.assertEqual(self.play(mta, self.signed(), many + [OURS]), ([], protocol.ACCEPT))
            subs = [f"<tls+{i}@example.org>" for i in range(10000)]
            self.assertEqual(self.play(mta, self.signed(), subs), ([], protocol.DISCARD))
        self.assertEqual(len(milter.query("SELECT id FROM report")), 2)

    def test_ten_sessions_on_one_connection(self):
        # libmilter ignores QUIT_NC and CONNECT behind a message that was accepted, so that an MTA
        # may not wait for an answer to the second CONNECT. None is known that does it.
        milter = self.milter()
        with MilterClient(milter.path()) as mta:
            for _ in range(10):
                mta.connect()
                self.assertEqual(self.play(mta, self.signed()), ([], protocol.ACCEPT))
                mta.envelope(SENDER, [OURS])
                mta.quit_keeping_connection()
        self.assertEqual(len(milter.query("SELECT id FROM report")), 10)

    def test_storm_of_aborts_and_of_lost_connections(self):
        milter = self.milter()
        mail = self.signed()
        process = milter.process.pid

        def storm(rounds):
            for i in range(rounds):
                mta = MilterClient(milter.path())
                mta.connect()
                for _ in range(i % 4):
                    mta.abort()
                mta.envelope(SENDER, [OURS])
                if i % 3:
                    mta.data()
                if i % 3 == 2:
                    mta.headers(mail)
                if i % 2:
                    mta.abort()
                    mta.abort()
                mta.close()

        storm(50)
        before = descriptors(process)
        storm(300)
        self.wait_for(lambda: descriptors(process) <= before + 2, "descriptors are lost")
        with MilterClient(milter.path()) as mta:
            mta.connect()
            self.assertEqual(self.play(mta, mail), ([], protocol.ACCEPT))

    def test_garbage_instead_of_a_protocol(self):
        milter = self.milter()
        for garbage in (b"EHLO x\r\n", b"\0\0\0\0", b"\xff" * 64, b"\0\0\0\x01Z",
                        b"\0\0\0\x0dO" + b"\0" * 12, b"\0\0\0\x05L\0\0\0\0"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(milter.path())
                client.sendall(garbage)
        with MilterClient(milter.path()) as mta:
            mta.connect()
            self.assertEqual(self.play(mta, self.signed()), ([], protocol.ACCEPT))

    def test_an_mta_that_offers_nothing(self):
        milter = self.milter(AddHeader="yes", On_Success="quarantine")
        # libmilter takes 0 for the first version of the protocol, which had something.
        unwanted = protocol.ALL_ACTIONS & ~(protocol.ADDHDRS | protocol.CHGHDRS |
                                            protocol.QUARANTINE | protocol.SETSYMLIST)
        with MilterClient(milter.path(), actions=unwanted, steps=1) as mta:
            self.assertEqual((mta.actions, mta.steps), (0, 0))
            mta.connect()
            self.assertEqual(self.play(mta, self.signed()), ([], protocol.ACCEPT))
            self.assertEqual(self.play(mta, plain_mail(), [OTHER]), ([], protocol.ACCEPT))
        self.assertEqual(milter.query("SELECT dkim FROM report"), [("pass",)])

    def test_a_queue_id_of_any_length_and_kind(self):
        milter = self.milter()
        with MilterClient(milter.path()) as mta:
            mta.connect()
            mta.envelope(SENDER, [OURS])
            mta.data(queue_id="Q\n" + "x" * 60000)
            mta.message(self.signed())
        ((stored,),) = milter.query("SELECT queue_id FROM report")
        self.assertEqual(len(stored), 128)
        self.assertEqual(len(milter.lines("report-stored")), 1)

    # -- slow DNS

    def test_many_signatures_without_dns_are_answered_in_time(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            milter = self.milter(Nameserver=f"127.0.0.1:{silent.getsockname()[1]}",
                                 DNSTimeout="1s", DKIMTimeout="2s", LogWhy="yes")
            mail = self.signed()
            signature = mail[:mail.index(b"\r\nFrom:") + 2]
            mail = signature * 9 + mail
            begin = time.monotonic()
            with MilterClient(milter.path()) as mta:
                mta.connect()
                _, answer = self.play(mta, mail)
            self.assertEqual(answer[:4], b"y451")
            self.assertLess(time.monotonic() - begin, 8, "ten seconds would be one for each")
        reasons = " ".join(milter.lines("dkim-signature"))
        self.assertIn("reason=no-time-left", reasons)


class CommandLine(unittest.TestCase):
    @staticmethod
    def run_it(*words, mail=b""):
        return subprocess.run([PROGRAM, *words], input=mail, check=False, capture_output=True,
                              timeout=60)

    def config(self, **keys):
        milter = MilterProcess(**{"Nameserver": "127.0.0.1:1", "DNSTimeout": "1s", **keys})
        self.addCleanup(milter.__exit__)
        return milter.config_file(), milter

    def test_one_value_is_printed(self):
        path, _ = self.config(MaximumMessageSize="2M")
        for name, value in (("maximummessagesize", b"2097152\n"), ("On-DNSError", b"tempfail\n"),
                            ("ReportAddress", b"tls@example.org\n"), ("LogWhy", b"no\n")):
            done = self.run_it("-c", path, "-e", name)
            self.assertEqual((done.returncode, done.stdout), (0, value))
        self.assertEqual(self.run_it("-c", path, "-p", "inet:1@::1", "-e", "Socket").stdout,
                         b"inet:1@::1\n")
        self.assertEqual(self.run_it("-c", path, "-e", "Nothing").returncode, 64)

    def test_files_are_tried_without_a_store(self):
        path, milter = self.config(On_BadReport="reject", On_Default="discard")
        unsigned = report_mail("sender.example", "example.org", "1")
        files = []
        for name, mail in (("bad", unsigned), ("other", plain_mail()),
                           ("box", b"From a@b Sun Mar  1 00:00:00 2026\n" + plain_mail() +
                            b"\nFrom a@b Sun Mar  1 00:00:00 2026\n" + unsigned)):
            files.append(os.path.join(milter.folder, name))
            with open(files[-1], "wb") as file:
                file.write(mail)
        done = self.run_it("-c", path, "-t", ",".join(files) + ",-", mail=unsigned)
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = done.stdout.decode().splitlines()
        self.assertTrue(lines[0].startswith(files[0] + ": report-refused "), lines)
        self.assertIn("reply=reject code=550", lines[1])
        self.assertIn("answer reply=discard", lines[3])
        self.assertTrue(lines[4].startswith(files[2] + ":1: not-a-report "), lines)
        self.assertTrue(lines[6].startswith(files[2] + ":2: report-refused "), lines)
        self.assertTrue(lines[8].startswith("-: report-refused "), lines)
        self.assertFalse([name for name in os.listdir(milter.folder) if name.endswith(".db")])
        self.assertEqual(self.run_it("-c", path, "-t", "/nonexistent").returncode, 66)

    def test_check_warns_about_what_keeps_postfix_out(self):
        path, milter = self.config()
        milter.keys["Socket"] = "inet:8895"
        milter.config_file()
        done = self.run_it("-n", "-c", path)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"warning: whoever reaches port 8895", done.stderr)
        milter.keys["Socket"] = "inet:8895@127.0.0.1"
        milter.config_file()
        self.assertEqual(self.run_it("-n", "-c", path).stderr, b"")


if __name__ == "__main__":
    unittest.main()
