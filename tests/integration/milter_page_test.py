# SPDX-License-Identifier: BSD-2-Clause
"""opentlsrpt-milter(8) lists every tag that the milter logs, and no other."""

import os
import re
import unittest

SOURCE = os.environ.get("OPENTLSRPT_SOURCE",
                        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
FILES = ("intake_log.cpp", "intake_service.cpp", "milter_server.cpp", "opentlsrpt_milter.cpp",
         "pruner.cpp", "reload.cpp", "session.cpp")


def read(*names):
    with open(os.path.join(SOURCE, *names), encoding="utf-8") as file:
        return file.read()


class MilterPage(unittest.TestCase):
    def test_diagnostics_are_the_tags_of_the_log(self):
        logged = set()
        for name in FILES:
            text = read("milter", name)
            logged.update(re.findall(r'(?:LogLine|start|start_line)\("([a-z-]+)"', text))
            if name == "intake_log.cpp":
                tags = text[text.index("tag_of("):text.index("void add_if_any")]
                logged.update(re.findall(r'"([a-z-]+)"', tags))
        page = read("man", "opentlsrpt-milter.8")
        section = page[page.index(".Sh DIAGNOSTICS"):page.index(".Sh SEE ALSO")]
        listed = set()
        for item in re.findall(r"^\.It Li (.+)$", section, re.MULTILINE):
            listed.update(item.split(" , "))
        self.assertGreater(len(logged), 10)
        self.assertEqual(logged, listed)


if __name__ == "__main__":
    unittest.main()
