// SPDX-License-Identifier: BSD-2-Clause
// Mails as gateways, forwarders and people who save files leave them: the report is found, and what
// was odd is flagged.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/gzip.hpp"
#include "common/message.hpp"
#include "tests/unit/common/report_mails.hpp"
#include "tests/unit/common/zip_builder.hpp"

namespace tlsrpt {
namespace {

std::string good_part() { return base64_part("application/tlsrpt+gzip", gzip(report_json())); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

std::string opened_file(const std::string& bytes) { return summary(open_file_bytes(bytes)); }

TEST(OpenMessage, reads_a_header_that_somebody_damaged) {
  const std::string good = mail_of({good_part()});
  const std::string type = "Content-Type: multipart";
  const struct {
    const char* what;
    std::string mail;
  } cases[] = {
      {"a field without its hyphen", replaced(good, "Content-Type", "ContentType")},
      {"a field with an underscore", replaced(good, "Content-Type", "content_type")},
      {"an encoding without hyphens",
       replaced(good, "Content-Transfer-Encoding", "ContentTransferEncoding")},
      {"a line without a colon", replaced(good, type, "no field\r\n" + type)},
      {"a field without a name", replaced(good, type, ": x\r\n:\r\n" + type)},
      {"a name in 8 bit", replaced(good, type, "X-\xe9: y\r\n" + type)},
      {"a type that says nothing first", replaced(good, type, "Content-Type:\r\n" + type)},
      {"another type first", replaced(good, type, "Content-Type: text/plain\r\n" + type)},
      {"CR only", replaced(good, "\r\n", "\r")},
      {"CR CR LF", replaced(good, "\r\n", "\r\r\n")},
      {"a byte order mark", "\xef\xbb\xbf" + good},
      {"empty lines before it", "\r\n\r\n" + good},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(opened(test.mail), "accepted r1 mail-damaged");
    EXPECT_EQ(opened_file(test.mail), "accepted r1 mail-damaged");
  }
}

TEST(OpenMessage, reads_a_header_with_bytes_that_matter_to_nobody) {
  const std::string good = mail_of({good_part()}, "Subject: x\r\n");
  const auto subject = [&good](const std::string& text) {
    return replaced(good, "Subject: x", "Subject: " + text);
  };
  for (const std::string& mail :
       {subject("\xe9\xff"), subject(std::string("a\0b", 3)), subject("a\rb"), subject(""),
        subject("a\r\n \t\r\n b"), subject(std::string(60'000, 'x')), "From x\r\n" + good,
        ">From x\r\n" + good, replaced(good, ": ", ":"), replaced(good, ": ", " :\t")}) {
    EXPECT_EQ(opened(mail), "accepted r1") << mail.substr(0, 200);
  }
}

TEST(OpenMessage, does_not_take_a_body_for_more_header) {
  const std::string json = report_json();
  EXPECT_EQ(opened("Content-Type: multipart/mixed; boundary=b\n\n--b\n" + json + "\n--b--\n"),
            "accepted r1")
      << "a part without header and without the empty line";
  const OpenedMessage message = open_message("A: b\nText.\n\nSubject: not this one\n");
  EXPECT_EQ(message.facts.subject, "");
}

TEST(OpenMessage, finds_the_parts_although_the_boundary_is_another) {
  const std::string good = mail_of({part("X: y", "text"), good_part()});
  for (const char* boundary : {"boundary=other", "boundary=B", "boundary='b'", "boundary="}) {
    EXPECT_EQ(opened(replaced(good, "boundary=b", boundary)), "accepted r1 content-mismatch")
        << boundary;
  }
  const std::string inner =
      "Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n" + good_part() + "--y--\r\n";
  EXPECT_EQ(opened(mail_of({inner, part("X: y", "text")})), "accepted r1 content-mismatch");
  EXPECT_EQ(opened(mail_of({part("Content-Type: multipart/mixed; boundary=x", "--z\r\nno part"),
                            good_part()})),
            "accepted r1");
}

TEST(OpenMessage, finds_boundaries_that_begin_alike) {
  const auto nested = [](const std::string& outer, const std::string& inner) {
    return "Content-Type: multipart/mixed; boundary=" + outer + "\r\n\r\n--" + outer +
           "\r\nContent-Type: multipart/report; boundary=" + inner + "\r\n\r\n--" + inner + "\r\n" +
           good_part() + "--" + inner + "--\r\n--" + outer + "--\r\n";
  };
  EXPECT_EQ(opened(nested("b", "b1")), "accepted r1");
  EXPECT_EQ(opened(nested("b1", "b")), "accepted r1");
  EXPECT_EQ(opened(nested("b", "b")), "accepted r1");
  EXPECT_EQ(opened(nested(std::string(10'000, 'x'), "b")), "accepted r1");
}

TEST(OpenMessage, opens_a_forwarded_mail_by_its_file_name) {
  const std::string inner = mail_of({good_part()});
  EXPECT_EQ(opened(mail_of({base64_part("application/octet-stream; name=a.eml", inner)})),
            "accepted r1 forwarded-message");
  EXPECT_EQ(opened(mail_of({part("Content-Type: x/y; name=A.EML",
                                 single("Content-Type: text/plain", report_json()))})),
            "accepted r1 forwarded-message");
  EXPECT_EQ(opened(mail_of({base64_part("x/y; name=a.eml", report_json())})), "accepted r1")
      << "what is no mail is read as what it is";
}

TEST(OpenMessage, undoes_base64_that_is_not_announced) {
  const std::string json = report_json();
  const std::string gz = gzip(json);
  for (const char* encoding : {"7bit", "8bit", "quoted-printable", "x-unknown"}) {
    for (const std::string& bytes : {json, gz}) {
      const std::string fields = std::string("Content-Type: application/tlsrpt+") +
                                 (bytes == gz ? "gzip" : "json") +
                                 "\r\nContent-Transfer-Encoding: " + encoding;
      const std::string damaged = encoding == std::string("x-unknown") ? " mail-damaged" : "";
      EXPECT_EQ(opened(mail_of({part(fields, base64_encode(bytes))})),
                "accepted r1 content-mismatch" + damaged)
          << encoding;
    }
  }
  EXPECT_EQ(opened(mail_of({base64_part("application/tlsrpt+gzip", base64_encode(gz))})),
            "accepted r1 content-mismatch")
      << "encoded twice";
  EXPECT_EQ(opened_file(base64_encode(gz)), "accepted r1 content-mismatch");
  EXPECT_EQ(opened_file(base64_encode(json)), "accepted r1 content-mismatch");
}

TEST(OpenMessage, reads_a_part_by_its_bytes_if_its_encoding_is_another) {
  const std::string json = report_json();
  const auto encoded = [](const std::string& encoding, const std::string& body) {
    return opened(
        mail_of({part("Content-Type: application/tlsrpt+json\r\n"
                      "Content-Transfer-Encoding: " +
                          encoding,
                      body)}));
  };
  EXPECT_EQ(encoded("base64", json), "accepted r1 content-mismatch");
  EXPECT_EQ(encoded("base64", gzip(json)), "accepted r1 content-mismatch");
  EXPECT_EQ(encoded("quoted-printable", gzip(json)), "accepted r1 content-mismatch");
  EXPECT_EQ(encoded("bit-7", json), "accepted r1 mail-damaged");
  EXPECT_EQ(encoded("\"BASE64\" ", base64_encode(json)), "accepted r1");
  const std::string soft = json.substr(0, 30) + "=\r\n" + json.substr(30, 20) + "=\r\n";
  EXPECT_EQ(encoded("8bit", soft + json.substr(50)), "accepted r1 content-mismatch");
}

TEST(OpenMessage, flags_signs_that_base64_does_not_have) {
  const std::string json = report_json("r1", "\xc3\xbf\xc3\xbf.\xc3\xbe>>>???");
  const auto encoded = [](const std::string& body) {
    return opened(
        mail_of({part("Content-Type: application/tlsrpt+json\r\n"
                      "Content-Transfer-Encoding: base64",
                      body)}));
  };
  const std::string usual = base64_encode(json);
  const std::string for_urls = replaced(replaced(usual, "+", "-"), "/", "_");
  ASSERT_NE(usual, for_urls);
  EXPECT_EQ(encoded(usual), "accepted r1 invalid-policy-domain");
  EXPECT_EQ(encoded(for_urls), "accepted r1 invalid-policy-domain mail-damaged");
  EXPECT_EQ(encoded("> " + usual.substr(0, 40) + "\r\n> " + usual.substr(40)),
            "accepted r1 invalid-policy-domain mail-damaged");
}

TEST(OpenMessage, reads_a_part_with_a_line_before_its_header) {
  EXPECT_EQ(opened(mail_of({"no field\r\n" + good_part()})), "accepted r1 mail-damaged");
  EXPECT_EQ(opened(mail_of({"no field\r\nnor this\r\n" + good_part()})), "no-report-part");
  const std::string behind = replaced(good_part(), "\r\n\r\n", "\r\nfilename=x.gz\r\n\r\n");
  EXPECT_EQ(opened(mail_of({behind})), "accepted r1 mail-damaged");
  EXPECT_EQ(opened(mail_of({replaced(good_part(), "\r\n\r\n", "\r\n")})),
            "accepted r1 mail-damaged")
      << "no empty line at all";
}

TEST(OpenMessage, finds_the_parts_although_no_type_speaks_of_any) {
  const std::string body =
      "--b\r\n" + part("Content-Type: text/plain", "text") + "--b\r\n" + good_part() + "--b--\r\n";
  for (const std::string type :
       {"", "Content-Type: text/plain\r\n", "Content-Type: junk\r\n",
        "Content-Type: multipart; boundary=b\r\n", "Content-Type: application/octet-stream\r\n"}) {
    EXPECT_EQ(opened("From: a@sender.example\r\n" + type + "\r\n" + body),
              "accepted r1 content-mismatch")
        << type;
  }
  EXPECT_EQ(opened("From: a@sender.example\r\n\r\nHello,\r\n" + body), "no-report-part");
  EXPECT_EQ(opened("From: a@sender.example\r\n\r\n--\r\n" + body), "no-report-part");
}

TEST(OpenMessage, flags_another_shape_than_that_of_the_rfc) {
  const auto is_flagged = [](const std::string& mail) {
    const OpenedMessage message = open_message(mail);
    EXPECT_TRUE(message.outcomes.at(0).accepted());
    return message.outcomes.at(0).flags.has(Flag::mail_shape);
  };
  const std::string good = mail_of({part("X: y", "text"), good_part()});
  EXPECT_FALSE(is_flagged(good));
  EXPECT_FALSE(is_flagged(mail_of({part("Content-Type: Application/TLSRPT+JSON", report_json())})));
  EXPECT_TRUE(is_flagged(replaced(good, "multipart/report", "multipart/mixed")));
  EXPECT_TRUE(is_flagged(replaced(good, "report-type=tlsrpt; ", "")));
  EXPECT_TRUE(is_flagged(replaced(good, "application/tlsrpt+gzip", "application/gzip")));
  EXPECT_TRUE(is_flagged(single("Content-Type: application/tlsrpt+json", report_json())));
  EXPECT_TRUE(is_flagged(single("Content-Type: text/plain", report_json())));
}

TEST(OpenMessage, reads_utf_16_and_keeps_its_bytes) {
  const std::string json = replaced(report_json(), "Sender", "S\xc3\xa9nd\xf0\x9f\x93\xa7");
  std::u16string units;
  for (const char c : replaced(json, "S\xc3\xa9nd\xf0\x9f\x93\xa7", "#")) {
    if (c == '#')
      units += u"S\u00e9nd\U0001F4E7";
    else
      units += static_cast<char16_t>(c);
  }
  const auto encoded = [&units](bool big, bool mark) {
    std::string text;
    for (const char16_t unit : mark ? u"\ufeff" + units : units) {
      const char high = static_cast<char>(unit >> 8);
      const char low = static_cast<char>(unit & 0xff);
      text += big ? high : low;
      text += big ? low : high;
    }
    return text;
  };
  for (const bool big : {false, true}) {
    for (const bool mark : {false, true}) {
      const std::string text = encoded(big, mark);
      const auto outcomes = open_file_bytes(gzip(text));
      EXPECT_EQ(summary(outcomes), "accepted r1 utf-16");
      EXPECT_EQ(outcomes.at(0).report.organization_name, "S\xc3\xa9nd\xf0\x9f\x93\xa7");
      EXPECT_EQ(outcomes.at(0).json, text);
    }
  }
  EXPECT_EQ(opened_file(encoded(true, true).substr(0, 100)), "not-json");
  EXPECT_EQ(opened_file(encoded(false, true) + "x"), "not-json") << "half a unit";
}

TEST(OpenMessage, keeps_the_report_of_an_archive_beside_members_that_are_none) {
  const std::string json = report_json();
  const auto zipped = [](const std::vector<ZipTestMember>& members) {
    return opened_file(build_zip(members));
  };
  EXPECT_EQ(zipped({{"a.json", json}, {"__MACOSX/._a.json", "\x05\x16\x07"}}), "accepted r1");
  EXPECT_EQ(zipped({{"package.json", "{}"}, {"empty.json", ""}, {"a.json", json}}), "accepted r1");
  EXPECT_EQ(zipped({{"package.json", "{}"}}), "not-a-report");
  EXPECT_EQ(zipped({{"a.zip", build_zip({{"a.json", json}})}}), "accepted r1");
  EXPECT_EQ(zipped({{"a.json", json}, {"b.json", json + " ", 8, 0, 0, 0, 1}}),
            "accepted r1; zip-damaged")
      << "damage is never passed over";
  EXPECT_EQ(zipped({{"a.json", json}, {"b.json", json.substr(0, 20)}}), "accepted r1; not-json")
      << "nor is a report that was cut short";
}

TEST(OpenMessage, looks_at_other_members_of_an_archive_if_no_named_one_is_a_report) {
  const std::string json = report_json();
  const auto zipped = [](const std::vector<ZipTestMember>& members) {
    return opened_file(build_zip(members));
  };
  EXPECT_EQ(zipped({{"report.txt", json}, {"data.json", "{\"a\":1}"}}), "accepted r1");
  EXPECT_EQ(zipped({{"report", json}, {"x.json", ""}}), "accepted r1");
  EXPECT_EQ(zipped({{"report.txt", json}, {"a.json", report_json("r2")}}), "accepted r2")
      << "what is named is enough";
  EXPECT_EQ(zipped({{"a.json", json.substr(0, 20)}, {"b", "PK\x03\x04"}}), "not-json");
  EXPECT_EQ(zipped({{"a.json", json.substr(0, 20)}, {"b.txt", json}}), "not-json; accepted r1");
}

TEST(OpenMessage, compares_the_file_name_with_the_report) {  // R223
  const std::string json = report_json();
  const auto named = [&json](const std::string& fields) {
    return opened(mail_of({part("Content-Type: application/tlsrpt+json\r\n" + fields, json)}));
  };
  const std::string right = "sender.example!policy.example!1772323200!1772409599.json";
  const std::string wrong = "other.example!policy.example!1772323200!1772409599.json";
  const std::string as_file = "Content-Disposition: attachment; filename=";
  EXPECT_EQ(named(as_file + right), "accepted r1");
  EXPECT_EQ(named(as_file + "mail." + right), "accepted r1") << "of the same organisation";
  EXPECT_EQ(named(as_file + wrong), "accepted r1 filename-mismatch");
  EXPECT_EQ(named("Content-Description: " + wrong), "accepted r1 filename-mismatch");
  EXPECT_EQ(named(as_file + "report.json"), "accepted r1");
}

TEST(OpenMessage, finds_no_report_where_there_is_none) {
  const std::string dmarc = "<?xml version=\"1.0\"?><feedback></feedback>";
  const std::string zip = build_zip({{"google.com!example.com!1!2.xml", dmarc}});
  const struct {
    const char* what;
    std::string mail;
    const char* summary;
  } cases[] = {
      {"DMARC in zip", mail_of({base64_part("application/zip", zip)}), "not-json"},
      {"DMARC in gzip", mail_of({base64_part("application/gzip", gzip(dmarc))}), "not-json"},
      {"JSON of another kind", mail_of({base64_part("application/json", "{\"a\":1}")}),
       "not-a-report"},
      {"a bounce",
       mail_of({part("X: y", "Sorry"), part("Content-Type: message/delivery-status", "A: b"),
                part("Content-Type: text/rfc822-headers", "From: a@b")}),
       "no-report-part"},
      {"an invitation", mail_of({part("Content-Type: text/calendar", "BEGIN:VCALENDAR")}),
       "no-report-part"},
      {"a document", mail_of({base64_part("x/y; name=a.docx", build_zip({{"a.xml", "<a/>"}}))}),
       "not-json"},
      {"a token", mail_of({part("X: y", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln")}),
       "no-report-part"},
      {"zlib", mail_of({base64_part("application/tlsrpt+gzip", "\x78\x9c\x03\x01")}), "not-json"},
      {"a quoted forward", single("Subject: Fwd", "> " + replaced(good_part(), "\n", "\n> ")),
       "no-report-part"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(opened(test.mail), test.summary);
  }
}

}  // namespace
}  // namespace tlsrpt
