// SPDX-License-Identifier: BSD-2-Clause
#include "milter/session.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/milter/fake_log.hpp"

namespace tlsrpt::milter {
namespace {

/// Gives the answer it is told to, and remembers what it got.
class FakeTaker final : public MailTaker {
 public:
  IntakeResult take(std::string_view message, const std::string& queue_id) override {
    messages.emplace_back(message);
    queue_ids.push_back(queue_id);
    return answer;
  }
  IntakeResult take_cut(std::string_view beginning, std::size_t limit,
                        const std::string& queue_id) override {
    cut_messages.emplace_back(beginning);
    limits.push_back(limit);
    queue_ids.push_back(queue_id);
    return answer;
  }
  IntakeResult not_held() override {
    ++unheld;
    IntakeResult failed;
    failed.disposition = Disposition::failed;
    return failed;
  }
  IntakeResult answer;
  int unheld = 0;
  std::vector<std::string> messages;
  std::vector<std::string> cut_messages;
  std::vector<std::size_t> limits;
  std::vector<std::string> queue_ids;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    settings_.report_addresses = ReportAddresses::parse({"tls@example.org"}).value();
    settings_.peer_list = PeerList::parse({"192.0.2.1"}).value();
    taker_.answer.disposition = Disposition::stored;
  }

  std::shared_ptr<const SessionSettings> shared() const {
    return std::make_shared<const SessionSettings>(settings_);
  }
  Session make() { return Session(shared(), taker_, budget_, log_); }

  /// A whole message; the answer at its end.
  Answer send(Session& session, const std::vector<std::string>& recipients,
              std::string_view body = "body\r\n") {
    session.mail();
    for (const std::string& recipient : recipients) session.recipient(recipient);
    const Answer at_data = session.data("QID");
    if (at_data.reply != Reply::proceed) return at_data;
    session.header("Subject", " x");
    session.end_of_headers();
    session.body(body);
    return session.end_of_message("QID");
  }

  SessionSettings settings_;
  FakeTaker taker_;
  SpoolBudget budget_{1u << 20};
  FakeLog log_;
};

TEST_F(SessionTest, wants_neither_header_nor_body_of_mail_to_others) {
  Session session = make();
  session.connect("mail.example", "198.51.100.1");
  session.mail();
  session.recipient("<someone@example.org>");
  EXPECT_EQ(session.data("Q1").reply, Reply::accept);
  // An MTA that sends them all the same does no harm.
  session.header("Subject", " x");
  session.end_of_headers();
  EXPECT_EQ(session.body("x").reply, Reply::proceed);
  EXPECT_EQ(session.end_of_message("Q1").reply, Reply::accept);
  EXPECT_TRUE(taker_.messages.empty());
  EXPECT_TRUE(log_.lines().empty());
  EXPECT_EQ(budget_.left(), 1u << 20);
}

TEST_F(SessionTest, takes_mail_when_any_recipient_is_a_report_address) {
  Session session = make();
  EXPECT_EQ(send(session, {"<a@example.org>", "<TLS+x@example.org>", "<b@example.org>"}).reply,
            Reply::accept);
  ASSERT_EQ(taker_.messages.size(), 1u);
  EXPECT_EQ(taker_.queue_ids.front(), "QID");
}

TEST_F(SessionTest, rebuilds_the_bytes_that_were_on_the_wire) {  // R253
  Session session = make();
  session.mail();
  session.recipient("<tls@example.org>");
  ASSERT_EQ(session.data("").reply, Reply::proceed);
  session.header("From", " a@b.example");
  session.header("NoBlank", "x");
  session.header("Tab", "\tx");
  session.header("Folded", " one\n\ttwo\r\n three");
  session.header("Empty", "");
  session.header("Open", " a\n");
  session.end_of_headers();
  session.body("first\r");
  session.body("\n.dot\r\nbare\nlf \xff");
  session.body("");
  session.body(std::string_view("\0end", 4));
  EXPECT_EQ(session.end_of_message("LATE").reply, Reply::accept);
  ASSERT_EQ(taker_.messages.size(), 1u);
  EXPECT_EQ(taker_.messages.front(),
            std::string("From: a@b.example\r\nNoBlank:x\r\nTab:\tx\r\n"
                        "Folded: one\r\n\ttwo\r\n three\r\nEmpty:\r\nOpen: a\r\n\r\n\r\n"
                        "first\r\n.dot\r\nbare\nlf \xff") +
                std::string("\0end", 4));
  EXPECT_EQ(taker_.queue_ids.front(), "LATE") << "a queue id that comes with the end is taken";
}

TEST_F(SessionTest, skips_listed_peers_for_the_whole_session) {
  Session session = make();
  EXPECT_EQ(session.connect("x.example", "192.0.2.1").reply, Reply::accept);
  EXPECT_EQ(session.connect("x.example", "192.0.2.2").reply, Reply::proceed);
}

TEST_F(SessionTest, answers_each_disposition_as_configured) {
  settings_.on_success = Reply::discard;
  settings_.on_default = Reply::reject;
  settings_.on_bad_report = Reply::reject;
  settings_.on_dns_error = Reply::tempfail;
  settings_.on_internal_error = Reply::tempfail;
  struct Row {
    Disposition disposition;
    Reply reply;
    const char* code;
    const char* enhanced;
    const char* tag;
  };
  for (const Row& row :
       {Row{Disposition::stored, Reply::discard, "", "", "report-stored"},
        Row{Disposition::no_report, Reply::reject, "550", "5.7.1", "not-a-report"},
        Row{Disposition::refused, Reply::reject, "550", "5.7.1", "report-refused"},
        Row{Disposition::dns_error, Reply::tempfail, "451", "4.7.5", "dns-error"},
        Row{Disposition::unverified, Reply::tempfail, "451", "4.7.5", "dns-error"},
        Row{Disposition::over_limit, Reply::tempfail, "451", "4.7.1", "over-limit"},
        Row{Disposition::failed, Reply::tempfail, "451", "4.3.0", "intake-failed"}}) {
    SCOPED_TRACE(row.tag);
    taker_.answer.disposition = row.disposition;
    const std::size_t before = log_.count(row.tag);
    Session session = make();
    const Answer answer = send(session, {"<tls@example.org>"});
    EXPECT_EQ(answer.reply, row.reply);
    EXPECT_EQ(answer.code, row.code);
    EXPECT_EQ(answer.enhanced, row.enhanced);
    EXPECT_EQ(answer.text.empty(), row.code[0] == '\0');
    EXPECT_EQ(log_.count(row.tag), before + 1);
  }
}

TEST_F(SessionTest, puts_off_a_sender_over_its_limit_whatever_is_configured) {  // R240
  settings_.on_internal_error = settings_.on_dns_error = settings_.on_bad_report = Reply::accept;
  taker_.answer.disposition = Disposition::over_limit;
  taker_.answer.dkim.best.domain = "flood.example";
  Session session = make();
  const Answer answer = send(session, {"<tls@example.org>"});
  EXPECT_EQ(answer.reply, Reply::tempfail);
  EXPECT_EQ(answer.text, "Too many new TLS reports of flood.example today");
}

TEST_F(SessionTest, quarantines_at_the_end_of_the_message_only) {
  settings_.on_success = settings_.on_default = Reply::quarantine;
  settings_.on_bad_report = settings_.on_dns_error = Reply::quarantine;
  settings_.on_internal_error = Reply::quarantine;
  for (const Disposition disposition :
       {Disposition::stored, Disposition::no_report, Disposition::refused, Disposition::dns_error,
        Disposition::failed}) {
    SCOPED_TRACE(to_word(disposition));
    taker_.answer.disposition = disposition;
    Session session = make();
    const Answer answer = send(session, {"<tls@example.org>", "<b@example.org>"});
    EXPECT_EQ(answer.reply, Reply::quarantine);
    EXPECT_FALSE(answer.text.empty());
    EXPECT_TRUE(answer.code.empty());
  }
  Session session = make();
  session.mail();
  session.fail();
  EXPECT_EQ(session.data("Q").reply, Reply::proceed) << "DATA cannot be quarantined";
  EXPECT_EQ(session.end_of_message("Q").reply, Reply::quarantine);
}

TEST_F(SessionTest, every_word_of_an_action_is_its_reply) {
  for (const Reply reply :
       {Reply::accept, Reply::discard, Reply::reject, Reply::tempfail, Reply::quarantine}) {
    EXPECT_EQ(to_reply(to_word(reply)), reply);
  }
}

/// The answer at the end of the header of a mail to somebody, with ReportAddress *.
class ByHeaderTest : public SessionTest {
 protected:
  ByHeaderTest() {
    settings_.report_addresses = ReportAddresses::parse({"tls@example.org", "*"}).value();
  }
  static Answer begin(Session& session,
                      const std::vector<std::pair<std::string, std::string>>& header,
                      const std::string& recipient = "<someone@example.org>") {
    session.mail();
    session.recipient(recipient);
    EXPECT_EQ(session.data("QID").reply, Reply::proceed);
    for (const auto& [name, value] : header) session.header(name, value);
    return session.end_of_headers();
  }
};

TEST_F(ByHeaderTest, lets_other_mail_go_at_the_end_of_its_header) {
  Session session = make();
  EXPECT_EQ(begin(session, {{"Subject", " TLS-Report-Domain: x"},
                            {"Content-Type", " multipart/report; report-type=delivery-status"}})
                .reply,
            Reply::accept);
  EXPECT_EQ(budget_.left(), 1u << 20) << "nothing of it is kept";
  EXPECT_EQ(session.body("x").reply, Reply::proceed);
  EXPECT_EQ(session.end_of_message("QID").reply, Reply::accept);
  EXPECT_TRUE(taker_.messages.empty());
  EXPECT_TRUE(log_.lines().empty());
}

TEST_F(ByHeaderTest, takes_what_claims_to_be_a_report_whole) {
  Session session = make();
  EXPECT_EQ(begin(session, {{"A", " b"}, {"tls-report-domain", " example.org"}, {"C", " d"}}).reply,
            Reply::proceed);
  session.body("body");
  EXPECT_EQ(session.end_of_message("QID").reply, Reply::accept);
  ASSERT_EQ(taker_.messages.size(), 1u);
  EXPECT_EQ(taker_.messages.front(), "A: b\r\ntls-report-domain: example.org\r\nC: d\r\n\r\nbody");
}

TEST_F(ByHeaderTest, never_discards_what_goes_to_people) {
  settings_.on_success = settings_.on_default = Reply::discard;
  Session session = make();
  begin(session, {{"TLS-Report-Domain", " example.org"}});
  EXPECT_EQ(session.end_of_message("QID").reply, Reply::accept);
  EXPECT_EQ(log_.count("discard-withheld"), 1u);
  // On-Default is about mail to a report address.
  settings_.on_default = Reply::reject;
  taker_.answer.disposition = Disposition::no_report;
  Session other = make();
  begin(other, {{"TLS-Report-Domain", " example.org"}});
  EXPECT_EQ(other.end_of_message("QID").reply, Reply::accept);
}

TEST_F(ByHeaderTest, still_takes_all_mail_to_a_listed_address) {
  settings_.on_default = Reply::reject;
  taker_.answer.disposition = Disposition::no_report;
  Session session = make();
  EXPECT_EQ(begin(session, {{"Subject", " x"}}, "<tls@example.org>").reply, Reply::proceed);
  EXPECT_EQ(session.end_of_message("QID").reply, Reply::reject);
  EXPECT_EQ(taker_.messages.size(), 1u);
}

TEST_F(ByHeaderTest, keeps_no_more_header_than_maximum_headers) {
  settings_.max_header_bytes = 100;
  const std::pair<std::string, std::string> claim{"TLS-Report-Domain", " x"};
  // With the colon and the line end: 100 and 101 bytes.
  const std::pair<std::string, std::string> fits{"A", std::string(96, 'a')};
  const std::pair<std::string, std::string> exceeds{"A", std::string(97, 'a')};
  Session session = make();
  EXPECT_EQ(begin(session, {fits, claim}).reply, Reply::proceed) << "the limit itself is allowed";
  EXPECT_EQ(begin(session, {exceeds, claim}).reply, Reply::accept);
  EXPECT_EQ(budget_.left(), 1u << 20);
  EXPECT_EQ(begin(session, {claim, exceeds, exceeds}).reply, Reply::proceed)
      << "what is known to be a report has the bound of messages";
}

TEST_F(ByHeaderTest, a_full_spool_is_no_business_of_other_mail) {
  SpoolBudget none(0);
  Session session(shared(), taker_, none, log_);
  EXPECT_EQ(begin(session, {{"Subject", " x"}}).reply, Reply::accept);
  EXPECT_EQ(begin(session, {{"TLS-Report-Domain", " x"}}).reply, Reply::proceed);
  EXPECT_EQ(session.end_of_message("QID").reply, Reply::tempfail);
}

TEST_F(SessionTest, adds_a_header_only_if_it_is_configured) {
  Session without = make();
  EXPECT_TRUE(send(without, {"<tls@example.org>"}).header.empty());
  settings_.add_header = true;
  Session session = make();
  session.mail();
  session.recipient("<tls@example.org>");
  session.data("Q");
  session.header("TLSRPT-Results", " forged");
  session.header("tlsrpt-results", " forged, too");
  session.end_of_headers();
  const Answer answer = session.end_of_message("Q", "mx.example.org");
  EXPECT_EQ(answer.foreign_headers, 2u);
  EXPECT_EQ(answer.header.rfind("mx.example.org; tlsrpt=stored", 0), 0u) << answer.header;
  EXPECT_EQ(send(session, {"<tls@example.org>"}).foreign_headers, 0u) << "of the next mail";
  taker_.answer.disposition = Disposition::no_report;
  EXPECT_TRUE(send(session, {"<tls@example.org>"}).header.empty());
}

TEST_F(SessionTest, lets_listed_peers_through_at_data_where_connect_takes_no_answer) {
  Session session = make();
  session.connect("x.example", "192.0.2.1");
  EXPECT_EQ(send(session, {"<tls@example.org>"}).reply, Reply::accept);
  EXPECT_TRUE(taker_.messages.empty());
  session.connect("x.example", "192.0.2.2");
  send(session, {"<tls@example.org>"});
  EXPECT_EQ(taker_.messages.size(), 1u);
}

TEST_F(SessionTest, keeps_its_settings_when_new_ones_come) {
  CurrentSettings current(settings_);
  Session before(current.get(), taker_, budget_, log_);
  SessionSettings fresh = settings_;
  fresh.report_addresses = ReportAddresses::parse({"other@example.org"}).value();
  current.set(fresh);
  Session after(current.get(), taker_, budget_, log_);
  send(before, {"<tls@example.org>"});
  EXPECT_EQ(taker_.messages.size(), 1u);
  send(after, {"<tls@example.org>"});
  EXPECT_EQ(taker_.messages.size(), 1u);
  send(after, {"<other@example.org>"});
  EXPECT_EQ(taker_.messages.size(), 2u);
}

TEST_F(SessionTest, ten_thousand_recipients_take_no_memory) {
  Session session = make();
  session.mail();
  for (int i = 0; i < 10000; ++i) session.recipient(fmt::format("<user{}@example.org>", i));
  session.recipient("<tls@example.org>");
  EXPECT_EQ(session.data("Q").reply, Reply::proceed);
  EXPECT_EQ(budget_.left(), 1u << 20);
}

TEST_F(SessionTest, never_discards_what_is_also_for_others) {
  settings_.on_success = Reply::discard;
  settings_.on_default = Reply::discard;
  for (const Disposition disposition : {Disposition::stored, Disposition::no_report}) {
    taker_.answer.disposition = disposition;
    Session session = make();
    EXPECT_EQ(send(session, {"<tls@example.org>", "<b@example.org>"}).reply, Reply::accept);
    EXPECT_EQ(send(session, {"<tls@example.org>", "<tls+b@example.org>"}).reply, Reply::discard);
  }
  EXPECT_EQ(log_.count("discard-withheld"), 2u);
}

TEST_F(SessionTest, says_in_the_log_when_a_report_was_there_already) {
  ReadOutcome outcome;
  outcome.report.report_id = "a b\"";
  taker_.answer.outcomes = {outcome};
  taker_.answer.stored = {{7, true}};
  Session session = make();
  send(session, {"<tls@example.org>"});
  ASSERT_EQ(log_.count("report-duplicate"), 1u);
  EXPECT_NE(log_.lines().front().find(R"(report_id="a b\"")"), std::string::npos)
      << log_.lines().front();
}

TEST_F(SessionTest, explains_signatures_and_parts_with_log_why) {
  settings_.log_why = true;
  taker_.answer.dkim.signatures.resize(2);
  taker_.answer.outcomes.resize(100);
  Session session = make();
  send(session, {"<tls@example.org>"});
  EXPECT_EQ(log_.count("dkim-signature"), 2u);
  EXPECT_EQ(log_.count("report-part"), 48u) << "the number of lines is bounded";
  EXPECT_EQ(log_.count("report-stored"), 50u);
}

TEST_F(SessionTest, keeps_only_the_beginning_of_a_mail_that_is_too_large) {
  settings_.max_message_bytes = 100;
  taker_.answer.disposition = Disposition::refused;
  Session session = make();
  session.mail();
  session.recipient("<tls@example.org>");
  session.data("Q");
  session.header("Subject", " x");
  session.end_of_headers();
  EXPECT_EQ(session.body(std::string(50, 'a')).reply, Reply::proceed);
  EXPECT_EQ(session.body(std::string(50, 'b')).reply, Reply::skip);
  EXPECT_EQ(session.body(std::string(50, 'z')).reply, Reply::skip) << "SKIP may not be offered";
  EXPECT_EQ(session.end_of_message("Q").reply, Reply::accept);
  ASSERT_EQ(taker_.cut_messages.size(), 1u);
  EXPECT_EQ(taker_.cut_messages.front().size(), 100u);
  EXPECT_EQ(taker_.limits.front(), 100u);
  EXPECT_EQ(taker_.cut_messages.front().find('z'), std::string::npos);
  EXPECT_TRUE(taker_.messages.empty());
}

TEST_F(SessionTest, takes_exactly_the_largest_size_whole) {
  settings_.max_message_bytes = 100;
  Session session = make();
  const std::string head = "Subject: x\r\n\r\n";
  send(session, {"<tls@example.org>"}, std::string(100 - head.size(), 'a'));
  EXPECT_EQ(taker_.messages.size(), 1u);
  EXPECT_TRUE(taker_.cut_messages.empty());
}

TEST_F(SessionTest, answers_a_full_spool_with_on_internal_error_and_recovers) {
  SpoolBudget small(64u << 10);
  Session first(shared(), taker_, small, log_);
  first.mail();
  first.recipient("<tls@example.org>");
  first.data("Q1");
  first.header("Subject", " x");
  ASSERT_EQ(first.body(std::string(30000, 'a')).reply, Reply::proceed);
  Session second(shared(), taker_, small, log_);
  const Answer answer = send(second, {"<tls@example.org>"}, std::string(40000, 'b'));
  EXPECT_EQ(answer.reply, Reply::tempfail);
  EXPECT_EQ(answer.enhanced, "4.3.0");
  EXPECT_TRUE(taker_.messages.empty());
  EXPECT_EQ(taker_.unheld, 1);
  EXPECT_EQ(log_.count("intake-failed"), 1u);
  EXPECT_EQ(first.end_of_message("Q1").reply, Reply::accept);
  EXPECT_EQ(small.left(), 64u << 10) << "all memory was given back";
  EXPECT_EQ(send(second, {"<tls@example.org>"}, std::string(40000, 'b')).reply, Reply::accept);
}

TEST_F(SessionTest, forgets_the_message_at_abort_at_mail_and_at_its_end) {
  settings_.on_success = Reply::discard;
  Session session = make();
  const auto begin = [&] {
    session.mail();
    session.recipient("<tls@example.org>");
    session.data("OLD");
    session.header("Old", " x");
    session.body("old");
  };
  begin();
  session.abort();
  session.abort();
  EXPECT_EQ(budget_.left(), 1u << 20);
  EXPECT_EQ(session.end_of_message("X").reply, Reply::accept);
  EXPECT_TRUE(taker_.messages.empty());

  begin();  // an MTA that starts anew without an abort
  EXPECT_EQ(send(session, {"<b@example.org>"}).reply, Reply::accept);
  begin();
  EXPECT_EQ(send(session, {"<tls@example.org>"}).reply, Reply::discard) << "b@ is forgotten, too";
  ASSERT_EQ(taker_.messages.size(), 1u);
  EXPECT_EQ(taker_.messages.front(), "Subject: x\r\n\r\nbody\r\n");
  EXPECT_EQ(taker_.queue_ids.front(), "QID");
}

TEST_F(SessionTest, answers_on_internal_error_after_a_fault) {
  Session session = make();
  session.mail();
  session.fail();  // perhaps the recipient that could not be looked at was ours
  EXPECT_EQ(session.data("Q").reply, Reply::tempfail);

  session.mail();
  session.recipient("<tls@example.org>");
  EXPECT_EQ(session.data("Q").reply, Reply::proceed);
  session.fail();
  EXPECT_EQ(session.end_of_message("Q").code, "451");
  EXPECT_TRUE(taker_.messages.empty());
  EXPECT_EQ(send(session, {"<tls@example.org>"}).reply, Reply::accept) << "the next one is fine";

  settings_.on_internal_error = Reply::discard;
  for (const auto stage : {Session::Stage::before_end, Session::Stage::end_of_message}) {
    EXPECT_EQ(Session::internal_error(settings_, stage).reply, Reply::accept)
        << "a message of unknown recipients is not thrown away";
  }
}

TEST_F(SessionTest, does_not_keep_a_queue_id_of_any_length) {
  Session session = make();
  session.mail();
  session.recipient("<tls@example.org>");
  session.data(std::string(100000, 'Q'));
  session.end_of_message("");
  EXPECT_EQ(taker_.queue_ids.front().size(), 128u);
}

TEST(SpoolBudget, is_never_overdrawn) {
  SpoolBudget budget(10);
  EXPECT_TRUE(budget.take(10));
  EXPECT_FALSE(budget.take(1));
  budget.give_back(3);
  EXPECT_FALSE(budget.take(4));
  EXPECT_TRUE(budget.take(3));
}

}  // namespace
}  // namespace tlsrpt::milter
