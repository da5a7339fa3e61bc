# SPDX-License-Identifier: BSD-2-Clause
"""The mail servers that tests/fetch_mtas has unpacked, and how their programs are started."""

import glob
import os

BUILD = os.environ.get("OPENTLSRPT_BUILD", "")


def folder(name):
    """Where the files of sendmail, exim, dovecot, procmail or opensmtpd are."""
    return os.path.join(BUILD, "mtas", name)


def skip_reason(name):
    if os.path.exists(os.path.join(folder(name), ".packages")):
        return None
    return f"{name} is not there: tests/fetch_mtas {os.path.join(BUILD, 'mtas')} fetches it"


def environment(name, *more):
    """The variables with which a program of this folder finds its libraries.

    more  further folders with libraries, below the folder
    """
    root = folder(name)
    libraries = [os.path.join(root, path) for path in more]
    libraries += glob.glob(os.path.join(root, "usr", "lib", "*-linux-gnu*"))
    libraries += glob.glob(os.path.join(root, "lib", "*-linux-gnu*"))
    programs = os.path.join(root, "usr", "bin") + ":" + os.environ.get("PATH", "/usr/bin:/bin")
    return dict(os.environ, LD_LIBRARY_PATH=":".join(libraries), PATH=programs)
