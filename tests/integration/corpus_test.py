#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads a corpus of reports of real senders, if there is one, and has its own judge look at it.

OPENTLSRPT_CORPUS names the corpus; otherwise the folder ../shared/corpus beside the source tree.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.environ["OPENTLSRPT_BUILD"], "milter", "opentlsrpt-reports")
CORPUS = os.environ.get("OPENTLSRPT_CORPUS") or os.path.join(
    os.environ["OPENTLSRPT_SOURCE"], "..", "shared", "corpus")
REPORTS = os.path.join(CORPUS, "reports")


@unittest.skipUnless(os.path.exists(os.path.join(REPORTS, "compare.py")), "no corpus here")
class Corpus(unittest.TestCase):
    def test_every_file_is_read_as_its_judge_expects(self):
        with open(os.path.join(REPORTS, "expected.jsonl"), encoding="utf-8") as expected:
            names = [json.loads(line)["file"] for line in expected if line.strip()]
        with tempfile.TemporaryDirectory(prefix="opentlsrpt-") as folder:
            config = os.path.join(folder, "empty.conf")
            with open(config, "w", encoding="ascii"):
                pass
            parsed = subprocess.run(
                [PROGRAM, "-c", config, "parse"] + [os.path.join(REPORTS, name) for name in names],
                capture_output=True, timeout=120, check=False)
        self.assertIn(parsed.returncode, (0, 1), parsed.stderr.decode(errors="replace"))
        judged = subprocess.run([sys.executable, os.path.join(REPORTS, "compare.py")],
                                input=parsed.stdout, capture_output=True, timeout=120, check=False)
        text = judged.stdout.decode(errors="replace")
        verdict = text.strip().splitlines()[-1] if text.strip() else "nothing was judged"
        print(verdict)
        self.assertRegex(verdict, re.compile(r"^\d+ of \d+ right$"))
        self.assertEqual(judged.returncode, 0, text)


if __name__ == "__main__":
    unittest.main()
