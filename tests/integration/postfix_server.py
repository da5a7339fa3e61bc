# SPDX-License-Identifier: BSD-2-Clause
"""A real Postfix for tests: its own configuration, queue, port and log; never the system's.

    with PostfixServer(smtpd_milters="unix:/some/dir/milter.sock") as postfix:
        postfix.send("a@sender.example", ["tls@example.org"], message_bytes)
        postfix.wait_for_mail("tls@example.org", count=1)

Everything lives in one temporary folder. Nothing is chrooted unless asked for, so paths of sockets
are absolute.
Mail for the domains given is delivered into a Maildir below that folder and read with mails(); all
other mail is refused at RCPT, and there is no SMTP client unless a test adds one: nothing leaves the
machine.

Needs root, because Postfix's master does, and the postfix package's programs. skip_reason() says
what is missing, for unittest.skipIf.

Postfix binds its port with SO_REUSEPORT: a second instance on the same port would start without an
error and take half of the connections. So the port is chosen free for each instance, bound only
on 127.0.0.1, and the host name in the greeting, unique to each instance, is checked at start.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from smtp_client import SmtpClient

DAEMONS = "/usr/lib/postfix/sbin"

MASTER_CF = """\
127.0.0.1:{port} inet n - {chroot} - - smtpd
pickup    unix  n - n 60  1 pickup
cleanup   unix  n - {chroot} -   0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -   - trivial-rewrite
bounce    unix  - - n -   0 bounce
defer     unix  - - n -   0 bounce
trace     unix  - - n -   0 bounce
verify    unix  - - n -   1 verify
flush     unix  n - n 1000? 0 flush
tlsmgr    unix  - - n 1000? 1 tlsmgr
proxymap  unix  - - n -   - proxymap
proxywrite unix - - n -   1 proxymap
showq     unix  n - n -   - showq
error     unix  - - n -   - error
retry     unix  - - n -   - error
discard   unix  - - n -   - discard
virtual   unix  - n n -   - virtual
local     unix  - n n -   - local
anvil     unix  - - n -   1 anvil
scache    unix  - - n -   1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def skip_reason():
    """Why a Postfix cannot be started here, or None."""
    if os.geteuid() != 0:
        return "a Postfix of its own needs root"
    for program in ("postfix", "postconf"):
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin") is None:
            return f"there is no program {program}"
    if not os.path.isdir(DAEMONS):
        return f"there is no folder {DAEMONS}"
    return None


def _list(folder):
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _delivered_to(mail):
    for line in mail.split(b"\n\n", 1)[0].split(b"\n"):
        if line.lower().startswith(b"delivered-to:"):
            return line.split(b":", 1)[1].strip().decode("ascii", "replace")
    return ""


def _bare(address):
    local, _, domain = address.lower().rpartition("@")
    return local.split("+", 1)[0] + "@" + domain


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PostfixServer(SmtpClient):
    """One running instance; a context manager, or start() and stop().

    smtpd_milters  the parameter's value, as in main.cf; "" for none
    domains        domains whose mail is delivered, whatever its local part
    chroot         whether what talks to filters runs in a chroot, as Debian has it
    parameters     further main.cf parameters, name -> value; they win over those made here
    services       further lines of master.cf
    """

    def __init__(self, smtpd_milters="", domains=("example.org",), chroot=False,
                 parameters=None, services=""):
        self.smtpd_milters = smtpd_milters
        self.domains = list(domains)
        self.chroot = "y" if chroot else "n"
        self.parameters = dict(parameters or {})
        self.services = services
        self.port = free_port()
        self.name = f"t{os.getpid()}-{self.port}.postfix.test"
        self.folder = None

    # -- life ------------------------------------------------------------------------------------

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-postfix-")
        try:
            self._make_folders()
            self._write_configuration()
            self._postfix("start")
            self._wait_for_greeting()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Stops every process of this instance and removes its folder."""
        if self.folder is None:
            return
        with contextlib.suppress(RuntimeError):  # it does not run
            self._postfix("stop")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None

    def reconfigure(self, **parameters):
        """Changes main.cf parameters of the instance, by a restart.

        After a mere reload an smtpd of before may take one more connection, with the old parameters.
        """
        self.parameters.update(parameters)
        self._postfix("stop")
        self._write_configuration()
        self._postfix("start")
        self._wait_for_greeting()

    @staticmethod
    def folder_of_sockets():
        """Below which folder the socket of a filter may be; None for any."""
        return None

    def use_milter(self, path, default_action="tempfail"):
        """Puts the filter at this socket, and no other, in front. tempfail shows its faults."""
        value = "{ unix:" + path + ", default_action=" + default_action + " }"
        if self.parameters.get("smtpd_milters") != value:
            self.reconfigure(smtpd_milters=value)

    # -- use -------------------------------------------------------------------------------------

    def mails(self, address):
        """What was delivered to an address (its +extension is ignored), oldest first.

        Bytes with LF line ends; without_trace() takes off what delivery has put in front.
        """
        mails = []
        folder = os.path.join(self.folder, "mail", "inbox", "new")
        for path in sorted((os.path.join(folder, name) for name in _list(folder)),
                           key=lambda path: os.stat(path).st_mtime_ns):
            with open(path, "rb") as file:
                mail = file.read()
            if _bare(_delivered_to(mail)) == _bare(address):
                mails.append(mail)
        return mails

    def wait_for_mail(self, address, count=1, seconds=30):
        """The mails of an address once there are at least count; TimeoutError otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            mails = self.mails(address)
            if len(mails) >= count:
                return mails
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(mails)} of {count} mails to {address}\n{self.log()}")
            time.sleep(0.05)

    def wait_for_empty_queue(self, seconds=30):
        """Returns once every accepted message has been delivered."""
        deadline = time.monotonic() + seconds
        while self.queued():
            if time.monotonic() > deadline:
                raise TimeoutError(f"queue is not empty: {self.queued()}\n{self.log()}")
            time.sleep(0.05)

    def queued(self):
        """File names in the queue folders."""
        names = []
        for queue in ("maildrop", "incoming", "active", "deferred", "hold"):
            for _, _, files in os.walk(os.path.join(self.folder, "queue", queue)):
                names.extend(files)
        return names

    def held(self):
        """How many messages are on hold."""
        return len(_list(os.path.join(self.folder, "queue", "hold")))

    def remove_held(self):
        subprocess.run(["postsuper", "-c", self._config_dir(), "-d", "ALL", "hold"], check=True,
                       env=self._environment(), capture_output=True, timeout=60)

    def queue_folder(self):
        """Where programs with a chroot see their root."""
        return os.path.join(self.folder, "queue")

    def log(self):
        """Everything Postfix has logged so far."""
        try:
            with open(os.path.join(self.folder, "log", "postfix.log"), encoding="utf-8",
                      errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    # -- inside ----------------------------------------------------------------------------------

    def _config_dir(self):
        return os.path.join(self.folder, "etc")

    @staticmethod
    def _environment():
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("MAIL_")}
        environment["PATH"] = environment.get("PATH", "") + ":/usr/sbin:/sbin"
        return environment

    def _postfix(self, command):
        done = subprocess.run(["postfix", "-c", self._config_dir(), command], check=False,
                              env=self._environment(), capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"postfix {command}: {done.stdout}{done.stderr}{self.log()}")

    def _make_folders(self):
        user = pwd.getpwnam("postfix")
        os.chmod(self.folder, 0o755)
        for name in ("etc", "queue", "data", "mail", "log"):
            os.mkdir(os.path.join(self.folder, name))
        for name in ("data", "mail"):
            os.chown(os.path.join(self.folder, name), user.pw_uid, user.pw_gid)

    def _main_cf(self):
        user = pwd.getpwnam("postfix")
        mail = os.path.join(self.folder, "mail")
        parameters = {
            "compatibility_level": "3.6",
            "queue_directory": os.path.join(self.folder, "queue"),
            "data_directory": os.path.join(self.folder, "data"),
            "command_directory": "/usr/sbin",
            "daemon_directory": DAEMONS,
            "maillog_file": os.path.join(self.folder, "log", "postfix.log"),
            "maillog_file_prefixes": self.folder,
            "myhostname": self.name,
            "mydestination": "",
            "mynetworks": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "alias_database": "",
            "smtputf8_enable": "no",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "smtpd_peername_lookup": "no",
            "smtpd_tls_security_level": "none",
            "recipient_delimiter": "+",
            "virtual_transport": "virtual",
            "virtual_mailbox_domains": " ".join(self.domains),
            "virtual_mailbox_base": mail,
            # Bounces to senders elsewhere end here.
            "default_transport": "discard",
            "relay_transport": "discard",
            "virtual_mailbox_maps": "static:inbox/",
            # Postfix refuses to deliver below uid 100; its own user exists wherever it does.
            "virtual_minimum_uid": str(min(user.pw_uid, 100)),
            "virtual_uid_maps": f"static:{user.pw_uid}",
            "virtual_gid_maps": f"static:{user.pw_gid}",
            "smtpd_milters": self.smtpd_milters,
            "message_size_limit": str(64 << 20),
            "virtual_mailbox_limit": "0",
            "mailbox_size_limit": "0",
            # Test clients come in bursts and make mistakes on purpose.
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_error_sleep_time": "0",
            "in_flow_delay": "0",
        }
        parameters.update(self.parameters)
        return "".join(f"{name} = {value}\n" for name, value in parameters.items())

    def _write_configuration(self):
        folder = self._config_dir()
        master_cf = MASTER_CF.format(port=self.port, chroot=self.chroot) + self.services
        for name, text in (("main.cf", self._main_cf()), ("master.cf", master_cf)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)

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
                if time.monotonic() > deadline:
                    raise TimeoutError(f"Postfix does not answer\n{self.log()}") from None
                time.sleep(0.05)
