# SPDX-License-Identifier: BSD-2-Clause
"""The milter in a real Postfix: the scenarios that every mail server shares."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_case import MilterCase
from milter_scenarios import MilterScenarios


class MilterInPostfix(MilterScenarios, MilterCase):
    """server is MilterCase's own."""


if __name__ == "__main__":
    unittest.main()
