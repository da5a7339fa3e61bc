// SPDX-License-Identifier: BSD-2-Clause
#include "sender/check_command.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

Result<CheckCommand> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "opentlsrpt-check");
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  return parse_check_command(static_cast<int>(words.size()), raw.data());
}

TEST(CheckCommand, everything_at_once) {
  const auto command =
      parse({"-c", "/x.conf", "-q", "-6", "--json", "--connect", "[2001:db8::1]:2525", "--port",
             "26", "--timeout", "7", "--nameserver", "192.0.2.1", "--nameserver", "192.0.2.2",
             "--trust-file", "/ca.pem", "M\xc3\xbcller.Example.", "b.example"});
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->config_file, "/x.conf");
  EXPECT_TRUE(command->quiet && command->json);
  EXPECT_EQ(command->settings.family, AddressFamily::ipv6);
  EXPECT_EQ(command->settings.connect_to, "2001:db8::1");
  EXPECT_EQ(command->settings.connect_port, 2525);
  EXPECT_EQ(command->settings.port, 26);
  EXPECT_EQ(command->settings.timeout, std::chrono::seconds(7));
  EXPECT_EQ(command->nameservers, (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(command->trust_file, "/ca.pem");
  EXPECT_EQ(command->domains, (std::vector<std::string>{"xn--mller-kva.example", "b.example"}));
}

TEST(CheckCommand, the_complaint_names_what_is_wrong) {
  const auto detail = [](std::vector<std::string> words) {
    return parse(std::move(words)).error().detail;
  };
  EXPECT_NE(detail({"--help"}).find("--help"), std::string::npos);
  EXPECT_NE(detail({"-qx", "a.example"}).find("-x "), std::string::npos);
  EXPECT_NE(detail({"a.example", "--port"}).find("--port"), std::string::npos);
  EXPECT_NE(detail({"-c"}).find("-c "), std::string::npos);
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    EXPECT_NE(detail({address}).find("is an address"), std::string::npos);
  }
}

TEST(CheckCommand, what_makes_no_sense_is_refused) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"--port", "0", "a.example"},
                                             {"--port", "65536", "a.example"},
                                             {"--timeout", "1h", "a.example"},
                                             {"--connect", "/run/socket", "a.example"},
                                             {"--connect", "lmtp:x", "a.example"},
                                             {"--connect", "x", "--no-connect", "a.example"},
                                             {"--json", "--publish", "a.example"},
                                             {"--unknown", "a.example"},
                                             {"-c"},
                                             {"a b"}}) {
    EXPECT_FALSE(parse(words).has_value());
  }
}

}  // namespace
}  // namespace tlsrpt::sender
