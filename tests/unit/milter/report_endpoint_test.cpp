// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_endpoint.hpp"

#include <gtest/gtest.h>

#include "common/gzip.hpp"
#include "milter/http_routes.hpp"
#include "milter/intake_service.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/milter/fake_log.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

using namespace std::chrono_literals;

struct FakeClock final : Clock {
  Seconds time{1'800'000'000s};
  [[nodiscard]] Seconds now() const override { return time; }
};

std::string json(std::string_view report_id = "1") {
  return fmt::format(
      R"({{"organization-name":"Sender","date-range":{{"start-datetime":"2026-03-01T00:00:00Z",)"
      R"("end-datetime":"2026-03-01T23:59:59Z"}},"contact-info":"tls@sender.example",)"
      R"("report-id":"{}","policies":[{{"policy":{{"policy-type":"sts","policy-domain":"x.example"}},)"
      R"("summary":{{"total-successful-session-count":7,"total-failure-session-count":0}}}}]}})",
      report_id);
}

/// The endpoint with the real intake and store behind it, without any socket.
class ReportEndpointTest : public testing::Test {
 protected:
  struct Post {
    std::string content_type = "application/tlsrpt+json";
    std::string content_encoding;
    std::string peer = "198.51.100.7";
    std::string method = "POST";
    std::string x_forwarded_for;
    std::optional<std::uint64_t> content_length;
  };

  HttpResponse send(const std::string& body) { return send(body, Post()); }
  HttpResponse send(const std::string& body, const Post& post) {
    HttpRequest request;
    request.method = post.method;
    request.path = "/report";
    request.peer = post.peer;
    request.content_type = post.content_type;
    request.content_encoding = post.content_encoding;
    request.x_forwarded_for = post.x_forwarded_for;
    request.content_length = post.content_length;
    HttpAdmission admission = endpoint_.admit(request);
    if (admission.refusal) return *admission.refusal;
    SpooledMessage spooled(budget_, admission.max_body);
    for (const char byte : body) spooled.append({&byte, 1});
    return endpoint_.answer(request, spooled, visit_);
  }

  static std::string field(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.fields) {
      if (key == name) return value;
    }
    return {};
  }

  ReceivedStore open_store() {
    return std::move(
        *ReceivedStore::open(folder_.file("received.db"), SqliteMode::read_write_create));
  }

  static MessageLimits small_limits() {
    MessageLimits limits;
    limits.gunzip.max_bytes = limits.report.max_bytes = 200'000;
    limits.gunzip.max_ratio = 100;
    limits.gunzip.ratio_floor = 50'000;
    return limits;
  }

  TempDir folder_;
  FakeClock clock_;
  FakeLog log_;
  FakeDns dns_;
  DirectMessageOpener opener_{small_limits()};
  IntakeService intake_{{}, {}, {opener_, dns_, clock_, log_}, open_store()};
  EndpointSettings settings_{100'000, 10, *parse_trusted_proxies({"192.0.2.1"})};
  SpoolBudget budget_{1u << 20};
  ReportEndpoint endpoint_{settings_, {intake_, clock_, log_}};
  HttpVisit visit_;
};

TEST_F(ReportEndpointTest, answers_201_once_and_200_for_the_same_report_again) {  // R174, R179
  const HttpResponse first = send(json());
  EXPECT_EQ(first.status, 201u);
  EXPECT_EQ(first.body, "stored\n");
  Post other;
  other.peer = "203.0.113.5";
  other.content_type = "application/tlsrpt+gzip";
  const HttpResponse second = send(gzip(json()), other);
  EXPECT_EQ(second.status, 200u);
  EXPECT_EQ(second.body, "duplicate\n");
  const auto listed = open_store().list({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  // R180: nobody vouches for it.
  EXPECT_EQ(listed->front().provenance.source, "https");
  EXPECT_EQ(listed->front().provenance.dkim, DkimStatus::none);
  EXPECT_EQ(listed->front().provenance.submitter, "sender.example");
}

TEST_F(ReportEndpointTest, takes_every_label_that_a_report_may_have) {  // R176, R177
  struct Row {
    const char* type;
    const char* encoding;
    bool packed;
    unsigned status;
    bool mismatch;
  };
  const Row rows[] = {
      {"application/tlsrpt+json", "", false, 201, false},
      {"application/tlsrpt+gzip", "", true, 201, false},
      {"APPLICATION/TLSRPT+GZIP ; x=y", "", true, 201, false},
      {"application/tlsrpt+gzip", "gzip", true, 201, false},
      {"application/tlsrpt+json", "gzip", true, 201, false},
      {"application/tlsrpt+json", "GZip", true, 201, false},
      {"application/tlsrpt+json", "identity", false, 201, false},
      {"application/json; charset=utf-8", "", false, 201, false},
      {"application/gzip", "", true, 201, false},
      {"application/x-gzip", "", true, 201, false},
      {"application/tlsrpt", "", true, 201, false},
      {"application/octet-stream", "", false, 201, false},
      {"application/octet-stream", "", true, 201, false},
      {"", "", true, 201, false},
      {"application/tlsrpt+gzip", "", false, 201, true},
      {"application/tlsrpt+json", "", true, 201, true},
      {"application/zip", "", false, 201, true},
      {"application/tlsrpt+json", "gzip", false, 201, true},
      {"application/x-www-form-urlencoded", "", false, 201, true},
      {"text/plain", "", false, 201, true},
      {"text/html", "", false, 415, false},
      {"multipart/form-data; boundary=x", "", false, 415, false},
      {"message/rfc822", "", false, 415, false},
      {"application/xml", "", false, 415, false},
      {"application/tlsrpt+jsonx", "", false, 415, false},
      {"application/tlsrpt+json", "br", false, 415, false},
      {"application/tlsrpt+json", "gzip,gzip", true, 415, false},
  };
  int number = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(fmt::format("{} {} {}", row.type, row.encoding, row.packed));
    clock_.time += 1min;
    const std::size_t before = log_.lines().size();
    const std::string text = json(std::to_string(++number));
    Post post;
    post.content_type = row.type;
    post.content_encoding = row.encoding;
    const HttpResponse response = send(row.packed ? gzip(text) : text, post);
    EXPECT_EQ(response.status, row.status);
    ASSERT_EQ(log_.lines().size(), before + 1);
    EXPECT_EQ(log_.lines().back().find("content-mismatch") != std::string::npos, row.mismatch);
    if (row.status == 415) {
      EXPECT_FALSE(field(response, "Accept").empty() && field(response, "Accept-Encoding").empty());
    }
  }
}

TEST_F(ReportEndpointTest, refuses_what_is_no_report_with_a_word_and_keeps_it) {
  struct Row {
    std::string body;
    unsigned status;
    const char* word;
  };
  const std::string broken = gzip(json()).substr(0, 60);
  const Row rows[] = {
      {"", 400, "empty\n"},
      {"<script>alert(1)</script>", 400, "not-json\n"},
      {"From: a@b.example\r\nSubject: a mail\r\n\r\n" + json(), 400, "not-json\n"},
      {"{\"a\":1}", 400, "not-a-report\n"},
      {"{", 400, "not-json\n"},
      {broken, 400, "gzip-damaged\n"},
      {gzip(std::string(150'000, ' ')), 413, "gzip-ratio\n"},  // R178
      {std::string(100'001, ' '), 413, "too-large\n"},         // R178: one beyond
      {std::string(100'000, ' '), 400, "empty\n"},             // at the limit it is read
  };
  std::size_t kept = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.word);
    clock_.time += 1min;
    const HttpResponse response = send(row.body);
    EXPECT_EQ(response.status, row.status);
    EXPECT_EQ(response.body, row.word) << "our words only, nothing of the stranger's";
    if (row.body.size() <= 100'000) ++kept;
  }
  const auto refused = open_store().list_refused({});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->size(), kept);
  EXPECT_EQ(refused->front().provenance.source, "https");
  EXPECT_TRUE(open_store().list({})->empty());
}

TEST_F(ReportEndpointTest, a_length_that_is_too_large_is_refused_before_the_body) {  // R178
  Post post;
  post.content_length = 100'001;
  EXPECT_EQ(send(json(), post).status, 413u);
  post.content_length = 100'000;
  EXPECT_EQ(send(json(), post).status, 201u);
  EXPECT_EQ(endpoint_.take_counters().at("https_refused_too_large"), 1u);
  EXPECT_TRUE(endpoint_.take_counters().empty());
}

TEST_F(ReportEndpointTest, takes_post_only) {  // R181
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post", "PRI"}) {
    Post post;
    post.method = method;
    const HttpResponse response = send(json(), post);
    EXPECT_EQ(response.status, 405u) << method;
    EXPECT_EQ(field(response, "Allow"), "POST");
  }
}

TEST_F(ReportEndpointTest, a_flood_from_one_source_gets_429_and_others_are_served) {  // R182
  for (int i = 0; i < 10; ++i) EXPECT_EQ(send(json(std::to_string(i))).status, 201u);
  const HttpResponse refused = send(json("11"));
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(field(refused, "Retry-After"), "6");
  Post other;
  other.peer = "198.51.100.8";
  EXPECT_EQ(send(json("12"), other).status, 201u);
  clock_.time += 6s;
  EXPECT_EQ(send(json("11")).status, 201u) << "the retry is stored";
}

TEST_F(ReportEndpointTest, counts_those_behind_a_trusted_proxy_one_by_one) {
  Post post;
  post.peer = "192.0.2.1";
  for (int i = 0; i < 30; ++i) {
    post.x_forwarded_for = fmt::format("203.0.113.{}", i / 10);
    EXPECT_EQ(send(json(std::to_string(i)), post).status, 201u);
  }
  EXPECT_EQ(send(json("31"), post).status, 429u);
  post.peer = "198.51.100.7";
  for (int i = 0; i < 10; ++i) {
    post.x_forwarded_for = fmt::format("203.0.113.{}", i);
    send(json(std::to_string(40 + i)), post);
  }
  EXPECT_EQ(send(json("60"), post).status, 429u) << "a stranger's header changes nothing";
}

TEST_F(ReportEndpointTest, says_503_when_memory_is_used_up_and_takes_it_later) {
  ASSERT_TRUE(budget_.take(budget_.left()));
  const HttpResponse response = send(json());
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(field(response, "Retry-After"), "300");
  budget_.give_back(1u << 20);
  EXPECT_EQ(send(json()).status, 201u);
}

TEST_F(ReportEndpointTest, writes_no_more_lines_about_strangers_than_a_log_can_bear) {
  Post post;
  post.method = "GET\n";
  for (int i = 0; i < 1000; ++i) send("", post);
  EXPECT_EQ(log_.lines().size(), 60u);
  for (const std::string& line : log_.lines()) EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(endpoint_.take_counters().at("https_refused_method"), 1000u);
  endpoint_.tell_suppressed();
  EXPECT_NE(log_.lines().back().find("http-refusals-suppressed lines=940"), std::string::npos);
  EXPECT_EQ(send(json()).status, 201u);
  EXPECT_NE(log_.lines().back().find("http-report"), std::string::npos)
      << "reports are always logged";
}

/// An intake that has a fault.
struct FailingTaker final : BodyTaker {
  IntakeResult take_body(std::string_view, const MailContext&) override { return {}; }
};

TEST(ReportEndpoint, says_503_when_a_report_cannot_be_stored) {
  FailingTaker taker;
  FakeClock clock;
  FakeLog log;
  ReportEndpoint endpoint({}, {taker, clock, log});
  SpoolBudget budget(1u << 20);
  SpooledMessage body(budget, 1000);
  body.append(json());
  HttpRequest request;
  request.method = "POST";
  HttpVisit visit;
  const HttpResponse response = endpoint.answer(request, body, visit);
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(response.fields.front().first, "Retry-After");
}

/// An intake whose store has had enough of this source.
struct SatedTaker final : BodyTaker {
  IntakeResult take_body(std::string_view, const MailContext&) override {
    IntakeResult result;
    result.disposition = Disposition::over_limit;
    return result;
  }
};

TEST(ReportEndpoint, tells_a_source_over_its_daily_limit_to_come_again_tomorrow) {  // R240
  SatedTaker taker;
  FakeClock clock;
  clock.time = Day(std::chrono::year(2026) / 3 / 5) + std::chrono::hours(23);
  FakeLog log;
  ReportEndpoint endpoint({}, {taker, clock, log});
  SpoolBudget budget(1u << 20);
  SpooledMessage body(budget, 1000);
  body.append(json());
  HttpRequest request;
  request.method = "POST";
  HttpVisit visit;
  const HttpResponse response = endpoint.answer(request, body, visit);
  EXPECT_EQ(response.status, 429u);
  EXPECT_EQ(response.body, "too-many-reports\n");
  ASSERT_EQ(response.fields.front().first, "Retry-After");
  EXPECT_EQ(response.fields.front().second, "3600");
}

/// Says which client's intake was asked.
struct ClientTaker final : BodyTaker {
  explicit ClientTaker(std::vector<int>& log, int number = 0) : asked(log), client(number) {}
  IntakeResult take_body(std::string_view, const MailContext&) override {
    asked.push_back(client);
    return {};
  }
  std::unique_ptr<BodyTaker> for_bodies_of_client() override {
    return std::make_unique<ClientTaker>(asked, ++clients);
  }
  std::vector<int>& asked;
  int client;
  int clients = 0;
};

TEST(ReportEndpoint, keeps_the_bodies_of_one_source_together_and_those_of_two_apart) {
  std::vector<int> asked;
  ClientTaker taker(asked);
  FakeClock clock;
  FakeLog log;
  ReportEndpoint endpoint({}, {taker, clock, log});
  SpoolBudget budget(1u << 20);
  SpooledMessage body(budget, 1000);
  body.append(json());
  HttpRequest request;
  request.method = "POST";
  HttpVisit proxy;
  HttpVisit other;
  for (const char* source : {"192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"}) {
    request.peer = source;
    endpoint.answer(request, body, proxy);
  }
  endpoint.answer(request, body, other);
  EXPECT_EQ(asked, (std::vector<int>{1, 1, 2, 3, 4}));
}

TEST(HttpRoutes, know_their_paths_and_no_others) {
  bool healthy = true;
  HealthPage page([&healthy] { return healthy; });
  HttpRoutes routes;
  routes.add("/health", page);
  SpoolBudget budget(1000);
  const SpooledMessage nothing(budget, 0);
  HttpVisit visit;
  HttpRequest request;
  request.method = "GET";
  request.path = "/health";
  EXPECT_FALSE(routes.admit(request).refusal);
  EXPECT_EQ(routes.answer(request, nothing, visit).status, 200u);
  healthy = false;
  EXPECT_EQ(routes.answer(request, nothing, visit).status, 503u);
  request.method = "POST";
  EXPECT_EQ(routes.admit(request).refusal->status, 405u);
  for (const char* path : {"", "/", "/health/", "/Health", "//health", "/healthy", "*"}) {
    request.path = path;
    ASSERT_TRUE(routes.admit(request).refusal) << path;
    EXPECT_EQ(routes.admit(request).refusal->status, 404u) << path;
    EXPECT_EQ(routes.answer(request, nothing, visit).status, 404u) << path;
  }
  EXPECT_EQ(routes.take_not_found(), 14u);
}

}  // namespace
}  // namespace tlsrpt::milter
