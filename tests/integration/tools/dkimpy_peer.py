# SPDX-License-Identifier: BSD-2-Clause
"""dkimpy (Debian's python3-dkim) as a filter: a JSON list of tasks in, a JSON list of answers out.

Task: {"do": "verify", "message": base64, "records": {name: text}, "signature": 0}
  or  {"do": "sign", "message": base64, "key": text, "algorithm": a, "domain": d, "selector": s,
       "canon": ["relaxed", "simple"]}
Answer: true or false, or the signed message in base64; text beginning "error" for an exception.
"""

import base64
import json
import sys

import dkim


def verify(message, task):
    records = task["records"]

    def look_up(name, timeout=5):
        return records.get(name.decode().rstrip(".")).encode()

    return dkim.DKIM(message).verify(idx=task["signature"], dnsfunc=look_up)


def sign(message, task):
    field = dkim.sign(
        message, task["selector"].encode(), task["domain"].encode(), task["key"].encode(),
        canonicalize=tuple(word.encode() for word in task["canon"]),
        signature_algorithm=task["algorithm"].encode())
    return base64.b64encode(field + message).decode()


def answer(task):
    try:
        message = base64.b64decode(task["message"])
        return (sign if task["do"] == "sign" else verify)(message, task)
    except Exception as error:  # what a peer's fault looks like is part of the answer
        return "error: %r" % error


json.dump([answer(task) for task in json.load(sys.stdin)], sys.stdout)
