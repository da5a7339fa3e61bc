# SPDX-License-Identifier: BSD-2-Clause
"""Reports about broken TLS, through real mail servers, to MX hosts whose TLS is broken: other mail is
held back, the report arrives, and the session that carried it is in no report. What the manual says
a mail server needs for that is taken from its page."""

import os
import pathlib
import pwd
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# pylint: disable=wrong-import-position
import loop_support
import mta_packages
import own_network
import postfix310
import postfix_server
import sendmail_server
from collector_support import Collector
from https_server import Authority
from man_recipes import recipe
from report_mails import plain_mail
from reporter_support import PATIENCE, REPORTED, ReporterCase, datagram
from smtp_sink import SmtpSink
from unbound_server import UnboundServer, Zone

# Domain: the address of its MX host, and what ordinary mail says about it.
DOMAINS = {
    "wronghost.example": ("127.0.0.2", "Server certificate not verified"),
    "nostarttls.example": ("127.0.0.3", "TLS is required, but was not offered"),
    "dane.example": ("127.0.0.4", "Server certificate not verified"),
}
POLICIES = {  # as a plug-in for MTA-STS gives them
    "wronghost.example": "secure match=mx.wronghost.example servername=hostname",
    "nostarttls.example": "secure match=mx.nostarttls.example servername=hostname",
}
SENDER = "tlsrpt-bounce@example.com"  # that of the manual's recipe


def skip_reason():
    """Why not even a part can run here, or None."""
    if UnboundServer.missing():
        return "missing programs: " + UnboundServer.missing()
    return postfix_server.skip_reason() or own_network.skip_reason()


def setUpModule():
    if skip_reason():
        raise unittest.SkipTest(skip_reason())
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    own_network.enter(folder.name)
    if not postfix310.skip_reason():
        postfix310.mount()


def zone(domain):
    """Its MX host is mx; the TLSA record, of no certificate, counts in a signed zone only."""
    address = DOMAINS[domain][0]
    return Zone(f'@ MX 10 mx\nmx A {address}\n_25._tcp.mx TLSA 3 1 1 {64 * "a"}\n'
                f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{domain}"', signed="dane" in domain)


class BrokenTls(ReporterCase):
    """The MX hosts of the domains, and a Postfix that sends to them."""

    maxDiff = None
    postfix = None

    @classmethod
    def setUpClass(cls):
        cls.authority_folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        pathlib.Path(cls.authority_folder).chmod(0o755)
        cls.authority = Authority(cls.authority_folder)
        other = cls.authority.context("elsewhere.example")
        cls.enterClassContext(UnboundServer({domain: zone(domain) for domain in DOMAINS}, port=53))
        cls.hosts = {}
        for domain, (address, _) in DOMAINS.items():
            cls.hosts[domain] = cls.enterClassContext(SmtpSink(address, 25))
            cls.hosts[domain].tls = None if domain == "nostarttls.example" else other

    def setUp(self):
        super().setUp()
        for host in self.hosts.values():
            host.messages.clear()

    def start_postfix(self, kind, policies, services="", **parameters):
        """The Postfix that sends; the reporter gives its reports to it."""
        policies = " ".join(f"{{ {name} = {policy} }}" for name, policy in policies.items())
        self.postfix = kind(services="smtp unix - - n - - smtp\n" + services, parameters={
            "default_transport": "smtp", "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtp_dns_support_level": "dnssec", "smtp_tls_security_level": "dane",
            # Or the look-up whether the resolver does DNSSEC goes to a zone that is not there.
            "dnssec_probe": "ns:dane.example",
            "smtp_tls_CAfile": self.authority.certificate, "smtp_tls_loglevel": "1",
            "smtp_tls_policy_maps": f"inline:{{ {policies} }}", **parameters})
        self.enterContext(self.postfix)
        self.deliver_through(f"127.0.0.1:{self.postfix.port}")

    def deliver_through(self, server=None, **more):
        self.configure(OrganizationName="Example", ContactInfo="tlsrpt@example.com",
                       ReportFrom="tlsrpt-noreply@example.com", EnvelopeSender=SENDER,
                       Nameserver="127.0.0.1", SMTPServer=server, **more)

    def wait_for_log(self, pattern, times=1):
        self.wait_for(lambda: len(re.findall(pattern, self.postfix.log())) >= times,
                      f"{pattern}\n{self.postfix.log()}")

    def mail_is_deferred(self, domain, times=1):
        self.postfix.send("someone@example.com", [f"user@{domain}"],
                          plain_mail(recipient=f"user@{domain}"))
        self.wait_for_log(rf"to=<user@{domain}>.*status=deferred \({DOMAINS[domain][1]}", times)

    def send_reports(self):
        done = self.run_reporter("send", "--day", str(REPORTED))
        self.assertEqual((done.returncode, self.states()), (0, ["delivered"] * len(DOMAINS)), done)

    def reports_are_deferred(self, prefix=""):
        for domain, (_, reason) in DOMAINS.items():
            self.wait_for_log(rf"to=<tls@{domain}>.*status=deferred \({prefix}{reason}")
            self.assertEqual(self.hosts[domain].messages, [])

    def reports_arrive(self, log=""):
        for domain, host in self.hosts.items():
            self.wait_for(lambda: host.messages,
                          f"the report\n{self.postfix.log() if self.postfix else log}")
            message, = host.messages
            self.assertEqual((message.sender, message.recipient), (SENDER, "tls@" + domain))
            self.assertIn(f"\r\nTLS-Report-Domain: {domain}\r\n".encode(), message.data)
            self.assertEqual(len(re.findall(rb"(?mi)^TLS-Required: No\r$", message.data)), 1)
            # TLS is used where there is some, whatever it is worth.
            self.assertEqual(message.tls, host.tls is not None)

    def recipe(self):
        """The transport for reports: parameters of main.cf, and a service."""
        name, value = recipe("opentlsrpt-reporter.8", "loop-postfix-main").split("=", 1)
        return recipe("opentlsrpt-reporter.8", "loop-postfix-master"), {name.strip(): value.strip()}


class BeforePostfix310(BrokenTls):
    """Postfix that does not know TLS-Required."""

    def setUp(self):
        super().setUp()
        version = subprocess.run(["postconf", "-dh", "mail_version"], capture_output=True, text=True,
                                 timeout=PATIENCE, check=True).stdout.strip()
        if tuple(int(number) for number in version.split(".")[:2]) >= (3, 10):
            self.skipTest(f"Postfix {version} knows TLS-Required")
        self.count(*[datagram(domain, failed=True) for domain in DOMAINS])

    def test_without_the_recipe_reports_are_deferred_like_other_mail(self):
        self.start_postfix(postfix_server.PostfixServer, POLICIES)
        for domain in DOMAINS:
            self.mail_is_deferred(domain)
        self.send_reports()
        self.reports_are_deferred()

    def test_the_recipe_delivers_reports_and_no_other_mail(self):
        services, parameters = self.recipe()
        self.start_postfix(postfix_server.PostfixServer, POLICIES, services, **parameters)
        self.send_reports()
        self.reports_arrive()
        for domain in DOMAINS:
            self.mail_is_deferred(domain)
            self.assertEqual(len(self.hosts[domain].messages), 1, "only the report")
        self.assertEqual(len(re.findall(r"postfix/tlsrpt-out/smtp\[.*status=sent",
                                        self.postfix.log())), len(DOMAINS))


@unittest.skipIf(postfix310.skip_reason(), postfix310.skip_reason())
@unittest.skipUnless(loop_support.faketime_library(), "the package libfaketime is not installed")
class Postfix310(BrokenTls):
    """Postfix that knows TLS-Required and tells its outcomes, and a collector that counts them; its
    clock is two days late, so that there are reports about what happens now."""

    def setUp(self):
        super().setUp()
        self.collector = Collector(OutcomeSocketGroup="postfix")
        self.addCleanup(self.collector.close)
        self.collector.start(loop_support.days_ago(2))
        self.database = self.collector.database

    def configure(self, **changes):
        if self.postfix:
            changes["Database"] = f"sqlite:{self.collector.database.parent}"
        super().configure(**changes)

    def start(self, services="", **parameters):
        policies = {domain: policy + f" policy_type=sts policy_domain={domain}"
                    for domain, policy in POLICIES.items()}
        self.start_postfix(postfix310.Postfix310, policies, services, smtp_tlsrpt_enable="yes",
                           smtp_tlsrpt_socket_name=self.collector.socket_path, **parameters)

    def counted(self):
        """domain -> sessions that succeeded and failed, once the collector has ended."""
        self.assertEqual(self.collector.stop(), 0)
        return {domain: self.collector.sums(domain) for domain in DOMAINS}

    def test_the_header_field_alone_is_enough_and_the_session_is_not_counted(self):
        self.start()
        for domain in DOMAINS:
            self.mail_is_deferred(domain)
        self.collector.wait_for_read(len(DOMAINS))
        self.send_reports()
        self.reports_arrive()
        # What comes later is counted, so nothing was still on its way.
        for domain in DOMAINS:
            self.mail_is_deferred(domain, times=2)
        self.collector.wait_for_read(2 * len(DOMAINS))
        self.assertEqual(self.counted(), {domain: (0, 2) for domain in DOMAINS})

    def test_without_the_recipe_a_report_waits_behind_other_mail(self):
        # One mail that fails makes Postfix leave the domain alone; by default it takes a few.
        self.start(smtp_initial_destination_concurrency="1")
        for domain in DOMAINS:
            self.mail_is_deferred(domain)
        self.collector.wait_for_read(len(DOMAINS))
        self.send_reports()
        self.reports_are_deferred("delivery temporarily suspended: ")

    def test_with_the_recipe_it_does_not(self):
        services, parameters = self.recipe()
        self.start(services=services, smtp_initial_destination_concurrency="1", **parameters)
        for domain in DOMAINS:
            self.mail_is_deferred(domain)
        self.collector.wait_for_read(len(DOMAINS))
        self.send_reports()
        self.reports_arrive()
        self.assertEqual(self.counted(), {domain: (0, 1) for domain in DOMAINS})

    def test_the_recipe_for_releases_that_tell_the_outcome(self):
        services, parameters = self.recipe()
        services += recipe("opentlsrpt-reporter.8", "loop-postfix-tlsrpt")
        # The field means nothing then, so that only the transport matters.
        self.start(services=services, tls_required_enable="no", **parameters)
        for domain in DOMAINS:
            self.mail_is_deferred(domain)
        self.collector.wait_for_read(len(DOMAINS))
        self.send_reports()
        self.reports_arrive()
        for domain in DOMAINS:
            self.mail_is_deferred(domain, times=2)
        self.collector.wait_for_read(2 * len(DOMAINS))
        self.assertEqual(self.counted(), {domain: (0, 2) for domain in DOMAINS})



SENDMAIL_MC = """\
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{name}')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`STATUS_FILE', `{folder}/status')dnl
define(`confPID_FILE', `{folder}/pid')dnl
define(`confSERVICE_SWITCH_FILE', `{folder}/switch')dnl
define(`confDONT_PROBE_INTERFACES', `true')dnl
define(`confDELIVERY_MODE', `queueonly')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confMIN_FREE_BLOCKS', `0')dnl
define(`confPRIVACY_FLAGS', `public')dnl
define(`confTO_IDENT', `0')dnl
define(`confDONT_BLAME_SENDMAIL', `MapInUnsafeDirPath')dnl
define(`confCACERT', `{authority}')dnl
define(`confCACERT_PATH', `{folder}')dnl
{cache}undefine(`ALIAS_FILE')dnl
FEATURE(`access_db', `hash -T<TMPF> {folder}/access')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port={port}')dnl
FEATURE(`accept_unresolvable_domains')dnl
MAILER(`smtp')dnl
{rules}"""
# Both rulesets refuse something. The release of Debian 12 does not know DANE.
SENDMAIL_ACCESS = """\
TLS_Srv:mx.wronghost.example ENCR:112
TLS_Rcpt:wronghost.example VERIFY:112+CN:mx.wronghost.example
TLS_Srv:mx.nostarttls.example ENCR:112
TLS_Srv:mx.dane.example VERIFY:112+CN:mx.dane.example
"""


class SendingSendmail(sendmail_server.SendmailServer):
    """Puts mail into its queue, and delivers when it is told to."""

    queue_runs = ()

    def __init__(self, authority, recipe):
        super().__init__()
        self.authority = authority
        self.recipe = recipe

    def _configuration(self):
        rules, cache = self.recipe
        pathlib.Path(self._path("switch")).write_text("hosts dns files\n", encoding="ascii")
        makemap = os.path.join(os.path.dirname(self._program()), "makemap")
        subprocess.run([makemap, "-C", os.devnull, "-s", "hash", self._path("access")],
                       input=SENDMAIL_ACCESS, text=True, env=self.environment,
                       capture_output=True, check=True, timeout=60)
        return self._expand(SENDMAIL_MC.format(
            name=self.name, folder=self.folder, port=self.port, authority=self.authority,
            rules=rules, cache=cache))

    def deliver(self):
        """Everything once, in one process."""
        return subprocess.run([self._program(), "-C", self._path("sendmail.cf"), "-qf", "-v"],
                              env=self._names(), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=100, check=False).stdout


@unittest.skipIf(sendmail_server.skip_reason(), sendmail_server.skip_reason())
class Sendmail(BrokenTls):
    """Sendmail with demands in its access map."""

    def deliver(self, recipe):
        self.count(*[datagram(domain, failed=True) for domain in DOMAINS])
        with SendingSendmail(self.authority.certificate, recipe) as sendmail:
            # Lower in rank than the reports: it would come second, through their connections.
            for domain in DOMAINS:
                sendmail.send("someone@example.com", [f"user@{domain}"],
                              b"Precedence: bulk\r\n" + plain_mail(recipient=f"user@{domain}"))
            self.deliver_through(f"127.0.0.1:{sendmail.port}")
            self.send_reports()
            return sendmail.deliver()

    def test_without_the_recipe_all_is_deferred(self):
        said = self.deliver(("", ""))
        self.assertEqual({domain: host.messages for domain, host in self.hosts.items()},
                         {domain: [] for domain in DOMAINS}, said)

    def test_the_recipe_delivers_reports_and_no_other_mail(self):
        self.deliver([recipe("opentlsrpt-reporter.8", "loop-sendmail-" + name)
                      for name in ("rules", "cache")])
        self.reports_arrive()


EXIM_CONF = """\
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
primary_hostname = exim.test
keep_environment = LD_PRELOAD:LD_LIBRARY_PATH:NSS_WRAPPER_PASSWD:NSS_WRAPPER_GROUP
untrusted_set_sender = *
no_local_from_check
dns_dnssec_ok = 1
local_interfaces = 127.0.0.1
domainlist local_domains = example.com
begin routers
{router}
others:
  driver = dnslookup
  transport = others
begin transports
{transport}
others:
  driver = smtp
  hosts_require_tls = *
  tls_verify_hosts = *
  tls_verify_certificates = {authority}
begin retry
* * F,4d,1m
"""


@unittest.skipIf(mta_packages.skip_reason("exim"), mta_packages.skip_reason("exim"))
class Exim(BrokenTls):
    """Exim that demands verified TLS of all hosts, and does DANE as it always does."""

    def start_exim(self, router="", transport=""):
        """A program that takes mail as sendmail does; Exim runs as nobody, who is its user here."""
        nobody = pwd.getpwnam("nobody")
        folder = self.folder / "exim"
        (folder / "spool").mkdir(parents=True)
        self.folder.chmod(0o755)
        exim = os.path.join(mta_packages.folder("exim"), "usr", "sbin", "exim4")
        libraries = mta_packages.environment("exim")["LD_LIBRARY_PATH"]
        for name, text in (
                ("passwd", f"Debian-exim:x:{nobody.pw_uid}:{nobody.pw_gid}::/:/bin/sh\n"),
                ("group", f"Debian-exim:x:{nobody.pw_gid}:\n"),
                ("exim.conf", EXIM_CONF.format(
                    program=exim, folder=folder, router=router, transport=transport,
                    authority=self.authority.certificate)),
                ("sendmail", "#!/bin/sh\n"
                    f"exec setpriv --reuid={nobody.pw_uid} --regid={nobody.pw_gid} --clear-groups"
                    f" env LD_LIBRARY_PATH={libraries} LD_PRELOAD=libnss_wrapper.so"
                    f" NSS_WRAPPER_PASSWD={folder}/passwd NSS_WRAPPER_GROUP={folder}/group"
                    f' {exim} -C {folder}/exim.conf -odf "$@"\n')):
            (folder / name).write_text(text, encoding="ascii")
        for path in (folder, *folder.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        self.program = folder / "sendmail"
        self.program.chmod(0o755)

    def deliver(self):
        """Other mail first: that it fails must not hold back the reports."""
        self.count(*[datagram(domain, failed=True) for domain in DOMAINS])
        for domain in DOMAINS:
            subprocess.run([self.program, "-i", "-f", "someone@example.com", f"user@{domain}"],
                           input=plain_mail(recipient=f"user@{domain}"), check=True, timeout=60,
                           capture_output=True)
        self.deliver_through(SendmailPath=self.program)
        self.send_reports()
        return (self.folder / "exim" / "mainlog").read_text(errors="replace")

    def test_without_the_recipe_all_is_deferred(self):
        self.start_exim()
        log = self.deliver()
        self.assertEqual({domain: host.messages for domain, host in self.hosts.items()},
                         {domain: [] for domain in DOMAINS}, log)
        self.assertEqual(len(re.findall(" == user@", log)), len(DOMAINS), log)

    def test_the_recipe_delivers_reports_and_no_other_mail(self):
        self.start_exim(*[recipe("opentlsrpt-reporter.8", "loop-exim-" + name)
                          for name in ("router", "transport")])
        log = self.deliver()
        self.reports_arrive(log)
        self.assertEqual(len(re.findall(" == user@", log)), len(DOMAINS), log)


if __name__ == "__main__":
    unittest.main()
