# SPDX-License-Identifier: BSD-2-Clause
"""The recipes of the manual pages, so that tests can try what is printed there.

A recipe is the literal display after a comment: .\\" recipe NAME
"""

import os
import re

SOURCE = os.environ.get("OPENTLSRPT_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def recipe(page, name):
    """The lines of a recipe, as a reader of the page sees them."""
    with open(os.path.join(SOURCE, "man", page), encoding="utf-8") as file:
        text = file.read()
    display = r"\n\.Bd -literal.*\n((?:.*\n)*?)\.Ed$"
    (found,) = re.findall(r'^\.\\" recipe ' + re.escape(name) + display, text, re.MULTILINE)
    return found.replace("\\&", "").replace("\\(aq", "'").replace("\\e", "\\")
