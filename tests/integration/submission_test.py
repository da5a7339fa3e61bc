# SPDX-License-Identifier: BSD-2-Clause
"""Reports submitted to real servers: Postfix with STARTTLS and AUTH, and through its sendmail
program; Dovecot by LMTP."""

import os
import re
import shutil
import socket
import subprocess
import unittest

import dovecot_server
import postfix_server
from dovecot_server import PASSWORD, DovecotServer
from postfix_server import PostfixServer
from reporter_support import PATIENCE, REPORTED, REPORTER, ReporterCase, datagram

DOMAIN = "a.example"
ADDRESS = "tls@" + DOMAIN


class SubmissionCase(ReporterCase):
    def setUp(self):
        super().setUp()
        self.environment = dict(os.environ)
        self.count(datagram(DOMAIN))

    def send(self):
        return subprocess.run([REPORTER, "-c", self.conf, "send", "--day", str(REPORTED)],
                              capture_output=True, text=True, timeout=60, env=self.environment)

    def assert_delivered(self):
        done = self.send()
        self.assertEqual((done.returncode, self.states()), (0, ["delivered"]), done)

    def assert_deferred(self, text):
        done = self.send()
        self.assertEqual((done.returncode, self.states()), (75, ["deferred"]), done)
        self.assertRegex(done.stdout, text)


@unittest.skipIf(postfix_server.skip_reason(), postfix_server.skip_reason())
@unittest.skipUnless(shutil.which("openssl"), "the openssl program is not installed")
class PostfixCase(SubmissionCase):
    parameters = {}  # of main.cf

    def setUp(self):
        super().setUp()
        self.certificate, key = self.folder / "server.pem", self.folder / "server-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True, timeout=PATIENCE)
        self.postfix = PostfixServer(domains=[DOMAIN], parameters={
            "smtpd_tls_security_level": "may", "smtpd_tls_received_header": "yes",
            "smtpd_tls_cert_file": self.certificate, "smtpd_tls_key_file": key,
            **self.parameters})
        self.postfix.start()
        self.addCleanup(self.postfix.stop)

    def relay(self, host="localhost"):
        return f"{host}:{self.postfix.port}"

    def trust(self):
        """Makes the server's certificate one of the system's, for this test."""
        self.environment["SSL_CERT_FILE"] = str(self.certificate)

    def received(self):
        mail, = self.postfix.wait_for_mail(ADDRESS)
        return mail.decode()


class PostfixTest(PostfixCase):
    """STARTTLS, the certificate, and the choice of relays."""

    def test_tls_is_used_and_the_certificate_may_be_demanded(self):
        self.configure(SMTPServer=self.relay(), SMTPTLS="verify")
        self.assert_deferred("TLS: self.signed certificate")
        self.trust()
        self.assert_delivered()
        self.assertRegex(self.received(), r"using TLSv1\.[23]")

    def test_the_certificate_of_another_name_is_none(self):
        self.configure(SMTPServer=self.relay("127.0.0.1"), SMTPTLS="verify")
        self.trust()
        self.assert_deferred("TLS: IP address mismatch")
        self.configure(SMTPServer=self.relay("127.0.0.1"), SMTPTLS="encrypt")
        self.assert_delivered()
        self.assertRegex(self.received(), r"using TLSv1\.[23]")

    def test_a_relay_that_is_dead_is_passed_over(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            dead = "127.0.0.1:%d" % closed.getsockname()[1]
            self.configure(SMTPServer=f"{dead}, {self.relay()}")
            self.assert_delivered()
        self.received()

    def test_one_connection_serves_many(self):
        self.count(*[datagram(DOMAIN, f"mailto:{n}@{DOMAIN},mailto:{n}x@{DOMAIN}")
                     for n in range(10)])
        self.configure(SMTPServer=self.relay(), SMTPConnections=1)
        done = self.send()
        self.assertEqual(done.returncode, 0, done)
        self.assertLessEqual(len(re.findall(r"smtpd\[\d+\]: connect from", self.postfix.log())), 2,
                             "one of the reporter, one of the test's start")

    def test_the_sendmail_program_takes_reports(self):
        program = self.folder / "sendmail"
        program.write_text("#!/bin/sh\nexec sendmail -C "
                           f'{self.postfix.folder}/etc "$@"\n')
        program.chmod(0o755)
        self.configure(SMTPServer=None, SendmailPath=program)
        self.assert_delivered()
        self.assertIn("Return-Path: <bounces@sender.example>", self.received())


@unittest.skipIf(dovecot_server.skip_reason(), dovecot_server.skip_reason())
class AuthTest(PostfixCase):
    """Postfix takes mail from those only who have a password, which Dovecot checks."""

    def setUp(self):
        self.dovecot = DovecotServer()
        self.dovecot.__enter__()
        self.addCleanup(self.dovecot.__exit__)
        self.parameters = {
            "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": self.dovecot.auth, "smtpd_tls_auth_only": "yes",
            "smtpd_sasl_authenticated_header": "yes",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}
        super().setUp()

    def configure(self, **changes):
        secret = self.folder / "password"
        secret.write_text(changes.pop("password", PASSWORD) + "\n")
        secret.chmod(0o600)
        super().configure(SMTPUser="reporter", SMTPPasswordFile=secret, **changes)

    def test_the_password_is_accepted(self):
        self.configure(SMTPServer=self.relay())
        self.assert_delivered()
        self.assertIn("Authenticated sender: reporter", self.received())

    def test_login_does_as_well_as_plain(self):
        self.postfix.reconfigure(smtpd_sasl_mechanism_filter="!plain, static:all")
        self.configure(SMTPServer=self.relay())
        self.assert_delivered()
        self.assertIn("sasl_method=LOGIN", self.postfix.log())

    def test_a_wrong_password_defers(self):
        self.configure(SMTPServer=self.relay(), password="wrong")
        self.assert_deferred("AUTH: 535 5.7.8 ")

    def test_no_password_is_sent_to_a_server_without_auth(self):
        self.postfix.reconfigure(smtpd_tls_security_level="none")
        self.configure(SMTPServer=self.relay())
        self.assert_deferred("neither AUTH PLAIN nor AUTH LOGIN")


@unittest.skipIf(dovecot_server.skip_reason(), dovecot_server.skip_reason())
class LmtpTest(SubmissionCase):
    def test_reports_are_delivered_by_lmtp_over_a_local_socket(self):
        with DovecotServer() as dovecot:
            self.configure(SMTPServer="lmtp:" + dovecot.lmtp)
            self.assert_delivered()
            mail, = dovecot.mails()
            self.assertIn(b"\nDelivered-To: " + ADDRESS.encode(), b"\n" + mail)
            self.assertIn(b"\nTLS-Report-Domain: " + DOMAIN.encode(), mail)
            self.assertIn(b" with LMTP", mail)


if __name__ == "__main__":
    unittest.main()
