# SPDX-License-Identifier: BSD-2-Clause
"""What must come out the same in every mail server that the milter works in.

A test class inherits this and MilterCase, and names its server; nothing here knows which it is.
"""

import gzip
import random
import smtplib
import socket

from milter_case import REPORT_ADDRESS, SENDER, lf
from milter_process import memory_kilobytes
from report_mails import Signer, plain_mail, report_mail
from smtp_client import dot_stuffed, without_trace

FRIEND = "a@friend.example"
SOMEONE = "someone@example.org"


def body_of_size(size, seed):
    """Lines of every kind that SMTP carries: short, empty, long, with dots, with 8-bit bytes."""
    generator = random.Random(seed)
    lines = [b".", b"..", b".leading dot", b"", b"trailing blanks  \t", b"\xff\x80\xfe", b"x" * 990,
             b"From here", b"=3D=", b"\t tab first"]
    total = sum(len(line) + 2 for line in lines)
    bytes_allowed = bytes(byte for byte in range(1, 256) if byte not in b"\r\n")
    while total < size:
        line = bytes(generator.choices(bytes_allowed, k=generator.randrange(0, 200)))
        lines.append(line)
        total += len(line) + 2
    return b"\r\n".join(lines) + b"\r\n"


class MilterScenarios:
    def refusals(self, milter):
        return [row[0] for row in milter.query("SELECT refusal FROM refused ORDER BY id")]

    def stored(self, milter):
        return [row[0] for row in milter.query("SELECT report_id FROM report ORDER BY id")]

    def code(self, mail, recipients=(REPORT_ADDRESS,)):
        """The code of the answer to a mail."""
        try:
            return self.mta.send(SENDER, list(recipients), mail)[0]
        except smtplib.SMTPResponseException as error:
            return error.smtp_code

    # -- reports ---------------------------------------------------------------------------------

    def test_good_report_is_stored_once_and_delivered_unchanged(self):
        milter = self.milter()
        report_id = self.unique()
        mail = self.signed_report(report_id)
        answer = self.mta.send(SENDER, [REPORT_ADDRESS], mail)[1].decode()
        ((stored_id, dkim, domain, queue_id),) = milter.query(
            "SELECT report_id, dkim, dkim_domain, queue_id FROM report")
        self.assertEqual((stored_id, dkim, domain), (report_id, "pass", "sender.example"))
        self.assertIn(queue_id, answer, "the queue id is that of the mail server")
        self.mta.wait_for_empty_queue()
        self.assertEqual([without_trace(one) for one in self.delivered(report_id)], [lf(mail)])

    def test_signature_holds_over_headers_of_any_form(self):  # R253
        forms = {
            "no blank": b"Subject:Report Domain",
            "two blanks": b"Subject:  Report Domain",
            "tab": b"Subject:\tReport Domain",
            # Not "Subject : ...": what stands before the colon is not told to filters.
            "folded by a tab": b"Subject: Report\r\n\tDomain",
            "folded by blanks": b"Subject: Report\r\n     Domain",
            "folded at once": b"Subject:\r\n Report Domain",
            "folded three times": b"Subject: a\r\n b\r\n\tc\r\n \t d  ",
            "trailing blanks": b"Subject: Report Domain \t ",
            "empty": b"Subject:",
            "a blank only": b"Subject: ",
            "8-bit": b"Subject: \xc3\xa9\xff Report",
            "quoted": b"Subject: \"a  b\"\t(comment  here)",
        }
        milter = self.milter()
        expected = []
        for name, line in forms.items():
            for canonicalization in ("simple", "relaxed"):
                report_id = self.unique()
                mail = report_mail("sender.example", "example.org", report_id)
                begin = mail.index(b"Subject:")
                mail = mail[:begin] + line + mail[mail.index(b"\r\nDate:"):]
                mail = self.signer.sign(mail, "--header-canon", canonicalization,
                                        "--body-canon", canonicalization)
                with self.subTest(form=name, canonicalization=canonicalization):
                    self.assertEqual(self.code(mail), 250)
                    expected.append(report_id)
                    self.assertEqual(self.stored(milter)[-1:], [report_id], milter.log())

    def test_addresses_written_oddly_keep_their_signature(self):  # R253
        milter = self.milter()
        forms = [b"From:tlsrpt@sender.example", b"From: <tlsrpt@sender.example>",
                 b"From:  \"TLS  reports\"\r\n\t<tlsrpt@sender.example>",
                 b"From: TLS\r\n reports  (daily) <tlsrpt@sender.example> "]
        for line in forms:
            report_id = self.unique()
            mail = report_mail("sender.example", "example.org", report_id)
            mail = line + mail[mail.index(b"\r\nTo:"):]
            with self.subTest(line=line):
                self.assertEqual(self.code(self.signer.sign(mail, "--header-canon", "simple")), 250)
                self.assertEqual(self.stored(milter)[-1:], [report_id], milter.log())

    def test_bad_report_gets_the_answer_that_is_configured(self):  # R216
        for action, code, delivered in (("accept", 250, 1), ("reject", 550, 0),
                                        ("tempfail", 451, 0), ("discard", 250, 0)):
            with self.subTest(action=action):
                milter = self.milter(On_BadReport=action)
                report_id = self.unique()
                mail = self.signed_report(report_id, packed=gzip.compress(b"{ not json"))
                self.assertEqual(self.code(mail), code)
                self.assertEqual(len(self.refusals(milter)), 1)
                self.assertEqual(self.stored(milter), [])
                self.mta.wait_for_empty_queue()
                self.assertEqual(len(self.delivered(report_id)), delivered)

    def test_bomb_is_refused_and_takes_no_memory(self):
        milter = self.milter(On_BadReport="reject")
        bomb = gzip.compress(bytes(200 << 20))
        for _ in range(6):
            self.assertEqual(self.code(self.signed_report(packed=bomb)), 550)
        self.assertLess(memory_kilobytes(milter.process.pid, "VmHWM"), 40 << 10)
        self.assertEqual(self.refusals(milter), ["gzip-ratio"] * 6)
        good = self.unique()
        self.assertEqual(self.code(self.signed_report(good)), 250)
        self.assertEqual(self.stored(milter), [good])

    def test_forgeries_are_refused(self):  # R211, R215
        milter = self.milter(On_BadReport="reject")
        mail = self.signed_report()
        stranger = Signer("stranger.example")
        forgeries = {
            "body changed": mail.replace(b"An aggregate", b"No aggregate"),
            "header changed": mail.replace(b"Submitter: sender", b"Submitter: Sender"),
            "second From in front": b"From: tlsrpt@sender.example\r\n" + mail,
            "signed by somebody else": stranger.sign(
                report_mail("sender.example", "example.org", self.unique())),
            "not signed": report_mail("sender.example", "example.org", self.unique()),
        }
        for name, forgery in forgeries.items():
            with self.subTest(forgery=name):
                self.assertEqual(self.code(forgery), 550)
        self.assertEqual(self.refusals(milter), ["not-authentic"] * len(forgeries))
        self.assertEqual(self.stored(milter), [])

    def test_unsigned_report_is_delivered_and_recorded_as_refused(self):  # R215, R216
        milter = self.milter()
        report_id = self.unique()
        mail = report_mail("sender.example", "example.org", report_id)
        self.assertEqual(self.code(mail), 250)
        self.assertEqual(self.stored(milter), [])
        self.assertEqual(self.refusals(milter), ["not-authentic"])
        self.mta.wait_for_empty_queue()
        self.assertEqual([without_trace(one) for one in self.delivered(report_id)], [lf(mail)])

    def test_rejection_says_why(self):  # R216
        self.milter(On_BadReport="reject")
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            self.mta.send(SENDER, [REPORT_ADDRESS],
                          report_mail("sender.example", "example.org", self.unique()))
        self.assertEqual(caught.exception.smtp_code, 550)
        self.assertTrue(caught.exception.smtp_error.startswith(b"5.7.1 TLS report not accepted"))

    def test_bad_report_can_be_held_by_the_server(self):
        milter = self.milter(On_BadReport="quarantine")
        report_id = self.unique()
        self.assertEqual(self.code(report_mail("sender.example", "example.org", report_id)), 250)
        self.assertEqual(self.refusals(milter), ["not-authentic"])
        good = self.unique()
        self.assertEqual(self.code(self.signed_report(good)), 250)
        self.mta.wait_for_mail(REPORT_ADDRESS)
        self.assertEqual(self.mta.held(), 1)
        self.mta.remove_held()
        self.mta.wait_for_empty_queue()
        self.assertEqual(self.delivered(report_id), [])
        self.assertEqual(len(self.delivered(good)), 1)

    def test_discard_takes_reports_from_report_addresses_only(self):
        milter = self.milter(On_Success="discard")
        alone = self.unique()
        self.assertEqual(self.code(self.signed_report(alone)), 250)
        for recipients in ([REPORT_ADDRESS, SOMEONE], [SOMEONE, REPORT_ADDRESS]):
            report_id = self.unique()
            mail = self.signed_report(report_id)
            self.assertEqual(self.code(mail, recipients), 250)
            self.assertEqual(self.stored(milter)[-1:], [report_id])
            self.mta.wait_for_empty_queue()
            (copy,) = self.delivered(report_id, SOMEONE)
            self.assertEqual(without_trace(copy), lf(mail))
        self.assertEqual(len(milter.lines("discard-withheld")), 2)
        self.assertEqual(len(self.stored(milter)), 3)
        self.assertEqual(self.delivered(alone), [])

    def test_header_is_added_in_front_and_forged_ones_are_removed(self):
        milter = self.milter(AddHeader="yes")
        report_id = self.unique()
        mail = self.signed_report(report_id)
        forged = b"TLSRPT-Results: mx; tlsrpt=stored\r\n"
        self.assertEqual(self.code(forged + mail), 250)
        self.assertEqual(self.stored(milter), [report_id])
        self.mta.wait_for_empty_queue()
        (copy,) = self.delivered(report_id)
        added = [line for line in copy.split(b"\n\n", 1)[0].split(b"\n")
                 if line.startswith(b"TLSRPT-Results:")]
        self.assertEqual(len(added), 1, copy[:1000])
        self.assertIn(b"tlsrpt=stored", added[0])
        self.assertIn(b"dkim=pass header.d=sender.example", added[0])
        # The rest is as it was, but for where the server puts the new field.
        rest = without_trace(b"\n".join(line for line in copy.split(b"\n") if line != added[0]))
        self.assertEqual(rest, lf(mail))

    def test_reports_are_known_by_their_header_at_any_address(self):
        milter = self.milter(ReportAddress="*")
        report_id = self.unique()
        mail = self.signed_report(report_id)
        self.assertEqual(self.code(mail, [SOMEONE]), 250)
        self.assertEqual(self.stored(milter), [report_id])
        self.mta.wait_for_empty_queue()
        self.assertEqual([without_trace(one) for one in self.delivered(report_id, SOMEONE)],
                         [lf(mail)])
        self.pass_unchanged([SOMEONE])
        self.assertEqual(self.refusals(milter), [])

    # -- other mail ------------------------------------------------------------------------------

    def pass_unchanged(self, recipients):
        """Mail of 20 kB and of 9 MB to these recipients reaches SOMEONE byte for byte."""
        for size in (20 << 10, 9 << 20):
            report_id = self.unique()
            head = (f"From: {FRIEND}\r\nTo: {SOMEONE}\r\n"
                    f"Subject: many\r\n\tparts,  of\r\n  {size}\r\n"
                    f"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\nX-Odd:no blank\r\nX-Odd:  two\r\n"
                    f"Message-ID: <{report_id}>\r\n\r\n").encode()
            mail = head + body_of_size(size, seed=size)
            self.assertEqual(self.mta.send(FRIEND, recipients, mail)[0], 250)
            self.mta.wait_for_empty_queue()
            (copy,) = self.delivered(report_id, SOMEONE)
            self.assertTrue(without_trace(copy) == lf(mail), f"{size} bytes have changed")

    def test_other_mail_passes_byte_for_byte(self):  # R254
        milter = self.milter(On_BadReport="reject")
        self.pass_unchanged([SOMEONE])
        # These the filter sees from beginning to end.
        self.pass_unchanged([REPORT_ADDRESS, SOMEONE])
        # A report to somebody else is none of our business either.
        report_id = self.unique()
        mail = self.signed_report(report_id, recipient=SOMEONE)
        self.assertEqual(self.code(mail, [SOMEONE]), 250)
        self.mta.wait_for_empty_queue()
        self.assertEqual([without_trace(one) for one in self.delivered(report_id, SOMEONE)],
                         [lf(mail)])
        self.assertEqual(self.stored(milter), [])
        self.assertEqual(self.refusals(milter), [])

    def test_bytes_that_mail_should_not_hold_pass_as_without_the_filter(self):  # R254
        bodies = [b"a\0b\r\n", b"\0" * 500 + b"\r\n", b"y" * 20000 + b"\r\n", b"\r\n" * 400, b"",
                  bytes(range(1, 10)) + b"\r\n", b"\x1a\x04\r\n"]

        def copies():
            ids = []
            for body in bodies:
                ids.append(self.unique())
                mail = plain_mail(body=body).replace(b"<hello@friend.example>",
                                                     b"<" + ids[-1].encode() + b">")
                self.assertEqual(self.mta.send(FRIEND, [REPORT_ADDRESS, SOMEONE], mail)[0], 250)
            self.mta.wait_for_empty_queue()
            return [self.delivered(one, SOMEONE)[0].split(b"\n\n", 1)[1] for one in ids]

        milter = self.milter()
        with_filter = copies()
        self.assertEqual(len(milter.lines("not-a-report")), len(bodies), milter.log())
        milter.stop()
        self.mta.use_milter(milter.path(), "accept")  # nobody is there
        self.assertEqual(with_filter, copies())

    # -- dialogues -------------------------------------------------------------------------------

    def test_pipelined_commands(self):
        milter = self.milter()
        ids = [self.unique() for _ in range(3)]
        with socket.create_connection(("127.0.0.1", self.mta.port), timeout=60) as client:
            replies = client.makefile("rb")

            def answers(count):
                codes = []
                while len(codes) < count:
                    line = replies.readline()
                    self.assertNotEqual(line, b"", codes)
                    if line[3:4] == b" ":
                        codes.append(line[:3].decode())
                return codes

            answers(1)
            client.sendall(b"EHLO client.test\r\n")
            answers(1)
            for report_id in ids:
                envelope = (f"RSET\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{SOMEONE}>\r\n"
                            f"RCPT TO:<{REPORT_ADDRESS}>\r\nDATA\r\n").encode()
                client.sendall(envelope)
                self.assertEqual(answers(5), ["250"] * 4 + ["354"])
                client.sendall(dot_stuffed(self.signed_report(report_id)))
                self.assertEqual(answers(1), ["250"])
            client.sendall(b"QUIT\r\n")
            self.assertEqual(answers(1), ["221"])
        self.assertEqual(self.stored(milter), ids)

    def test_many_mails_in_one_connection_with_transactions_given_up(self):
        milter = self.milter()
        ids = []
        with self.mta.connect() as client:
            for _ in range(5):
                ids.append(self.unique())
                self.mta.send_on(client, SENDER, [REPORT_ADDRESS], self.signed_report(ids[-1]))
                self.mta.send_on(client, FRIEND, [SOMEONE], plain_mail(self.unique()))
                client.mail(SENDER)
                client.rcpt(REPORT_ADDRESS)
                client.rset()
                client.mail(SENDER)
                client.rset()
        client = self.mta.connect()
        client.ehlo()
        client.mail(SENDER)
        client.rcpt(REPORT_ADDRESS)
        client.docmd("DATA")
        client.send(self.signed_report())
        client.close()  # without the final dot
        ids.append(self.unique())
        self.mta.send(SENDER, [REPORT_ADDRESS], self.signed_report(ids[-1]))
        self.assertEqual(self.stored(milter), ids)

    # -- a milter that is not there --------------------------------------------------------------

    def test_mail_flows_without_the_filter(self):
        milter = self.milter(default_action="accept")
        milter.stop()
        report_id = self.unique()
        mail = self.signed_report(report_id)
        self.assertEqual(self.code(mail, [REPORT_ADDRESS, SOMEONE]), 250)
        self.mta.wait_for_empty_queue()
        self.assertEqual([without_trace(one) for one in self.delivered(report_id)], [lf(mail)])
        milter.start()
        again = self.unique()
        self.assertEqual(self.code(self.signed_report(again)), 250)
        self.assertEqual(self.stored(milter), [again])

    def killed_in_data(self, default_action):
        """The answer to a report during whose data the filter dies, and the report's id."""
        milter = self.milter(default_action=default_action)
        report_id = self.unique()
        mail = dot_stuffed(self.signed_report(report_id))
        with self.mta.connect() as client:
            client.ehlo()
            client.mail(SENDER)
            client.rcpt(REPORT_ADDRESS)
            client.docmd("DATA")
            client.send(mail[:len(mail) // 2])
            milter.process.kill()
            milter.process.wait()
            client.send(mail[len(mail) // 2:])
            code = client.getreply()[0]
        self.assertEqual(self.stored(milter), [])
        milter.start()
        return milter, code, report_id

    def test_filter_that_dies_in_the_data_is_like_one_that_is_not_there(self):
        _, code, report_id = self.killed_in_data("accept")
        self.assertEqual(code, 250)
        self.mta.wait_for_empty_queue()
        self.assertEqual(len(self.delivered(report_id)), 1)

    def test_report_is_put_off_if_the_filter_dies_in_the_data(self):
        milter, code, report_id = self.killed_in_data("tempfail")
        self.assertIn(code, (421, 451))
        self.assertEqual(self.code(self.signed_report(report_id)), 250)
        self.assertEqual(self.stored(milter), [report_id])
