# SPDX-License-Identifier: BSD-2-Clause
"""Three foreign DKIM verifiers that can be asked about a message: dkimpy, Mail::DKIM, OpenDKIM.

    if has_dkimpy():
        ask_dkimpy([verify_task(message, records), ...])      # [True, False, ...]
    if has_mail_dkim():
        ask_mail_dkim([verify_task(message, records), ...])   # ["pass", "fail (...)", ...]
    if has_opendkim():
        ask_opendkim([message, ...], records)                 # ["0", "65", ...], exit codes

records: name of the TXT record, without a dot at the end -> its text.
"""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile

PEERS = pathlib.Path(__file__).resolve().parent / "tools"
# The interpreter that Debian's python3-dkim belongs to; the one in PATH may be another.
SYSTEM_PYTHON = "/usr/bin/python3"


def has_dkimpy():
    return subprocess.run([SYSTEM_PYTHON, "-c", "import dkim, nacl"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def has_mail_dkim():
    return shutil.which("perl") is not None and subprocess.run(
        ["perl", "-MMail::DKIM", "-MCryptX", "-e", "1"], check=False,
        stderr=subprocess.DEVNULL).returncode == 0


def has_opendkim():
    if not all(shutil.which(name) for name in ("opendkim-testmsg", "unbound", "unshare", "ip")):
        return False
    return subprocess.run(
        ["unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true"],
        check=False, stderr=subprocess.DEVNULL).returncode == 0


def verify_task(message, records, signature=0):
    """signature: which one from the top; for dkimpy only, the others take the best one."""
    return {"do": "verify", "message": base64.b64encode(message).decode(), "records": records,
            "signature": signature}


def _ask(command, tasks):
    done = subprocess.run(command, input=json.dumps(tasks).encode(), stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout)


def ask_dkimpy(tasks):
    return _ask([SYSTEM_PYTHON, PEERS / "dkimpy_peer.py"], tasks)


def ask_mail_dkim(tasks):
    return _ask(["perl", PEERS / "mail_dkim_peer.pl"], tasks)


def ask_opendkim(messages, records):
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        lines = []
        for name, text in records.items():
            strings = " ".join('"%s"' % text[at:at + 255] for at in range(0, len(text), 255))
            lines.append("local-data: '%s. 60 IN TXT %s'\n" % (name, strings))
        (folder / "records.conf").write_text("".join(lines))
        for number, message in enumerate(messages):
            (folder / ("%03d.eml" % number)).write_bytes(message)
        subprocess.run([PEERS / "opendkim_peer.sh", directory], check=True, timeout=200)
        # The last line is the exit code; whatever opendkim-testmsg said stands before it.
        return [(folder / ("%03d.out" % number)).read_text().strip()
                for number in range(len(messages))]
