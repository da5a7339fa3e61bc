#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""contrib/migrate-tlsrpt-reporter: from configurations and databases as tlsrpt-reporter has them to
ours. The databases are made here, from outcomes whose sums are known."""

import collections
import datetime
import hashlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from collector_support import BUILD, SOURCE, Collector, recorded_datagrams  # noqa: E402
from outcome_sums import expected_reports, shown_report  # noqa: E402

PROGRAM = SOURCE / "contrib" / "migrate-tlsrpt-reporter"
COLLECTOR = BUILD / "sender" / "opentlsrpt-collector"
REPORTER = BUILD / "sender" / "opentlsrpt-reporter"


def migrate(*arguments, **run):
    return subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL, **run)


def settings_of(text):
    """The lines of a configuration of ours, without comments."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split(" ", 1) for line in lines)


class FolderCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="migrate-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "db").mkdir()

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def ini(self, program, text):
        return self.write(f"{program}.cfg", f"[tlsrpt_{program}]\n{text}")

    def files(self, collectd="", fetcher="", reportd=""):
        """Options that name three files of theirs, so that none of this machine is read."""
        texts = {"collectd": collectd, "fetcher": fetcher, "reportd": reportd}
        return [word for program, text in texts.items()
                for word in (f"--{program}", self.ini(program, text))]

    def migrated(self, **texts):
        """Our settings, and the whole text, its notes in one line each."""
        done = migrate(*self.files(**texts), "--database", self.folder / "db")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return settings_of(done.stdout), done.stdout.replace("\n#   ", " ")


COLLECTD_CFG = """\
storage = sqlite:///var/lib/tlsrpt/collectd.sqlite,dummy:?log
socketname = {folder}/tlsrpt.sock
socketuser = tlsrpt
socketgroup = daemon
socketmode = 0220
sockettimeout = 7
max_uncommited_datagrams = 50
pidfilename = /run/tlsrpt/collectd.pid
log_level = info
daily_rollover_script = /usr/local/bin/roll
"""
REPORTD_CFG = """\
dbname = /var/lib/tlsrpt/reportd.sqlite
fetchers = tlsrpt-fetcher, ssh mx2.example tlsrpt-fetcher
organization_name = Änderung & 100%% Söhne
contact_info = mailto:tls@sender.example
sender_address = TLS Reports <noreply@Sender.Example>
keep_days = 30
spread_out_delivery = 36000
sendmail_script = /usr/sbin/sendmail -i -t -f bounce@sender.example
sendmail_timeout = 20
http_timeout = 15
http_script = curl --data-binary @-
log_level = debug
pidfilename = /run/tlsrpt/reportd.pid
mail_destination_map = /etc/tlsrpt/map
"""


class ConfigurationTest(FolderCase):
    def test_what_means_the_same_is_taken_over(self):
        settings, _ = self.migrated(collectd=COLLECTD_CFG.format(folder=self.folder),
                                    fetcher="storage = sqlite:///x\n", reportd=REPORTD_CFG)
        self.assertEqual(settings, {
            "OutcomeSocket": f"{self.folder}/tlsrpt.sock", "OutcomeSocketGroup": "daemon",
            "OutcomeSocketMode": "0220", "FlushInterval": "7s", "SyslogLevel": "debug",
            "OrganizationName": "Änderung & 100% Söhne", "ContactInfo": "tls@sender.example",
            "ReportFrom": "noreply@Sender.Example", "OutcomeRetention": "30d",
            "SendWindow": "36000s", "SMTPTimeout": "20s", "PostTimeout": "15s",
            "SendmailPath": "/usr/sbin/sendmail",
            "EnvelopeSender": "bounce@sender.example", "Database": f"sqlite:{self.folder}/db"})

    def test_each_line_says_where_it_came_from_and_the_others_why_they_are_gone(self):
        settings, text = self.migrated(collectd=COLLECTD_CFG, reportd=REPORTD_CFG)
        lines = text.splitlines()
        for name in settings:
            at = next(n for n, line in enumerate(lines) if line.startswith(name + " "))
            self.assertRegex(lines[at - 1], r"^# from (\w+ in /.*\.cfg|the option --database)$")
        for key in ("storage", "socketuser", "max_uncommited_datagrams", "daily_rollover_script",
                    "dbname", "fetchers", "http_script", "mail_destination_map"):
            self.assertRegex(text, rf"(?m)^# {key} in \S+ = .* \w+ .* \w+")

    def test_our_programs_take_the_result(self):
        collectd = COLLECTD_CFG.format(folder=self.folder)
        output = self.folder / "opentlsrpt.conf"
        done = migrate(*self.files(collectd=collectd, reportd=REPORTD_CFG), "-o", output,
                       "--database", self.folder / "db")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("opentlsrpt-collector -n -c", done.stderr)
        self.assertEqual(output.stat().st_mode & 0o777, 0o644)
        check = subprocess.run([COLLECTOR, "-n", "-c", output], capture_output=True, text=True)
        self.assertEqual((check.returncode, check.stderr), (0, ""))
        # Only what theirs did not have is missing.
        check = subprocess.run([REPORTER, "-n", "-c", output], capture_output=True, text=True)
        problems = [line for line in check.stderr.splitlines() if ":" in line]
        self.assertTrue(problems)
        for line in problems:
            self.assertRegex(line, "KeyFile|Selector")

    def test_every_key_that_they_have_is_known(self):
        keys = {
            "collectd": "storage socketname socketuser socketgroup socketmode sockettimeout "
                        "max_uncommited_datagrams retry_commit_datagram_count pidfilename "
                        "logfilename log_level daily_rollover_script "
                        "dump_path_for_invalid_datagram",
            "fetcher": "storage logfilename log_level",
            "reportd": "dbname fetchers organization_name contact_info sender_address "
                       "compression_level keep_days spread_out_delivery interval_main_loop "
                       "max_retries_delivery min_wait_delivery max_wait_delivery "
                       "max_retries_domainlist min_wait_domainlist max_wait_domainlist "
                       "max_retries_domaindetails min_wait_domaindetails max_wait_domaindetails "
                       "max_collectd_timeout max_collectd_timediff sendmail_script "
                       "sendmail_timeout http_script http_timeout tlsrpt_record_map "
                       "mail_destination_map http_upload_map debug_db debug_send_mail_dest "
                       "debug_send_http_dest debug_send_file_dest pidfilename logfilename "
                       "log_level"}
        _, text = self.migrated(**{program: "".join(f"{key} = 7\n" for key in names.split())
                                   for program, names in keys.items()})
        self.assertNotIn("not known", text)
        _, text = self.migrated(collectd="colour = red\n")
        self.assertIn("# colour in ", text)
        self.assertIn("not known", text)

    def test_values_that_ours_cannot_hold_are_comments(self):
        for program, line, reason in [
                ("collectd", "socketname = relative.sock", "absolute"),
                ("collectd", "socketmode = 0600", "only the owner"),
                ("collectd", "socketmode = rw", "no mode"),
                ("collectd", "log_level = loud", "no level"),
                ("collectd", "sockettimeout = soon", "no whole number"),
                ("collectd", "pidfilename = /run/tlsrpt/x.pid", "under systemd"),
                ("reportd", 'organization_name = A "B" #c', "cannot hold"),
                ("reportd", "contact_info = https://sender.example/", "mail address"),
                ("reportd", "contact_info = a@a.example\nsender_address = b@b.example",
                 "domain of ContactInfo")]:
            with self.subTest(line):
                settings, text = self.migrated(**{program: line + "\n"})
                settings.pop("ContactInfo", None)
                self.assertEqual(list(settings), ["Database"])
                self.assertIn(reason, text)

    def test_only_a_plain_call_of_sendmail_becomes_sendmail_path(self):
        for command, path, sender in [
                ("sendmail -i -t", "/usr/sbin/sendmail", None),
                ("/usr/lib/sendmail -t -oi -fb@sender.example", "/usr/lib/sendmail",
                 "b@sender.example"),
                ("/usr/sbin/sendmail -i -t | logger", None, None),
                ("/usr/sbin/sendmail -C /etc/other.cf -t -f b@sender.example", None,
                 "b@sender.example"),
                ("/usr/local/bin/sign-and-send", None, None),
                ("sendmail -i 'unfinished", None, None)]:
            with self.subTest(command):
                settings, text = self.migrated(reportd=f"sendmail_script = {command}\n")
                self.assertEqual((settings.get("SendmailPath"), settings.get("EnvelopeSender")),
                                 (path, sender))
                self.assertEqual("# sendmail_script in " in text, path is None)

    def test_the_folder_of_another_socket_is_told_what_it_needs(self):
        _, text = self.migrated(collectd="socketname = /run/tlsrpt/collectd.sock\n")
        self.assertIn("ReadWritePaths=/run/tlsrpt ", text)
        _, text = self.migrated(collectd="socketname = /var/spool/postfix/run/tlsrpt/t.sock\n")
        self.assertNotIn("ReadWritePaths", text)

    def test_numbers_are_cut_to_what_ours_take(self):
        settings, text = self.migrated(
            collectd="sockettimeout = 900\n", reportd="keep_days = 1\nspread_out_delivery=90000\n")
        self.assertEqual([settings[key] for key in ("FlushInterval", "OutcomeRetention",
                                                    "SendWindow")], ["60s", "2d", "82800s"])
        self.assertIn("OutcomeRetention takes", text)

    def test_no_text_of_a_file_breaks_out_of_its_comment(self):
        settings, text = self.migrated(
            reportd="fetchers = a,\n  b,\n  UserID root\norganization_name = x # y\n")
        self.assertNotIn("UserID", settings)
        self.assertEqual(settings["OrganizationName"], '"x # y"')
        self.assertIn("a, b, UserID root", text)

    def test_one_file_may_hold_all_sections(self):
        path = self.write("all.cfg", "[tlsrpt_collectd]\nsocketname=/s\n[tlsrpt_reportd]\n"
                                     "organization_name=A\n[tlsrpt_fetcher]\n")
        done = migrate("--collectd", path, "--fetcher", path, "--reportd", path)
        self.assertEqual(settings_of(done.stdout), {"OutcomeSocket": "/s", "OrganizationName": "A"})

    def test_a_file_that_is_there_stays_without_force(self):
        output = self.write("opentlsrpt.conf", "mine\n")
        options = [*self.files(collectd="socketname = /s\n"), "-o", output]
        done = migrate(*options)
        self.assertEqual((done.returncode, output.read_text()), (73, "mine\n"))
        self.assertIn("--force", done.stderr)
        self.assertEqual(migrate(*options, "--force").returncode, 0)
        self.assertEqual(settings_of(output.read_text()), {"OutcomeSocket": "/s"})
        self.assertEqual(list(self.folder.glob(".migrate-*")), [])

    def test_errors_say_what_happened_to_what(self):
        good = self.files()
        broken = self.write("broken.cfg", "[tlsrpt_collectd]\nsocketname = %nothing\n")
        other = self.write("other.cfg", "[other]\n")
        for arguments, code, text in [
                (["--collectd", self.folder / "none.cfg"], 66, "none.cfg: No such file"),
                (["--collectd", broken], 78, "broken.cfg is no configuration"),
                (["--collectd", other], 78, "has no section [tlsrpt_collectd]"),
                ([*good, "-o", self.folder / "no" / "x"], 73, "No such file"),
                ([*good, "--dry-run"], 64, "--import only"),
                ([*good, "--force"], 64, "-o"),
                ([*good, "--import", "-o", "x"], 64, "writes no configuration"),
                (["--colour"], 64, "usage")]:
            with self.subTest(text):
                done = migrate(*arguments)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertIn(text, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_help_says_how_to_move_over(self):
        done = migrate("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--import", "exit status", "to move over", "--reportd-db"):
            self.assertIn(word, done.stdout)


COLLECTD_TABLES = """
CREATE TABLE finalresults (day, domain, tlsrptrecord, policy, cntrtotal, cntrfailure, its,
                           PRIMARY KEY (day, domain, tlsrptrecord, policy));
CREATE TABLE failures (day, domain, tlsrptrecord, policy, reason, cntr,
                       PRIMARY KEY (day, domain, tlsrptrecord, policy, reason));
CREATE TABLE daystatus (daycomplete, its);
CREATE TABLE dbversion (version, installdate, purpose);
INSERT INTO dbversion VALUES (1, '2025-01-01', 'TLSRPT-Collectd-DB-devel-2024-10-28');
"""
REPORTD_TABLES = """
CREATE TABLE reportdata (day, domain, data, fetcher, fetcherindex, retries, status, nexttry, its);
CREATE TABLE reports (r_id INTEGER PRIMARY KEY, day, domain, uniqid, tlsrptrecord, report, its);
CREATE TABLE destinations (destination, d_r_id, retries, status, nexttry, its,
                           PRIMARY KEY (destination, d_r_id));
"""


def counted_by_theirs(datagrams):
    """domain -> record -> policy -> [sessions, failed ones, failure -> times]"""
    domains = {}
    for datagram in datagrams:
        one = json.loads(datagram)
        domain = one["d"].lower().removesuffix(".")
        policies = domains.setdefault(domain, {}).setdefault(one.get("pr", ""), {})
        for policy in one["policies"]:
            rest = {key: value for key, value in policy.items()
                    if key not in ("t", "f", "failure-details")}
            counts = policies.setdefault(json.dumps(rest), [0, 0, collections.Counter()])
            counts[0] += 1
            counts[1] += policy["f"]
            counts[2].update(map(json.dumps, policy.get("failure-details", [])))
    return domains


def make_collectd(path, days):
    """Writes the database of a collectd; days: ISO day -> datagrams."""
    database = sqlite3.connect(path)
    database.executescript(COLLECTD_TABLES)
    for day, datagrams in days.items():
        for domain, records in counted_by_theirs(datagrams).items():
            for record, policies in records.items():
                for its, (policy, (total, failed, details)) in enumerate(policies.items()):
                    database.execute("INSERT INTO finalresults VALUES (?,?,?,?,?,?,?)",
                                     (day, domain, record, policy, total, failed, its))
                    database.executemany(
                        "INSERT INTO failures VALUES (?,?,?,?,?,?)",
                        [(day, domain, record, policy, *one) for one in details.items()])
    database.commit()
    database.close()


def fetched(domain, datagrams):
    """What a fetcher prints about a domain."""
    policies = {record: {policy: {"cntrtotal": total, "cntrfailure": failed, "failures": details}
                         for policy, (total, failed, details) in counted.items()}
                for record, counted in counted_by_theirs(datagrams)[domain].items()}
    return json.dumps({"d": domain, "policies": policies})


def make_reportd(path, day, hosts, sent=(), waiting=()):
    """hosts: a list of domain -> datagrams."""
    database = sqlite3.connect(path)
    database.executescript(REPORTD_TABLES)
    for index, domains in enumerate(hosts):
        for domain, datagrams in domains.items():
            database.execute("INSERT INTO reportdata VALUES (?,?,?,'f',?,0,'ok',NULL,0)",
                             (day, domain, fetched(domain, datagrams), index))
    for domain in [*sent, *waiting]:
        report = database.execute("INSERT INTO reports VALUES (NULL,?,?,'u','','{}',0)",
                                  (day, domain)).lastrowid
        database.execute("INSERT INTO destinations VALUES ('mailto:a@b',?,0,?,NULL,0)",
                         (report, "sent" if domain in sent else None))
    database.commit()
    database.close()


def datagram(domain, failed=0, record=None, **policy):
    record = f"v=TLSRPTv1; rua=mailto:tls@{domain}" if record is None else record
    return json.dumps({"d": domain, "pr": record, "policies": [
        {"policy-type": 9, "t": 0, "f": failed, **policy}]}).encode()


STRANGE = [
    {"policy-type": 1, "policy-domain": "MX.Strange.Example.", "policy-string": [
        "3 1 1 ab CD\t01", " 2  0 1  00ff ", "3 1 1 ABCD01", "not a record", "3 1 1", ""],
     "mx-host": ["ignored.example"]},
    {"policy-type": 2, "policy-string": [
        "max_age: 86400", "MX:*.B.Example.", "mx: a.example", "other", "x-y:  Z ", "mode:enforce",
        "version: STSv1\nmode: enforce", "mx:bad name", "mx: *.*.x"],
     "mx-host": ["*.B.example.", "a.example", "A.EXAMPLE", "bad Name", ""]},
    {"policy-type": 2, "policy-string": "version: STSv1", "mx-host": "one.example"},
    {"policy-type": 2, "policy-string": ["é" * 3000, "mode: \u0001x\u007f", "sn\ud800o\ufffew"]},
    {"policy-type": 9, "policy-domain": " \t", "unknown": {"a": [1, None]}},
    {"policy-type": 1, "policy-string": [f"3 1 1 {n:04x}" for n in range(600)]},
]
STRANGE_DETAILS = [
    {"c": 205, "s": "[IPv6:2001:DB8:0:0:0:0:0:1]", "n": "MX1.Example.", "r": "::ffff:192.0.2.1",
     "h": "250-mail.example Hello\r\n250 STARTTLS", "f": " self-signed_certificate\n"},
    {"c": 205, "s": "192.0.2.01", "n": "[192.0.2.1]", "r": "fe80::1%eth0", "h": "mail.example hi"},
    {"c": 205, "s": "2001:0db8:0000::0:1", "n": "a b", "r": "1:0:0:2:0:0:0:3", "h": "250"},
    {"c": 205, "n": 'quo"te', "r": "[192.0.2.1", "h": "250  spaced out", "a": "x" * 5000},
    {"c": 777, "f": "why"}, {"c": -5}, {"c": 2**63 + 5}, {"c": 203, "f": "ü" * 2049},
    {"f": "no code"}, {"c": 201, "n": "h" * 300, "s": "::", "r": "1:2:3:4:5:6:7::"},
    {"c": 205, "s": "192.0.2.1\r\n", "r": "\t::ffff:0:1", "a": "\ufffe\ufdd0\U0010ffff\ue000"},
    {"c": 306, "s": None, "n": 5, "h": "220 \u0002mx.example", "a": "\ud83d\ude00"},
]


def strange_datagrams():
    lines = [datagram("Strange.Example.", **policy) for policy in STRANGE]
    for detail in STRANGE_DETAILS:
        lines.append(datagram("strange.example", 1, **{"failure-details": [detail]}))
    lines.append(datagram("a_b.example", record="v=TLSRPTv1; rua=" + "x" * 5000))
    lines.append(datagram("localhost"))
    return lines


class ImportCase(FolderCase):
    def setUp(self):
        super().setUp()
        self.wait_for_a_calm_minute()
        self.today = datetime.datetime.now(datetime.timezone.utc).date()
        self.yesterday = self.today - datetime.timedelta(days=1)
        self.theirs = self.folder / "theirs"
        self.theirs.mkdir()
        self.collectd_db = self.theirs / "collectd.sqlite"
        self.reportd_db = self.theirs / "reportd.sqlite"

    @staticmethod
    def wait_for_a_calm_minute():
        """The days of a test must not change while it runs."""
        left = 86400 - time.time() % 86400
        if left < 60:
            time.sleep(left + 1)

    def collector(self, **keys):
        """One that has made its database, and is stopped."""
        collector = Collector(**{
            "OrganizationName": "Example", "ContactInfo": "tls@sender.example",
            "Nameserver": "127.0.0.1:9", "DNSTimeout": "1s", **keys})
        self.addCleanup(collector.close)
        collector.start()
        self.assertEqual(collector.stop(), 0)
        return collector

    def import_into(self, collector, *arguments, code=0):
        options = self.files(
            collectd=f"storage = sqlite://{self.collectd_db},sqlite:///elsewhere\n",
            reportd=f"dbname = {self.reportd_db}\n" if self.reportd_db.exists() else "")
        done = migrate("--import", "-c", collector.config, *options, *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def send(self, collector, datagrams):
        before = collector.counter("read")
        collector.start()
        collector.send(datagrams)
        collector.wait_for_read(before + len(datagrams))
        self.assertEqual(collector.stop(), 0)

    def shown(self, collector, day):
        done = subprocess.run([REPORTER, "-c", collector.config, "preview", "--day", day],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {one["domain"]: one for one in map(json.loads, done.stdout.splitlines())}

    def assert_shown(self, collector, day, datagrams):
        self.assertEqual({domain: shown_report(one["report"])
                          for domain, one in self.shown(collector, str(day)).items()},
                         expected_reports(datagrams))

    def rows(self, collector):
        return collector.query("SELECT day, domain, policy_key, successes, failures, details "
                               "FROM outcome ORDER BY 1, 2, 3")

    def detail_rows(self, collector):
        return collector.query("SELECT domain, detail_key, sessions FROM outcome_detail "
                               "JOIN outcome ON id=outcome ORDER BY 1, 2")


class ImportTest(ImportCase):
    def test_all_recorded_outcomes_of_two_days_add_up_with_what_is_sent_later(self):
        datagrams = recorded_datagrams()
        make_collectd(self.collectd_db, {str(self.today): datagrams * 3})
        make_collectd(f"{self.collectd_db}.yesterday",
                      {str(self.yesterday): datagrams[::2], "2020-01-01": datagrams})
        collector = self.collector()
        done = self.import_into(collector)
        self.assertIn(f"{self.today}: ", done.stdout)
        self.assert_shown(collector, self.today, datagrams * 3)
        self.assert_shown(collector, self.yesterday, datagrams[::2])
        before = self.rows(collector)
        self.assertEqual(sum(row[0] for row in collector.query("SELECT keys FROM outcome_day")),
                         len(before))

        again = self.import_into(collector)
        self.assertIn(f"{self.today}: 0 domains, 0 successes, 0 failures", again.stdout)
        self.assertEqual(self.rows(collector), before)

        self.send(collector, datagrams)
        self.assert_shown(collector, self.today, datagrams * 4)
        self.assertEqual([row[:3] for row in self.rows(collector)], [row[:3] for row in before])

    def test_every_spelling_gets_the_key_that_the_collector_gives_it(self):
        datagrams = strange_datagrams()
        make_collectd(self.collectd_db, {str(self.today): datagrams})
        imported, sent = self.collector(), self.collector()
        self.import_into(imported)
        self.send(sent, datagrams)
        self.assertEqual(sent.sums(), imported.sums())
        self.assertEqual(self.rows(imported), self.rows(sent))
        self.assertEqual(self.detail_rows(imported), self.detail_rows(sent))
        texts = ("SELECT domain, policy_key, policy_type, policy_domain, policy_string, mx_host "
                 "FROM outcome ORDER BY 1, 2")
        self.assertEqual(imported.query(texts), sent.query(texts))
        details = ("SELECT detail_key, result_type, sending_mta_ip, receiving_mx_hostname, "
                   "receiving_mx_helo, receiving_ip, additional_information, failure_reason_code "
                   "FROM outcome_detail ORDER BY 1")
        self.assertEqual(imported.query(details), sent.query(details))

    def test_a_repeated_import_adds_what_came_since_whatever_the_file_is_called(self):
        one, more = datagram("a.example"), datagram("a.example", 1, **{
            "failure-details": [{"c": 201}]})
        make_collectd(self.collectd_db, {str(self.today): [one] * 4})
        collector = self.collector()
        self.import_into(collector)
        self.collectd_db.unlink()
        make_collectd(f"{self.collectd_db}.yesterday", {str(self.today): [one] * 6 + [more] * 2})
        make_collectd(self.collectd_db, {str(self.today): [datagram("b.example")]})
        done = self.import_into(collector)
        self.assertIn("2 domains, 3 successes, 2 failures", done.stdout)
        self.assert_shown(collector, self.today,
                          [one] * 6 + [more] * 2 + [datagram("b.example")])

    def test_nothing_of_theirs_is_touched(self):
        make_collectd(self.collectd_db, {str(self.today): [datagram("a.example")]})
        make_reportd(self.reportd_db, str(self.yesterday), [])
        before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                  for path in self.theirs.iterdir()}
        self.import_into(self.collector())
        self.assertEqual({path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                          for path in self.theirs.iterdir()}, before)

    def test_a_dry_run_tells_and_writes_nothing(self):
        make_collectd(self.collectd_db, {str(self.today): [datagram("a.example")] * 5})
        collector = self.collector()
        done = self.import_into(collector, "--dry-run")
        self.assertIn(f"{self.today}: 1 domains, 5 successes, 0 failures would be imported",
                      done.stdout)
        self.assertEqual(self.rows(collector), [])
        self.import_into(collector)
        self.assertIn("0 domains, 0 successes", self.import_into(collector, "--dry-run").stdout)

    def test_a_collector_that_runs_is_not_disturbed(self):
        make_collectd(self.collectd_db, {str(self.today): [datagram("a.example")] * 5})
        collector = self.collector().start()
        collector.send([datagram("a.example")])
        collector.wait_for_read(1)
        self.import_into(collector)
        collector.send([datagram("a.example"), datagram("b.example")])
        collector.wait_for_read(3)
        self.assertEqual(collector.stop(), 0)
        self.assert_shown(collector, self.today,
                          [datagram("a.example")] * 7 + [datagram("b.example")])

    def test_the_newest_record_wins(self):
        old, new, newest = (datagram("a.example", record=f"v=TLSRPTv1; rua=mailto:{who}@a.example")
                            for who in ("old", "new", "newest"))
        make_collectd(self.collectd_db, {str(self.today): [old]})
        database = sqlite3.connect(self.collectd_db)
        database.execute("INSERT INTO finalresults SELECT day, domain, ?, policy, 1, 0, 100 "
                         "FROM finalresults", (json.loads(new)["pr"],))
        database.commit()
        database.close()
        collector = self.collector()
        self.import_into(collector)
        self.assertEqual(self.shown(collector, "today")["a.example"]["rua"],
                         ["mailto:new@a.example"])
        self.send(collector, [newest])
        self.assertEqual(self.shown(collector, "today")["a.example"]["rua"],
                         ["mailto:newest@a.example"])

    def test_the_bounds_of_the_collector_hold(self):
        details = [datagram("a.example", 1, **{"failure-details": [{"c": 201, "f": str(n)}]})
                   for n in range(5)]
        others = [datagram(f"z{n}.example") for n in range(3)]
        make_collectd(self.collectd_db, {str(self.today): details + others})
        keys = {"MaximumKeys": "2", "MaximumFailureDetails": "2"}
        collector, sent = self.collector(**keys), self.collector(**keys)
        self.import_into(collector)
        self.send(sent, details + others)
        # Which domains have no room depends on the order; the sums do not.
        self.assertEqual(collector.sums(), (3, 5))
        self.assertEqual(collector.sums(""), (2, 0))
        self.assertEqual([collector.counter(name) for name in
                          ("overflow-sessions", "folded-details")], [2, 3])
        self.assertEqual([row[2] for row in self.detail_rows(collector)].count(3), 1)
        self.assertEqual(collector.query("SELECT keys FROM outcome_day"),
                         sent.query("SELECT keys FROM outcome_day"))


class ReportdTest(ImportCase):
    """Yesterday, of which tlsrpt-reportd knows something, too."""

    def test_other_hosts_are_added_and_the_own_one_is_not_counted_twice(self):
        own = {"a.example": [datagram("a.example")] * 3, "c.example": [datagram("c.example")]}
        other = {"a.example": [datagram("a.example")] * 2 + [datagram("a.example", 1)],
                 "b.example": [datagram("b.example")]}
        make_collectd(f"{self.collectd_db}.yesterday",
                      {str(self.yesterday): own["a.example"] + own["c.example"]})
        make_reportd(self.reportd_db, str(self.yesterday),
                     [{"a.example": own["a.example"]}, other], waiting=["a.example"])
        collector = self.collector()
        self.import_into(collector)
        everything = [line for host in (own, other) for lines in host.values() for line in lines]
        self.assert_shown(collector, self.yesterday, everything)

    def test_who_has_got_a_report_gets_no_second_one(self):
        lines = [datagram("sent.example"), datagram("waiting.example")]
        make_collectd(self.collectd_db, {str(self.yesterday): lines, str(self.today): lines})
        make_reportd(self.reportd_db, str(self.yesterday), [], sent=["sent.example"],
                     waiting=["waiting.example"])
        collector = self.collector()
        done = self.import_into(collector)
        self.assertIn("1 domains left out: they have got their report from tlsrpt-reportd",
                      done.stdout)
        self.assert_shown(collector, self.yesterday, lines[1:])
        self.assert_shown(collector, self.today, lines)

    def test_a_report_of_ours_that_is_made_is_not_counted_for(self):
        make_collectd(self.collectd_db, {str(self.yesterday): [datagram("a.example")]})
        collector = self.collector()
        database = sqlite3.connect(collector.database)
        day = (self.yesterday - datetime.date(1970, 1, 1)).days
        database.execute("INSERT INTO plan VALUES (7,?,'a.example','planned',0,0,'')", (day,))
        database.execute("INSERT INTO report VALUES (7,'id',x'','',0)")
        database.commit()
        database.close()
        done = self.import_into(collector)
        self.assertIn("1 domains left out", done.stdout)
        self.assertEqual(self.rows(collector), [])

    def test_yesterday_can_be_left_out(self):
        make_collectd(self.collectd_db, {str(self.yesterday): [datagram("a.example")],
                                         str(self.today): [datagram("b.example")]})
        collector = self.collector()
        self.assertIn("--today-only", self.import_into(collector, "--dry-run").stderr)
        done = self.import_into(collector, "--today-only")
        self.assertEqual(done.stderr, "")
        self.assertEqual([row[1] for row in self.rows(collector)], ["b.example"])

    def test_an_import_of_today_only_forgets_nothing_of_yesterday(self):
        make_collectd(self.collectd_db, {str(self.yesterday): [datagram("a.example")],
                                         str(self.today): [datagram("a.example")]})
        collector = self.collector()
        for arguments in ([], ["--today-only"], []):
            self.import_into(collector, *arguments)
        self.assertEqual(collector.sums(), (2, 0))

    def test_broken_data_of_a_host_cost_their_domain_only(self):
        make_collectd(self.collectd_db, {str(self.yesterday): [datagram("a.example")]})
        make_reportd(self.reportd_db, str(self.yesterday), [])
        database = sqlite3.connect(self.reportd_db)
        for domain, data in [("b.example", "{"), ("c.example", '{"policies":[1]}'),
                             ("d.example", '{"policies":{"r":{"p":{"cntrtotal":"x"}}}}'),
                             ("e.example", '{"policies":{"r":{"{}":{"cntrtotal":1,'
                                           '"cntrfailure":2}}}}')]:
            database.execute("INSERT INTO reportdata VALUES (?,?,?,'f',0,0,'ok',NULL,0)",
                             (str(self.yesterday), domain, data))
        database.commit()
        database.close()
        collector = self.collector()
        done = self.import_into(collector, code=65)
        for domain in "bcde":
            self.assertIn(f"the counts of {domain}.example cannot be used", done.stderr)
        self.assertEqual([row[1] for row in self.rows(collector)], ["a.example"])


class RefusalTest(ImportCase):
    def test_what_cannot_be_counted_is_told_and_the_rest_is_imported(self):
        make_collectd(self.collectd_db, {str(self.today): [
            datagram("bücher.example"), datagram("bücher.example"), datagram("a b.example"),
            datagram("a.example", **{"policy-domain": "bücher.example"}),
            datagram("a.example", **{"policy-type": 7}),
            datagram("a.example", **{"policy-type": 2, "mx-host": ["*.bücher.example"]}),
            datagram("a.example", **{"policy-type": 2, "policy-string": [5]}),
            datagram("a.example\x1b[31m"), datagram("good.example")]})
        collector = self.collector()
        done = self.import_into(collector, code=65)
        for text in ('2 sessions not imported: the domain "bücher.example" is not ASCII',
                     'the domain "a b.example" is none', 'the policy domain "bücher.example"',
                     'policy-type "7"', 'the MX pattern "*.bücher.example"',
                     "policy-string is no list", r"a.example [31m"):
            self.assertIn(text, done.stderr)
        self.assertNotIn("\x1b", done.stderr)
        self.assert_shown(collector, self.today, [datagram("good.example")])

    def test_databases_that_cannot_be_used(self):
        make_collectd(self.collectd_db, {str(self.today): [datagram("a.example")]})
        collector = self.collector()
        cases = [
            ("is empty or of an older version", 65, "PRAGMA user_version=4"),
            ("is of a newer version", 65, "PRAGMA user_version=6")]
        for text, code, statement in cases:
            with self.subTest(text):
                database = sqlite3.connect(collector.database)
                database.execute(statement)
                database.close()
                self.assertIn(text, self.import_into(collector, code=code).stderr)
        collector.database.unlink()
        self.assertIn("start opentlsrpt-collector once",
                      self.import_into(collector, code=66).stderr)

    def test_sources_that_cannot_be_used(self):
        collector = self.collector()
        self.assertIn("is there", self.import_into(collector, code=66).stderr)
        self.collectd_db.write_bytes(b"no database" * 1000)
        self.assertIn("is no database of tlsrpt-collectd",
                      self.import_into(collector, code=65).stderr)
        self.collectd_db.unlink()
        make_reportd(self.collectd_db, str(self.today), [])
        self.assertIn("no such table", self.import_into(collector, code=65).stderr)
        self.assertIn("there is no /none", self.import_into(
            collector, "--collectd-db", self.make_good(), "--reportd-db", "/none", code=66).stderr)
        done = migrate("--import", "-c", self.folder / "none.conf")
        self.assertEqual(done.returncode, 66)
        self.assertIn("name the configuration of opentlsrpt-collector with -c", done.stderr)

    def test_a_broken_file_of_theirs_is_named_and_nothing_is_imported(self):
        make_collectd(self.collectd_db, {str(self.today): [
            datagram(f"d{n}.example") for n in range(1000)]})
        content = self.collectd_db.read_bytes()
        middle = len(content) // 3
        self.collectd_db.write_bytes(content[:middle] + bytes(65536) + content[middle + 65536:])
        collector = self.collector()
        done = self.import_into(collector, code=74)
        self.assertRegex(done.stderr, "cannot read .*(collectd.sqlite|tlsrpt-reporter)")
        self.assertEqual(self.rows(collector), [])

    def make_good(self):
        path = self.theirs / "good.sqlite"
        make_collectd(path, {str(self.today): [datagram("a.example")]})
        return path

    def test_a_database_in_use_is_left_as_it_is(self):
        make_collectd(self.collectd_db, {str(self.today): [datagram("a.example")]})
        collector = self.collector()
        database = sqlite3.connect(collector.database, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        done = self.import_into(collector, code=75)
        self.assertIn("run this again", done.stderr)
        database.close()
        self.assertEqual(self.rows(collector), [])

    def test_the_database_can_be_named_without_a_configuration(self):
        collector = self.collector()
        done = migrate("--import", "--database", collector.database.parent,
                       "-c", collector.config, "--collectd", self.ini("collectd", ""),
                       "--collectd-db", self.make_good(), "--today-only")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(collector.sums(), (1, 0))


if __name__ == "__main__":
    unittest.main()
