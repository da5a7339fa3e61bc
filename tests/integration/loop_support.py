# SPDX-License-Identifier: BSD-2-Clause
"""What the whole loop needs: a Postfix, an Unbound, and days that are over already."""

import os
import pathlib

import postfix_server
from unbound_server import UnboundServer


def skip_reason():
    """Why the whole loop cannot run here, or None."""
    if postfix_server.skip_reason():
        return postfix_server.skip_reason()
    if UnboundServer.missing():
        return "missing programs: " + UnboundServer.missing()
    return None if faketime_library() else "the package libfaketime is not installed"


def faketime_library():
    """libfaketime, which shifts the clock of a program; empty if it is not installed."""
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0]) if found else ""


def days_ago(days):
    """What to add to the environment of a program whose clock is to be some days behind."""
    return {"LD_PRELOAD": faketime_library(), "FAKETIME": f"-{days}d",
            # What waits for a while must not wait for days.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # AddressSanitizer wants to be the first library; that this one comes before is fine.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
