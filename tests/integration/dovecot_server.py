# SPDX-License-Identifier: BSD-2-Clause
"""A real Dovecot for tests, which tests/fetch_mtas has unpacked: LMTP and its authentication.

    with DovecotServer() as dovecot:
        dovecot.lmtp           # path of the socket that takes mail
        dovecot.auth           # of the one that Postfix asks about passwords
        dovecot.mails()        # what was delivered, bytes with LF line ends

Everything lives in one temporary folder. Every name has the password "secret". Needs root, because
its master does.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time

import mta_packages

PASSWORD = "secret"

# FOLDER PROGRAM...: runs it where the unpacked files stand in /usr, for this process alone. Paths of
# libraries and modules are compiled in.
OVERLAY = ["unshare", "--mount", "sh", "-c",
           'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr && exec "$@"']

CONFIGURATION = """\
protocols = lmtp
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
ssl = no
stats_writer_socket_path =
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail allow_all_users=yes
}}
service lmtp {{
  chroot =
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  chroot =
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def skip_reason():
    """Why a Dovecot cannot be started here, or None."""
    if os.geteuid() != 0:
        return "a Dovecot of its own needs root"
    missing = mta_packages.skip_reason("dovecot")
    if missing:
        return missing
    try:
        subprocess.run([*OVERLAY, mta_packages.folder("dovecot"), "test", "-x",
                        "/usr/lib/dovecot/lmtp"], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        return f"there is no Dovecot with LMTP, or no overlay file system: {error}"
    return None


class DovecotServer:
    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="opentlsrpt-dovecot-")
        self.lmtp = os.path.join(self.folder, "lmtp")
        self.auth = os.path.join(self.folder, "auth")
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if getattr(self, "process", None) is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        user = pwd.getpwnam("nobody")
        os.chmod(self.folder, 0o755)
        for name in ("run", "state", "mail"):
            os.mkdir(os.path.join(self.folder, name))
        os.chown(os.path.join(self.folder, "mail"), user.pw_uid, user.pw_gid)
        path = os.path.join(self.folder, "dovecot.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(
                folder=self.folder, user=user.pw_name, group="nogroup",
                uid=user.pw_uid, gid=user.pw_gid, password=PASSWORD))
        self.process = subprocess.Popen([*OVERLAY, mta_packages.folder("dovecot"),
                                         "/usr/sbin/dovecot", "-F", "-c", path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (os.path.exists(self.lmtp) and os.path.exists(self.auth)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Dovecot does not start\n{self.log()}")
            time.sleep(0.05)

    def mails(self):
        folder = os.path.join(self.folder, "mail", "new")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        mails = []
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                mails.append(file.read())
        return mails

    def log(self):
        try:
            with open(os.path.join(self.folder, "log"), encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""
