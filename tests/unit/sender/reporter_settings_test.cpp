// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_settings.hpp"

#include <sys/stat.h>

#include <fstream>

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

class ReporterSettingsTest : public ::testing::Test {
 protected:
  ReporterSettingsTest() {
    std::filesystem::copy_file(TEST_DATA_DIR "/dkim/rsa2048.pem", key_file());
    set_mode(0600);
  }
  [[nodiscard]] std::string key_file() const { return folder.path() + "/key.pem"; }
  void set_mode(mode_t mode) { ASSERT_EQ(::chmod(key_file().c_str(), mode), 0); }

  [[nodiscard]] std::string good() const {
    return "OrganizationName Sender Org\n"
           "ContactInfo tlsrpt@Sender.Example\n"
           "Selector s1\n"
           "Nameserver 127.0.0.1:5353\n"
           "KeyFile " +
           key_file() + "\n";
  }
  static ReadSettings read(const std::string& text, Purpose purpose = Purpose::send) {
    const ReadConfig config = read_config_text(text, "test.conf");
    EXPECT_TRUE(config.problems.empty());
    return read_reporter_settings(config.config, purpose, "mx.sender.example");
  }
  static std::vector<std::string> problems(const std::string& text,
                                           Purpose purpose = Purpose::send) {
    std::vector<std::string> keys;
    for (const ConfigProblem& problem : read(text, purpose).problems) {
      keys.push_back(problem.text.substr(0, problem.text.find(':')));
    }
    return keys;
  }

  TempDir folder;
};

using Keys = std::vector<std::string>;

TEST_F(ReporterSettingsTest, a_short_configuration_is_enough_and_fills_the_rest) {
  const ReadSettings read_settings = read(good());
  ASSERT_TRUE(read_settings.problems.empty()) << read_settings.problems[0].text;
  EXPECT_EQ(read_settings.keys.size(), 1u);
  EXPECT_TRUE(read_settings.warnings.empty());
  const ReporterIdentity& identity = read_settings.settings.identity;
  EXPECT_EQ(identity.submitter, "sender.example");
  EXPECT_EQ(identity.from, "tlsrpt@Sender.Example");
  EXPECT_EQ(identity.envelope_sender, identity.from);
  EXPECT_EQ(read_settings.settings.database, "/var/lib/opentlsrpt/outbound.db");
  const Relay local{Relay::Protocol::smtp, "127.0.0.1", 25, ""};
  EXPECT_EQ(read_settings.settings.smtp.relays, std::vector<Relay>{local});
  EXPECT_EQ(read_settings.settings.smtp.ehlo_name, "mx.sender.example");
}

TEST_F(ReporterSettingsTest, everything_that_is_missing_is_told_at_once) {
  EXPECT_EQ(problems("Nameserver 127.0.0.1\n"),
            (Keys{"OrganizationName", "ContactInfo", "Selector", "KeyFile"}));  // R184
}

TEST_F(ReporterSettingsTest, a_value_that_cannot_be_used_is_named_with_its_line) {
  const ReadSettings read_settings = read(good() +
                                          "Nameserver not-an-address\n"
                                          "SMTPServer mx:0\n"
                                          "EnvelopeSender nobody\n");
  std::vector<std::string> places;
  for (const ConfigProblem& problem : read_settings.problems) {
    const std::string text = problem.to_string();
    places.push_back(text.substr(0, text.find(": ", text.find(": ") + 1)));
  }
  EXPECT_EQ(places, (std::vector<std::string>{"test.conf:6: Nameserver", "test.conf:7: SMTPServer",
                                              "test.conf:8: EnvelopeSender"}));
}

TEST_F(ReporterSettingsTest, a_preview_needs_no_key) {
  const std::string text =
      "OrganizationName Org\nContactInfo a@sender.example\nNameserver 127.0.0.1\n";
  EXPECT_TRUE(problems(text, Purpose::preview).empty());
  EXPECT_EQ(problems(text, Purpose::send), (Keys{"Selector", "KeyFile"}));
}

TEST_F(ReporterSettingsTest, all_names_of_the_reporter_are_in_one_domain) {
  EXPECT_EQ(problems(good() + "ReportFrom a@other.example\n"), Keys{"ReportFrom"});  // R126
  EXPECT_EQ(problems(good() + "Domain other.example\n"), Keys{"Domain"});            // R185
  EXPECT_EQ(problems(good() + "Domain sender.example\nReportFrom x@SENDER.example\n"), Keys{});
  EXPECT_EQ(problems(good() + "EnvelopeSender b@bounces.other.example\n"), Keys{});
}

TEST_F(ReporterSettingsTest, what_cannot_be_used_is_refused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"ReportFrom not-an-address\n", "ReportFrom"},
      {"EnvelopeSender <>\n", "EnvelopeSender"},
      {"Domain -\n", "Domain"},
      {"SMTPServer host:port\n", "SMTPServer"},
      {"Database oracle:x\n", "Database"},
      {"Nameserver not/an/address\n", "Nameserver"},
      {"PostNetworks 192.0.2.0/40\n", "PostNetworks"},
  };
  for (const auto& [line, key] : cases) EXPECT_EQ(problems(good() + line), Keys{key}) << line;
}

TEST_F(ReporterSettingsTest, contact_info_must_be_an_address_with_a_full_domain) {
  // R62: nothing but an addr-spec
  for (const char* address :
       {"Postmaster <p@sender.example>", "<p@sender.example>", "mailto:p@sender.example",
        "p@sender.example\nX", "p@localhost", "p@", "sender.example"}) {
    Config values;
    ASSERT_TRUE(values.set(Key::contact_info, address));
    ASSERT_TRUE(values.set(Key::organization_name, "Org"));
    ASSERT_TRUE(values.set(Key::nameserver, "127.0.0.1"));
    const auto read = read_reporter_settings(values, Purpose::preview, "mx");
    ASSERT_EQ(read.problems.size(), 1u) << address;
    EXPECT_TRUE(read.problems[0].text.starts_with("ContactInfo:")) << read.problems[0].text;
  }
}

TEST_F(ReporterSettingsTest, a_key_that_others_can_read_is_warned_about) {
  set_mode(0644);
  const ReadSettings settings = read(good());
  EXPECT_TRUE(settings.problems.empty());
  EXPECT_EQ(settings.warnings.size(), 1u);
}

TEST_F(ReporterSettingsTest, a_missing_or_broken_key_is_a_problem) {
  std::ofstream(key_file()) << "no key";
  EXPECT_EQ(problems(good()), Keys{"KeyFile"});
  std::filesystem::remove(key_file());
  EXPECT_EQ(problems(good()), Keys{"KeyFile"});
}

TEST_F(ReporterSettingsTest, two_keys_have_a_selector_each) {
  const std::string ed25519 = folder.path() + "/ed25519.pem";
  std::filesystem::copy_file(TEST_DATA_DIR "/dkim/ed25519.pem", ed25519);
  ASSERT_EQ(::chmod(ed25519.c_str(), 0600), 0);
  const std::string second = "KeyFile " + ed25519 + "\n";
  const ReadSettings two = read(good() + second + "Selector S2\n");
  ASSERT_TRUE(two.problems.empty()) << two.problems[0].text;
  ASSERT_EQ(two.keys.size(), 2u);
  EXPECT_EQ(two.keys[1].selector, "s2");
  EXPECT_EQ(two.keys[1].key.algorithm(), "ed25519-sha256");
  EXPECT_EQ(problems(good() + second), Keys{"Selector"});
  EXPECT_EQ(problems(good() + "Selector s2\n"), Keys{"Selector"});
  EXPECT_EQ(problems(good() + second + "Selector s1\n"), Keys{"Selector"});
  EXPECT_EQ(problems(good() + "KeyFile key.pem\nSelector s2\n"), Keys{"KeyFile"});
}

TEST_F(ReporterSettingsTest, a_user_needs_a_password) {
  const std::string file = folder.path() + "/password";
  EXPECT_EQ(problems(good() + "SMTPUser reporter\n"), Keys{"SMTPPasswordFile"});
  const std::string text = good() + "SMTPUser reporter\nSMTPPasswordFile " + file + "\n";
  EXPECT_EQ(problems(text), Keys{"SMTPPasswordFile"});
  std::ofstream(file) << "\n";
  EXPECT_EQ(problems(text), Keys{"SMTPPasswordFile"});
  std::ofstream(file) << "se cret\r\nsecond line\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  const ReadSettings settings = read(text);
  EXPECT_TRUE(settings.problems.empty());
  EXPECT_TRUE(settings.warnings.empty());
  EXPECT_EQ(settings.settings.smtp.password, "se cret");
}

}  // namespace
}  // namespace tlsrpt::sender
