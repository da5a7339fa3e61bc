// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "common/base64.hpp"
#include "tests/unit/common/dkim_test_support.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

using dkim_test::key_record;
using dkim_test::load_key;

struct FixedClock final : Clock {
  Seconds time = dkim_test::kNow + std::chrono::hours(30);  // 2026-03-02T06:00:00Z
  [[nodiscard]] Seconds now() const override { return time; }
};

/// An opener without a reader.
struct FailingOpener final : MessageOpener {
  Result<OpenedMessage> open(std::string_view) override {
    return fail(ErrorCode::temporary, "no reader");
  }
  Result<std::vector<ReadOutcome>> open_file(std::string_view) override {
    return fail(ErrorCode::temporary, "no reader");
  }
};

/// An opener whose readers die over every message.
struct DyingOpener final : MessageOpener {
  Result<OpenedMessage> open(std::string_view) override {
    OpenedMessage opened;
    opened.facts.claims_report = true;
    opened.outcomes.resize(1);
    opened.outcomes.front().refusal = Refusal::reader_failed;
    return opened;
  }
  Result<std::vector<ReadOutcome>> open_file(std::string_view) override {
    return fail(ErrorCode::temporary, "no reader");
  }
};

std::string json(std::string_view report_id = "1", std::string_view domain = "example.org",
                 std::string_view day = "2026-03-01") {
  return fmt::format(
      R"({{"organization-name":"Sender","date-range":{{"start-datetime":"{2}T00:00:00Z",)"
      R"("end-datetime":"{2}T23:59:59Z"}},"contact-info":"tlsrpt@contact.example","report-id":"{0}",)"
      R"("policies":[{{"policy":{{"policy-type":"no-policy-found","policy-domain":"{1}"}},)"
      R"("summary":{{"total-successful-session-count":7,"total-failure-session-count":0}}}}]}})",
      report_id, domain, day);
}

std::string part(std::string_view content) {
  return fmt::format("--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n{}\r\n", content);
}

std::string report_mail(const std::vector<std::string>& parts,
                        std::string_view from = "From: r@sender.example\r\n") {
  std::string mail = fmt::format(
      "{}To: tls@example.org\r\nSubject: Report\r\nMessage-ID: <m@sender.example>\r\n"
      "MIME-Version: 1.0\r\nTLS-Report-Domain: example.org\r\n"
      "Content-Type: multipart/report; report-type=tlsrpt; boundary=b\r\n\r\n",
      from);
  for (const std::string& one : parts) mail += one;
  return mail + "--b--\r\n";
}

std::string forwarded(const std::string& mail) {
  return "From: r@sender.example\r\nSubject: Fwd\r\nMIME-Version: 1.0\r\n"
         "Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
         "--outer\r\nContent-Type: message/rfc822\r\n\r\n" +
         mail + "\r\n--outer--\r\n";
}

class IntakeTest : public testing::Test {
 protected:
  void publish(std::string_view tags = "", std::string_view domain = "sender.example") {
    dns_.txt_answers.clear();
    dns_.add_txt(fmt::format("s1._domainkey.{}", domain), key_record(key_, tags));
  }
  std::string sign(const std::string& mail, std::string_view domain = "sender.example") {
    SignSettings settings;
    settings.domain = domain;
    settings.selector = "s1";
    settings.signed_headers = {"From", "Subject"};
    settings.timestamp = dkim_test::kNow;
    auto field = dkim_sign(mail, key_, settings);
    EXPECT_TRUE(field.has_value());
    return field.value_or("") + mail;
  }
  IntakeResult examine(const std::string& mail) {
    return examine_mail(mail, settings_, opener_, dns_, clock_);
  }
  Refusal refusal_of(const std::string& mail) {
    const IntakeResult result = examine(mail);
    EXPECT_EQ(result.disposition, Disposition::refused);
    return result.outcomes.empty() ? Refusal::none : result.outcomes.front().refusal;
  }
  ReceivedStore open_store() {
    return ReceivedStore::open(folder_.file("received.db"), SqliteMode::read_write_create).value();
  }
  IntakeResult take(const std::string& mail, ReceivedStore& store) {
    return take_mail(mail, {"milter", "QID"}, settings_, opener_, dns_, clock_, store, limits_);
  }

  DkimKey key_ = load_key("rsa2048");
  FakeDns dns_;
  FixedClock clock_;
  IntakeSettings settings_;
  StoreLimits limits_;
  DirectMessageOpener opener_{MessageLimits{}};
  TempDir folder_;
};

TEST_F(IntakeTest, accepts_a_signed_report) {
  publish();
  const IntakeResult result = examine(sign(report_mail({part(json())})));
  EXPECT_EQ(result.disposition, Disposition::stored) << result.detail;
  EXPECT_EQ(result.dkim.status, DkimStatus::pass);
  ASSERT_EQ(result.outcomes.size(), 1u);
  EXPECT_TRUE(result.outcomes.front().accepted());
  EXPECT_FALSE(result.outcomes.front().flags.has(Flag::dkim_key_service_type));
}

TEST_F(IntakeTest, records_a_damaged_report_that_no_label_calls_one) {
  ReceivedStore store = open_store();
  const std::string mail =
      "From: r@sender.example\r\nSubject: x\r\nContent-Type: application/octet-stream\r\n"
      "Content-Disposition: attachment; filename=\"a.example!b.example!1!2.json.gz\"\r\n\r\n"
      "\x1f\x8b\x08";
  EXPECT_EQ(take(mail, store).disposition, Disposition::refused);
  EXPECT_EQ(store.list_refused({}).value().size(), 1u);
}

TEST_F(IntakeTest, takes_mails_of_ten_megabytes) {  // R251
  publish();
  std::string text = "--b\r\n\r\n";
  while (text.size() < 10'000'000) text += std::string(70, 'x') + "\r\n";
  EXPECT_EQ(examine(sign(report_mail({text, part(json())}))).disposition, Disposition::stored);
}

TEST_F(IntakeTest, refuses_what_is_not_authentic_and_says_why) {  // R215, R197, R199, R207
  publish();
  const std::string mail = report_mail({part(json())});
  EXPECT_EQ(refusal_of(mail), Refusal::not_authentic) << "no signature";
  std::string tampered = sign(mail);
  tampered.replace(tampered.find("count\":7"), 8, "count\":8");
  EXPECT_EQ(refusal_of(tampered), Refusal::not_authentic);
  publish("", "other.example");
  const IntakeResult foreign = examine(sign(mail, "other.example"));
  EXPECT_EQ(foreign.disposition, Disposition::refused);
  EXPECT_NE(foreign.detail.find("other.example"), std::string::npos) << foreign.detail;
  EXPECT_NE(foreign.detail.find(foreign.dkim.best.reason), std::string::npos) << foreign.detail;
  publish("t=y; ");
  EXPECT_EQ(refusal_of(sign(mail)), Refusal::not_authentic) << "the key is for testing";
  publish("s=foo; ");
  EXPECT_EQ(refusal_of(sign(mail)), Refusal::not_authentic) << "the key is not for TLSRPT";
}

TEST_F(IntakeTest, refuses_mail_without_exactly_one_usable_author) {
  publish();
  for (const char* from : {"", "From: r@sender.example\r\nFrom: r@victim.example\r\n",
                           "From: r@sender.example, r@victim.example\r\n", "From: nobody\r\n"}) {
    SCOPED_TRACE(from);
    const std::string mail = report_mail({part(json())}, from);
    const IntakeResult result = examine(*from == '\0' ? mail : sign(mail));  // From must be signed
    EXPECT_EQ(result.disposition, Disposition::refused);
    EXPECT_EQ(result.dkim.best.reason, "from-not-usable");
  }
}

TEST_F(IntakeTest, takes_unsigned_reports_only_where_that_is_allowed) {
  settings_.require_dkim = false;
  const IntakeResult result = examine(report_mail({part(json())}));
  EXPECT_EQ(result.disposition, Disposition::stored);
  EXPECT_EQ(result.dkim.status, DkimStatus::none);
}

TEST_F(IntakeTest, flags_a_key_for_email_only_and_refuses_it_when_strict) {  // R195
  publish("s=email; ");
  const std::string mail = sign(report_mail({part(json())}));
  const IntakeResult lenient = examine(mail);
  ASSERT_EQ(lenient.disposition, Disposition::stored) << lenient.detail;
  EXPECT_TRUE(lenient.outcomes.front().flags.has(Flag::dkim_key_service_type));
  settings_.strict_service_type = true;
  EXPECT_EQ(refusal_of(mail), Refusal::not_authentic);
}

TEST_F(IntakeTest, does_not_trust_forwarded_reports) {  // R250
  publish();
  const IntakeResult result = examine(sign(forwarded(report_mail({part(json())}))));
  EXPECT_EQ(result.disposition, Disposition::refused);
  EXPECT_EQ(result.dkim.status, DkimStatus::pass);
  ASSERT_FALSE(result.outcomes.empty());
  EXPECT_EQ(result.outcomes.front().refusal, Refusal::not_authentic);
  EXPECT_NE(result.detail.find("forwarded"), std::string::npos) << result.detail;
}

TEST_F(IntakeTest, asks_to_try_again_only_if_that_could_help) {  // R211, R212
  dns_.txt_answers["s1._domainkey.sender.example"] = FakeDns::failed<std::string>();
  EXPECT_EQ(examine(sign(report_mail({part(json())}))).disposition, Disposition::dns_error);
  EXPECT_EQ(refusal_of(sign(report_mail({part("{ no json")}))), Refusal::not_json)
      << "no key mends it";
  EXPECT_EQ(refusal_of(sign(forwarded(report_mail({part(json())})))), Refusal::not_authentic);
  publish();
  std::string broken = sign(report_mail({part(json())}));
  broken.replace(broken.find("b="), 2, "b=AAAA");
  EXPECT_EQ(examine(broken).disposition, Disposition::refused) << "never 4xx for bad crypto";
}

TEST_F(IntakeTest, records_what_cannot_be_verified_and_will_not_come_again) {  // R211
  dns_.txt_answers["s1._domainkey.sender.example"] = FakeDns::failed<std::string>();
  settings_.dns_error_is_final = true;
  ReceivedStore store = open_store();
  const std::string mail = sign(report_mail({part(json())}));
  const IntakeResult result = take(mail, store);
  EXPECT_EQ(result.disposition, Disposition::unverified);
  EXPECT_EQ(result.dkim.status, DkimStatus::temperror);
  EXPECT_TRUE(store.list({}).value().empty());
  const auto refused = store.list_refused({}).value();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].refusal, Refusal::not_authentic);
  EXPECT_NE(refused[0].detail.find("key-lookup-failed"), std::string::npos) << refused[0].detail;
  EXPECT_EQ(store.refused(refused[0].id).value()->bytes, mail);
  EXPECT_FALSE(store.counters().value().contains("put_off_dns"));
}

TEST_F(IntakeTest, leaves_other_mail_alone_without_asking_dns) {
  publish();
  const std::string mail = sign("From: r@sender.example\r\nSubject: hi\r\n\r\nHello\r\n");
  const IntakeResult result = examine(mail);
  EXPECT_EQ(result.disposition, Disposition::no_report);
  EXPECT_EQ(result.dkim.best.reason, "not-checked");
  EXPECT_TRUE(dns_.questions().empty());
  // A JSON attachment of another kind is no claim to be a report, either.
  EXPECT_EQ(examine("From: a@b.example\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n")
                .disposition,
            Disposition::no_report);
}

TEST_F(IntakeTest, refuses_mail_that_claims_to_be_a_report_and_has_none) {
  publish();
  EXPECT_EQ(refusal_of(sign(report_mail({"--b\r\n\r\ntext only\r\n"}))), Refusal::no_report_part);
}

TEST_F(IntakeTest, flags_future_and_foreign_reports) {  // R228, R230
  settings_.policy_domains = {"example.org", "mx.example.org"};
  struct Row {
    const char* domain;
    const char* day;
    bool foreign;
    bool future;
  };
  for (const Row& row : {Row{"example.org", "2026-03-01", false, false},
                         Row{"MX.Example.Org.", "2026-03-02", false, false},
                         Row{"sub.example.org", "2026-03-02", true, false},
                         Row{"example.com", "2026-03-04", true, true}}) {
    SCOPED_TRACE(row.domain);
    publish();
    const IntakeResult result = examine(sign(report_mail({part(json("1", row.domain, row.day))})));
    ASSERT_EQ(result.disposition, Disposition::stored);
    EXPECT_EQ(result.outcomes.front().flags.has(Flag::foreign_domain), row.foreign);
    EXPECT_EQ(result.outcomes.front().flags.has(Flag::date_in_future), row.future);
  }
  Report early;
  early.date_range.end_datetime = Day{std::chrono::year{2015} / 12 / 31};
  EXPECT_TRUE(judge_report(early, settings_, clock_.now()).has(Flag::date_implausible));
  settings_.policy_domains.clear();
  EXPECT_FALSE(
      judge_report(
          examine(sign(report_mail({part(json("1", "x.example"))}))).outcomes.front().report,
          settings_, clock_.now())
          .has(Flag::foreign_domain));
}

TEST_F(IntakeTest, tells_a_reader_that_is_not_there_from_one_that_a_mail_kills) {
  FailingOpener absent;
  EXPECT_EQ(examine_mail("x", settings_, absent, dns_, clock_).disposition, Disposition::failed);
  DyingOpener dies;
  const IntakeResult result = examine_mail("x", settings_, dies, dns_, clock_);
  EXPECT_EQ(result.disposition, Disposition::refused);
  EXPECT_EQ(result.outcomes.front().refusal, Refusal::reader_failed);
}

TEST_F(IntakeTest, stores_with_provenance_and_counts) {
  publish();
  ReceivedStore store = open_store();
  const std::string mail = sign(report_mail({part(json("1")), part("{ no json"), part(json("2"))}));
  const IntakeResult first = take(mail, store);
  ASSERT_EQ(first.disposition, Disposition::stored) << first.detail;
  ASSERT_EQ(first.stored.size(), 2u);
  EXPECT_FALSE(first.stored.front().duplicate);
  const auto kept = store.report(first.stored.front().id);
  ASSERT_TRUE(kept.has_value() && kept->has_value());
  const Provenance& from = (*kept)->provenance;
  EXPECT_EQ(from.submitter, "sender.example");
  EXPECT_EQ(from.dkim_domain, "sender.example");
  EXPECT_EQ(from.dkim, DkimStatus::pass);
  EXPECT_EQ(from.queue_id, "QID");
  EXPECT_EQ(from.received_at, clock_.now());
  EXPECT_NE(from.message_id.find("m@sender.example"), std::string::npos);
  EXPECT_EQ((*kept)->json, json("1"));

  const IntakeResult again = take(mail, store);
  EXPECT_TRUE(again.stored.front().duplicate);
  EXPECT_EQ(again.stored.front().id, first.stored.front().id);
  take(report_mail({part(json("3"))}), store);
  take("From: a@b.example\r\n\r\nspam\r\n", store);
  const std::map<std::string, std::uint64_t> expected{
      {"mails_seen", 4},       {"reports_stored", 2},        {"reports_duplicate", 2},
      {"refused_not-json", 2}, {"refused_not-authentic", 1}, {"not_a_report", 1}};
  EXPECT_EQ(store.counters().value(), expected);
}

TEST_F(IntakeTest, keeps_the_bytes_of_a_refused_mail_once) {
  ReceivedStore store = open_store();
  const std::string mail = report_mail({part(json("1")), part(json("2")), part(json("3"))});
  take(mail, store);
  const auto refusals = store.list_refused({}).value();
  ASSERT_EQ(refusals.size(), 1u);
  EXPECT_EQ(refusals.front().refusal, Refusal::not_authentic);
  EXPECT_NE(refusals.front().detail.find("and 2 more"), std::string::npos);
  EXPECT_EQ(store.refused(refusals.front().id).value().value().bytes, mail);
  EXPECT_TRUE(store.list({}).value().empty());
}

TEST_F(IntakeTest, names_the_submitter_of_an_unsigned_report_by_from_then_by_contact) {
  settings_.require_dkim = false;
  ReceivedStore store = open_store();
  const auto submitter_of = [&](const std::string& mail) {
    const IntakeResult result = take(mail, store);
    return store.report(result.stored.at(0).id).value().value().provenance.submitter;
  };
  EXPECT_EQ(submitter_of(report_mail({part(json("1"))})), "sender.example");
  EXPECT_EQ(submitter_of(report_mail({part(json("2"))}, "")), "contact.example");
}

TEST_F(IntakeTest, fails_without_a_trace_when_the_store_cannot_be_written) {
  publish();
  ReceivedStore store = open_store();
  const std::string mail = sign(report_mail({part(json())}));
  sqlite3* blocker = nullptr;
  ASSERT_EQ(sqlite3_open(folder_.file("received.db").c_str(), &blocker), SQLITE_OK);
  // A table that refuses rows fails at once; a lock would be waited for.
  ASSERT_EQ(sqlite3_exec(blocker,
                         "CREATE TRIGGER no BEFORE INSERT ON policy BEGIN "
                         "SELECT RAISE(ABORT, 'disk full'); END",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  const IntakeResult failed = take(mail, store);
  EXPECT_EQ(failed.disposition, Disposition::failed);
  EXPECT_NE(failed.detail.find("disk full"), std::string::npos) << failed.detail;
  EXPECT_TRUE(store.list({}).value().empty());
  EXPECT_TRUE(store.counters().value().empty());
  ASSERT_EQ(sqlite3_exec(blocker, "DROP TRIGGER no", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(blocker);
  EXPECT_EQ(take(mail, store).disposition, Disposition::stored);
  EXPECT_EQ(store.list({}).value().size(), 1u);
}

TEST_F(IntakeTest, stores_and_counts_together_or_not_at_all) {
  publish();
  ReceivedStore store = open_store();
  sqlite3* blocker = nullptr;
  ASSERT_EQ(sqlite3_open(folder_.file("received.db").c_str(), &blocker), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(blocker,
                         "CREATE TRIGGER no BEFORE INSERT ON counter BEGIN "
                         "SELECT RAISE(ABORT, 'no'); END",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(blocker);
  const std::string mail = sign(report_mail({part(json())}));
  IntakeResult result = examine(mail);
  EXPECT_TRUE(keep_mail(result, mail, {"milter", "Q"}, clock_.now(), store, limits_).has_value());
  EXPECT_EQ(result.disposition, Disposition::failed) << "it comes again";
  EXPECT_EQ(store.list({}).value().size(), 0u);

  const std::string other = "From: a@sender.example\r\nSubject: lunch\r\n\r\n?\r\n";
  result = examine(other);
  EXPECT_FALSE(keep_mail(result, other, {"milter", "Q"}, clock_.now(), store, limits_).has_value());
  EXPECT_EQ(result.disposition, Disposition::no_report) << "a lost count costs no other mail";
}

TEST_F(IntakeTest, flags_a_signature_of_another_domain_than_the_contact) {
  const auto flagged = [this](std::string_view contact) {
    std::string report = json();
    report.replace(report.find("contact.example"), 15, contact);
    const IntakeResult result = examine(sign(report_mail({part(report)})));
    return result.outcomes.at(0).flags.has(Flag::signer_mismatch);
  };
  publish();
  EXPECT_TRUE(flagged("contact.example"));
  EXPECT_FALSE(flagged("sender.example"));
  EXPECT_FALSE(flagged("mail.Sender.Example"));
  EXPECT_TRUE(flagged("notsender.example"));
  EXPECT_FALSE(flagged("")) << "no contact is no contradiction";
  dns_.txt_answers.clear();
  settings_.require_dkim = false;
  EXPECT_FALSE(flagged("contact.example")) << "without a signature there is no signer";
}

TEST(MessageLimits, are_those_of_the_configuration) {
  Config config;
  std::int64_t next = 100;
  for (const Key key :
       {Key::maximum_mime_parts, Key::maximum_zip_members, Key::maximum_compression_ratio,
        Key::maximum_json_depth, Key::maximum_json_members, Key::maximum_reports,
        Key::maximum_policies, Key::maximum_details, Key::maximum_strings}) {
    ASSERT_TRUE(config.set(key, std::to_string(++next)).has_value());
  }
  ASSERT_TRUE(config.set(Key::maximum_mime_depth, "11").has_value());
  ASSERT_TRUE(config.set(Key::maximum_packings, "3").has_value());
  ASSERT_TRUE(config.set(Key::maximum_message_size, "1M").has_value());
  ASSERT_TRUE(config.set(Key::maximum_headers, "8K").has_value());
  ASSERT_TRUE(config.set(Key::maximum_compressed_size, "2M").has_value());
  ASSERT_TRUE(config.set(Key::maximum_report_size, "3M").has_value());
  ASSERT_TRUE(config.set(Key::maximum_string_length, "1K").has_value());
  const MessageLimits limits = message_limits(config);
  EXPECT_EQ(limits.max_parts, 101u);
  EXPECT_EQ(limits.max_zip_members, 102u);
  EXPECT_EQ(limits.gunzip.max_ratio, 103u);
  EXPECT_EQ(limits.report.max_depth, 104u);
  EXPECT_EQ(limits.report.max_members, 105u);
  EXPECT_EQ(limits.report.max_reports, 106u);
  EXPECT_EQ(limits.report.max_policies, 107u);
  EXPECT_EQ(limits.report.max_failure_details, 108u);
  EXPECT_EQ(limits.report.max_strings, 109u);
  EXPECT_EQ(limits.max_depth, 11u);
  EXPECT_EQ(limits.max_packings, 3u);
  EXPECT_EQ(limits.max_message_bytes, 1u << 20);
  EXPECT_EQ(limits.max_header_bytes, 8u << 10);
  EXPECT_EQ(limits.max_compressed_bytes, 2u << 20);
  EXPECT_EQ(limits.gunzip.max_bytes, 3u << 20);
  EXPECT_EQ(limits.report.max_bytes, 3u << 20);
  EXPECT_EQ(limits.report.max_string, 1u << 10);
}

TEST(MessageLimits, are_by_default_those_that_the_reader_has_itself) {
  const MessageLimits configured = message_limits(Config{});
  const MessageLimits own;
  EXPECT_EQ(configured.max_message_bytes, own.max_message_bytes);
  EXPECT_EQ(configured.max_header_bytes, own.max_header_bytes);
  EXPECT_EQ(configured.max_parts, own.max_parts);
  EXPECT_EQ(configured.max_depth, own.max_depth);
  EXPECT_EQ(configured.max_compressed_bytes, own.max_compressed_bytes);
  EXPECT_EQ(configured.max_packings, own.max_packings);
  EXPECT_EQ(configured.max_zip_members, own.max_zip_members);
  EXPECT_EQ(configured.gunzip.max_bytes, own.gunzip.max_bytes);
  EXPECT_EQ(configured.gunzip.max_ratio, own.gunzip.max_ratio);
  EXPECT_EQ(configured.report.max_bytes, own.report.max_bytes);
  EXPECT_EQ(configured.report.max_depth, own.report.max_depth);
  EXPECT_EQ(configured.report.max_members, own.report.max_members);
  EXPECT_EQ(configured.report.max_reports, own.report.max_reports);
  EXPECT_EQ(configured.report.max_policies, own.report.max_policies);
  EXPECT_EQ(configured.report.max_failure_details, own.report.max_failure_details);
  EXPECT_EQ(configured.report.max_strings, own.report.max_strings);
  EXPECT_EQ(configured.report.max_string, own.report.max_string);
}

TEST(IntakeSettings, are_those_of_the_configuration) {
  Config config;
  EXPECT_FALSE(intake_settings(config).strict_service_type);
  EXPECT_FALSE(intake_settings(config).strict_alignment);
  ASSERT_TRUE(config.set(Key::strict_service_type, "yes"));
  ASSERT_TRUE(config.set(Key::strict_alignment, "yes"));
  ASSERT_TRUE(config.set(Key::dkim_timeout, "7s"));
  ASSERT_TRUE(config.set(Key::policy_domains,
                         "Example.ORG, b\xc3\xbc"
                         "cher.example"));
  const IntakeSettings settings = intake_settings(config);
  EXPECT_TRUE(settings.strict_service_type);
  EXPECT_TRUE(settings.strict_alignment);
  EXPECT_EQ(settings.dkim_time, std::chrono::seconds(7));
  EXPECT_EQ(settings.policy_domains,
            (std::vector<std::string>{"example.org", "xn--bcher-kva.example"}));
}

TEST(StoreLimits, are_those_of_the_configuration) {
  Config config;
  ASSERT_TRUE(config.set(Key::maximum_refused_size, "3K"));
  ASSERT_TRUE(config.set(Key::maximum_reports_per_day, "7"));
  EXPECT_EQ(store_limits(config).max_refused_bytes, 3u << 10);
  EXPECT_EQ(store_limits(config).max_reports_per_day, 7u);
}

TEST(ConfinedSettings, are_those_of_the_configuration) {
  Config config;
  ASSERT_TRUE(config.set(Key::reader_timeout, "9s"));
  ASSERT_TRUE(config.set(Key::maximum_message_size, "1M"));
  EXPECT_EQ(confined_settings(config).timeout, std::chrono::seconds(9));
  EXPECT_EQ(confined_settings(config).limits.max_message_bytes, 1u << 20);
}

TEST_F(IntakeTest, keeps_of_a_mail_that_was_cut_what_there_is_and_says_so) {
  ReceivedStore store = open_store();
  const std::string beginning = report_mail({part(json())}).substr(0, 400);
  IntakeResult result = refuse_cut_mail(beginning, 400, opener_);
  ASSERT_TRUE(keep_mail(result, beginning, {"milter", "QID"}, clock_.now(), store, limits_));
  const auto listed = store.list_refused({}).value();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].size, 401u) << "at least";
  EXPECT_EQ(store.refused(listed[0].id).value()->bytes, beginning);
  EXPECT_FALSE(store.refused_after(0).value()) << "it is not there from its first byte to its last";
}

TEST_F(IntakeTest, records_a_mail_that_was_cut_with_what_its_header_says) {
  IntakeResult result = refuse_cut_mail(report_mail({part(json())}).substr(0, 400), 400, opener_);
  EXPECT_EQ(result.disposition, Disposition::refused);
  EXPECT_EQ(result.outcomes.front().refusal, Refusal::too_large);
  EXPECT_EQ(result.facts.from_domain, "sender.example");
  EXPECT_EQ(result.facts.subject, "Report");
  EXPECT_TRUE(result.facts.claims_report);
  EXPECT_NE(result.detail.find("MaximumMessageSize"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::milter
