# SPDX-License-Identifier: BSD-2-Clause
"""A real Sendmail for tests: its own configuration, queue and port, from an unpacked package.

    with SendmailServer() as sendmail:
        sendmail.use_milter("/some/dir/milter.sock")
        sendmail.send("a@sender.example", ["tls@example.org"], message_bytes)
        sendmail.wait_for_mail("tls@example.org", count=1)

It offers what PostfixServer offers. Mail for the domains given goes by SMTP to a sink inside the
test, which keeps it as it comes; all other mail ends in a file, and names are looked up in files
only: nothing leaves the machine. It needs no root; the package's files come from tests/fetch_mtas.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import mta_packages
from postfix_server import free_port
from smtp_client import SmtpClient
from smtp_sink import SmtpSink

MC = """\
divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{name}')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`STATUS_FILE', `{folder}/status')dnl
define(`confPID_FILE', `{folder}/pid')dnl
define(`confSERVICE_SWITCH_FILE', `{folder}/switch')dnl
define(`confHOST_STATUS_DIRECTORY', `')dnl
define(`confDONT_PROBE_INTERFACES', `true')dnl
define(`confTO_IDENT', `0')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confDELAY_LA', `0')dnl
define(`confMIN_FREE_BLOCKS', `0')dnl
define(`confDEF_USER_ID', `{uid}:{gid}')dnl
define(`confTRUSTED_USER', `{user}')dnl
define(`confPRIVACY_FLAGS', `public')dnl
undefine(`ALIAS_FILE')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port={port}')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
{filters}
MAILER(`smtp')dnl
MAILER_DEFINITIONS
Msink,	P=[IPC], F=8X, E=\\r\\n, L=0,
	A=TCP $h {sink}
Mnowhere,	P=[FILE], F=8, A=FILE {folder}/discarded
LOCAL_RULE_0
{routes}
R$* < @ $* > $*	$#nowhere $@ nowhere $: nobody
"""
FILTER = "INPUT_MAIL_FILTER(`opentlsrpt', `S=local:{path}, {flags}T=C:10s;S:30s;R:60s;E:2m')dnl"
FLAGS = {"tempfail": "F=T, ", "reject": "F=R, ", "accept": ""}


def folder_of_sockets():
    """A folder that Sendmail trusts: others may write neither to it nor to one above."""
    for folder in ("/run", os.environ.get("XDG_RUNTIME_DIR", ""), os.path.expanduser("~")):
        path = os.path.realpath(folder)
        above = [path]
        while above[-1] != "/":
            above.append(os.path.dirname(above[-1]))
        if folder and os.access(path, os.W_OK) and not any(os.stat(one).st_mode & 0o022
                                                           for one in above):
            return path
    return None


def skip_reason():
    """Why a Sendmail cannot be started here, or None."""
    return mta_packages.skip_reason("sendmail") or (
        None if folder_of_sockets() else "no folder here is safe enough for Sendmail's sockets")


class SendmailServer(SmtpClient):
    """One running instance; a context manager, or start() and stop().

    domains  domains whose mail is delivered, whatever its local part
    local    domains whose mail goes to local users and aliases; needs MAILER(`local') in configure()
    """

    queue_runs = ("-q1s",)

    def __init__(self, domains=("example.org",), local=()):
        self.domains = list(domains)
        self.local = list(local)
        self.filters = ""
        self.port = free_port()
        self.name = f"t{os.getpid()}-{self.port}.sendmail.test"
        self.folder = None
        self.process = None
        self.sink = SmtpSink()
        self.root = mta_packages.folder("sendmail")
        self.environment = mta_packages.environment("sendmail")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-sendmail-")
        self.sink.__enter__()
        try:
            os.chmod(self.folder, 0o755)
            os.mkdir(self._path("queue"), 0o700)
            for name, text in (("switch", "hosts files\naliases files\npasswd files\n"),
                               ("hosts", f"127.0.0.1 {self.name} localhost\n"),
                               ("status", "")):
                with open(self._path(name), "w", encoding="ascii") as file:
                    file.write(text)
            self._run()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        if self.folder is None:
            return
        self._end()
        self.sink.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None

    @staticmethod
    def folder_of_sockets():
        """Below which folder the socket of a filter may be."""
        return folder_of_sockets()

    def use_milter(self, path, default_action="tempfail"):
        """Puts the filter at this socket, and no other, in front. tempfail shows its faults."""
        lines = FILTER.format(path=path, flags=FLAGS[default_action])
        if self.filters != lines:
            self.configure(lines)

    def configure(self, filters):
        """Restarts with these lines of the .mc file, of filters or else."""
        self.filters = filters
        self._end()
        self._run()

    def mails(self, address):
        """What was delivered to an address, oldest first: bytes with LF line ends."""
        return [message.data.replace(b"\r\n", b"\n") for message in list(self.sink.messages)
                if message.recipient.lower() == address.lower()]

    def wait_for_mail(self, address, count=1, seconds=30):
        """The mails of an address once there are at least count; TimeoutError otherwise."""
        deadline = time.monotonic() + seconds
        while len(self.mails(address)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.mails(address))} of {count} mails to {address}\n"
                                   + self.log())
            time.sleep(0.05)
        return self.mails(address)

    def wait_for_empty_queue(self, seconds=30):
        """Returns once every accepted message has been delivered."""
        deadline = time.monotonic() + seconds
        while os.listdir(self._path("queue")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"queue is not empty: {os.listdir(self._path('queue'))}\n"
                                   + self.log())
            time.sleep(0.05)

    def held(self):
        """How many messages wait in quarantine."""
        return sum(name.startswith("hf") for name in os.listdir(self._path("queue")))

    def remove_held(self):
        for name in os.listdir(self._path("queue")):
            if name.startswith("hf"):
                os.unlink(self._path(os.path.join("queue", name)))
                os.unlink(self._path(os.path.join("queue", "df" + name[2:])))

    def queue_file(self):
        """What Sendmail has written about a mail that waits; "" if none does."""
        for name in os.listdir(self._path("queue")):
            if name.startswith("qf"):
                with open(self._path(os.path.join("queue", name)), encoding="latin-1") as file:
                    return file.read()
        return ""

    def make_aliases(self):
        """What newaliases does."""
        done = subprocess.run([self._program(), "-bi", "-C", self._path("sendmail.cf")], check=False,
                              env=self._names(), capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"newaliases: {done.stdout}{done.stderr}")

    def log(self):
        """What Sendmail has said; its log proper goes to syslog."""
        with open(self._path("output"), encoding="utf-8", errors="replace") as file:
            return file.read()

    # -- inside ----------------------------------------------------------------------------------

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _configuration(self):
        routes = "".join(f"R$* < @ {domain} . > $*\t$#sink $@ [127.0.0.1] $: $1 @ {domain}\n"
                         f"R$* < @ {domain} > $*\t$#sink $@ [127.0.0.1] $: $1 @ {domain}\n"
                         for domain in self.domains)
        routes += "".join(f"R$* < @ {domain} . > $*\t$#local $: $1\n"
                          f"R$* < @ {domain} > $*\t$#local $: $1\n" for domain in self.local)
        text = MC.format(name=self.name, folder=self.folder, port=self.port, uid=os.getuid(),
                         user=pwd.getpwuid(os.getuid()).pw_name,
                         gid=os.getgid(), filters=self.filters, routes=routes.rstrip(),
                         sink=self.sink.address.split(":")[1])
        return self._expand(text)

    def _expand(self, text):
        """The .cf file of an .mc file."""
        macros = os.path.join(self.root, "usr", "share", "sendmail", "cf")
        done = subprocess.run(["m4", f"-D_CF_DIR_={macros}/",
                               os.path.join(macros, "m4", "cf.m4"), "-"],
                              input=text, check=True, capture_output=True, text=True, timeout=60,
                              env=self.environment)
        return done.stdout

    def _names(self):
        """The environment in which this machine has our name: Sendmail looks its own name up."""
        return dict(self.environment, LD_PRELOAD="libnss_wrapper.so",
                    NSS_WRAPPER_HOSTNAME=self.name, NSS_WRAPPER_HOSTS=self._path("hosts"))

    def _program(self):
        return os.path.join(self.root, "usr", "libexec", "sendmail", "sendmail")

    def _run(self):
        with open(self._path("sendmail.cf"), "w", encoding="latin-1") as file:
            file.write(self._configuration())
        with open(self._path("output"), "ab") as output:
            self.process = subprocess.Popen(
                [self._program(), "-bD", *self.queue_runs, "-C", self._path("sendmail.cf")],
                env=self._names(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
        self._wait_for_greeting()

    def _end(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # the session that start_new_session made
            self.process.wait()
        self.process = None

    def _wait_for_greeting(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                    greeting = client.makefile("rb").readline().decode("ascii", "replace")
                    client.sendall(b"QUIT\r\n")
                if self.name not in greeting:
                    raise RuntimeError(f"another server answers on port {self.port}: {greeting}")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Sendmail does not answer\n{self.log()}") from None
                time.sleep(0.02)
