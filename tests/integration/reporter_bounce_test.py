# SPDX-License-Identifier: BSD-2-Clause
"""The manual's recipe for bounces, in a real Postfix: what comes back to EnvelopeSender is piped
into 'opentlsrpt-reporter bounce'."""

import os
import pwd
import re
import unittest

import postfix_server
from man_recipes import recipe
from postfix_server import PostfixServer
from reporter_support import REPORTED, REPORTER, ReporterCase, datagram
from reporter_views_test import bounce_of

ADDRESS = "tlsrpt-bounce@example.com"  # of the recipe
USER = "nobody"
PAGE = "opentlsrpt-reporter.8"


class PostfixWithPipe(PostfixServer):
    def __init__(self, program):
        # A transport map is about recipients, so the first display of the recipe is master.cf.
        super().__init__(domains=("example.com",), parameters={
            "transport_maps": re.search(r"= (.*)\n$", recipe(PAGE, "bounce-postfix-main"),
                                        re.DOTALL)[1]})
        self.service = recipe(PAGE, "bounce-postfix").replace(
            "user=opentlsrpt", "user=" + USER).replace("/usr/sbin/opentlsrpt-reporter", program
                                                       ).replace("bounce -l", "bounce")

    def _write_configuration(self):
        super()._write_configuration()
        with open(os.path.join(self.folder, "etc", "master.cf"), "a", encoding="ascii") as file:
            file.write(self.service)


@unittest.skipIf(postfix_server.skip_reason(), postfix_server.skip_reason())
class BounceRecipeTest(ReporterCase):
    def setUp(self):
        super().setUp()
        program = self.folder / "reporter"
        program.write_text(f'#!/bin/sh\nexec {REPORTER} "$@" -c {self.conf}\n')
        program.chmod(0o755)
        self.count(datagram("a.example"))
        self.assertEqual(self.run_reporter("send", "--day", str(REPORTED)).returncode, 0)
        self.bounce = bounce_of(self.sink.messages[0].data)
        user = pwd.getpwnam(USER)
        for path in [self.folder, *self.folder.iterdir()]:
            os.chown(path, user.pw_uid, user.pw_gid)
        self.postfix = PostfixWithPipe(str(program))
        self.postfix.start()
        self.addCleanup(self.postfix.stop)

    def test_a_bounce_is_counted(self):
        self.postfix.send("", [ADDRESS], self.bounce)
        self.postfix.wait_for_empty_queue()
        self.assertEqual(self.states(), ["bounced"], self.postfix.log())

    def test_without_the_database_postfix_keeps_it(self):
        away = self.folder / "away.db"
        self.database.rename(away)
        self.postfix.send("", [ADDRESS], self.bounce)
        self.wait_for(lambda: "status=deferred" in self.postfix.log(), "Postfix")
        away.rename(self.database)
        self.assertEqual(self.states(), ["delivered"])
        self.assertEqual(len(self.postfix.queued()), 1)


if __name__ == "__main__":
    unittest.main()
