# SPDX-License-Identifier: BSD-2-Clause
"""contrib/demo as a visitor runs it: what it shows, and that it leaves nothing behind."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from collector_support import BUILD, SOURCE
from loop_support import skip_reason

DEMO = SOURCE / "contrib" / "demo.py"
PREFIX = "opentlsrpt-demo-"


def processes_of(folder):
    """The command lines of processes that name the folder, or work in it."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if folder in command or os.readlink(process / "cwd").startswith(folder):
                found.append(command)
        except OSError:
            continue  # it has ended meanwhile
    return found


@unittest.skipIf(skip_reason(), skip_reason())
class Demo(unittest.TestCase):
    def setUp(self):
        # The demonstration puts its folder here, so others that run meanwhile do not matter.
        parent = tempfile.TemporaryDirectory(prefix="demo-test-")
        self.addCleanup(parent.cleanup)
        self.parent = pathlib.Path(parent.name)
        self.parent.chmod(0o755)

    def run_demo(self, *arguments, expect=0):
        done = subprocess.run(
            [sys.executable, DEMO, BUILD, *arguments], capture_output=True, text=True, timeout=200,
            env={**os.environ, "TMPDIR": str(self.parent)})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def check_nothing_is_left(self):
        self.assertEqual(processes_of(str(self.parent)), [])
        self.assertEqual(list(self.parent.iterdir()), [])

    def check_summary(self, text):
        summary = text[text.index("TLS reports with days since"):]
        self.assertIn("13 reports from 2 reporters", summary)
        # Sums of the numbers in the demonstration's own table of sessions.
        for line in ("no-policy-found: 2 of 296 sessions failed (99.32 % successful)",
                     "sts: 23 of 531 sessions failed (95.66 % successful)",
                     "tlsa: 6 of 245 sessions failed (97.55 % successful)"):
            self.assertIn("FAILURES under " + line, summary)
        for kind, sessions in (("certificate-expired", 14), ("certificate-not-trusted", 6),
                               ("certificate-host-mismatch", 5), ("validation-failure", 4)):
            self.assertRegex(summary, rf"(?m)^{kind}: .+\n +SESSIONS .+\n +{sessions} ")
        self.assertRegex(summary, r"(?m)^ +sts-ok\.plain\.test +sts +508 +0 +100 %$")
        self.assertRegex(summary, r"(?m)^ +alpha\.example +Alpha Mail Ltd +7 .* pass$")
        self.assertRegex(summary, r"(?m)^ +beta\.example +Beta Post +6 .* pass$")
        self.assertRegex(summary, r"(?m)^ +1 +not-authentic$")

    def test_it_shows_the_whole_loop_and_leaves_nothing(self):
        done = self.run_demo()
        self.assertEqual(done.stderr, "")
        self.assertEqual(re.findall(r"(?m)^\[([0-9])/7\]", done.stdout), list("1234567"))
        self.assertEqual(done.stdout.count(" delivered 250 "), 13)
        self.check_summary(done.stdout)
        self.check_nothing_is_left()

    def test_what_is_kept_can_be_looked_at_and_stopped(self):
        done = self.run_demo("--keep")
        (folder,) = self.parent.iterdir()
        self.addCleanup(subprocess.run, [sys.executable, DEMO, BUILD, "--stop", folder],
                        capture_output=True, timeout=60)
        self.assertTrue(folder.name.startswith(PREFIX))
        self.assertIn(f"contrib/demo --stop {folder}", done.stdout)
        running = " ".join(processes_of(str(folder)))
        for program in ("opentlsrpt-milter", "unbound", "master"):
            self.assertIn(program, running)
        listing = re.search(r"(?m)^ +(\S+/opentlsrpt-reports -c \S+ list)$", done.stdout)
        listed = subprocess.run(listing[1].split(), capture_output=True, text=True, timeout=60)
        self.assertEqual((listed.returncode, len(listed.stdout.splitlines())), (0, 14))

        stopped = self.run_demo("--stop", folder)
        self.assertIn(f"Stopped, and removed {folder}.", stopped.stdout)
        self.check_nothing_is_left()

    def test_a_folder_that_is_none_is_refused_and_left_alone(self):
        other = self.parent / "other"
        other.mkdir()
        self.assertIn("is not the folder", self.run_demo("--stop", other, expect=66).stderr)
        self.assertTrue(other.is_dir())


if __name__ == "__main__":
    unittest.main()
