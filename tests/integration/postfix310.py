# SPDX-License-Identifier: BSD-2-Clause
"""A Postfix 3.10 that tests/fetch_trixie has unpacked, in a chroot beside its own libraries.

The chroot sees this machine's /etc, /dev and folder of temporary files, by mounts that are visible
to this process only: own_network.enter() comes first. It has neither a shell nor the other programs
that the command postfix calls, so the folders of the queue are made here, and master is started
itself.
"""

import os
import pwd
import grp
import signal
import subprocess
import tempfile

import mta_packages
import own_network
import postfix_server

ROOT = os.path.join(mta_packages.BUILD, "postfix310", "root")
PRIVATE_FOLDERS = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                   "private", "saved", "trace")


def skip_reason():
    """Why it cannot be started here, or None. The user postfix comes with this machine's."""
    if not os.path.exists(os.path.join(ROOT, "usr", "lib", "postfix", "sbin", "master")):
        return "Postfix 3.10 is not there: tests/fetch_trixie BUILD fetches it"
    return postfix_server.skip_reason() or own_network.skip_reason()


def mount():
    """Once for a process, and for all instances."""
    for folder in ("/etc", "/dev", tempfile.gettempdir()):
        own_network.bind(folder, ROOT + folder)


class Postfix310(postfix_server.PostfixServer):
    def __init__(self, **options):
        super().__init__(**options)
        self.master = None

    def _make_folders(self):
        super()._make_folders()
        user, drop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        for names, mode, owner, group in ((PRIVATE_FOLDERS, 0o700, user, 0), (["pid"], 0o755, 0, 0),
                                          (["maildrop"], 0o730, user, drop),
                                          (["public"], 0o710, user, drop)):
            for name in names:
                path = os.path.join(self.queue_folder(), name)
                os.mkdir(path)
                os.chown(path, owner, group)
                os.chmod(path, mode)

    def _postfix(self, command):
        if command == "start":
            self.master = subprocess.Popen(
                ["chroot", ROOT, "/usr/lib/postfix/sbin/master", "-d", "-c", self._config_dir()],
                env=self._environment(), stdin=subprocess.DEVNULL, start_new_session=True)
        elif self.master is not None:
            self.master.send_signal(signal.SIGTERM)  # it ends what it has started
            try:
                self.master.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.master.pid, signal.SIGKILL)
                self.master.wait()
            self.master = None
