# SPDX-License-Identifier: BSD-2-Clause
"""The milter in a real Sendmail, which tests/fetch_mtas has unpacked beside Postfix."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from milter_case import MilterCase
from milter_scenarios import MilterScenarios
from sendmail_server import SendmailServer


class MilterInSendmail(MilterScenarios, MilterCase):
    server = SendmailServer


if __name__ == "__main__":
    unittest.main()
