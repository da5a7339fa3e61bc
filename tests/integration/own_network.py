# SPDX-License-Identifier: BSD-2-Clause
"""A network with nothing in it but a loopback interface, for this process and what it starts.

There, port 53 is the resolver's and port 25 an MX host's, as everywhere else in the world, without a
thought for who else runs on this machine; and nothing can leave it. It ends with the process.
"""

import ctypes
import os
import shutil
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
RESOLV_CONF = "nameserver 127.0.0.1\noptions edns0 trust-ad\n"


def skip_reason():
    """Why there cannot be such a network here, or None."""
    if os.geteuid() != 0:
        return "a network of its own needs root"
    for program in ("ip", "mount", "unshare"):
        if shutil.which(program) is None:
            return f"there is no program {program}"
    tried = subprocess.run(["unshare", "-n", "-m", "ip", "link", "set", "lo", "up"], check=False,
                           capture_output=True, text=True, timeout=30)
    return f"no network of its own: {tried.stderr.strip()}" if tried.returncode != 0 else None


def enter(folder):
    """Moves this process, which must not have threads, there; its mounts are its own as well.

    The resolver that programs find is 127.0.0.1; folder is where the file that says so is made.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    path = os.path.join(folder, "resolv.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(RESOLV_CONF)
    os.chmod(path, 0o644)
    run("mount", "--bind", path, "/etc/resolv.conf")


def bind(source, target):
    """Mounts a folder a second time, with all that is mounted in it."""
    os.makedirs(target, exist_ok=True)
    run("mount", "--rbind", source, target)


def run(*command):
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
