// SPDX-License-Identifier: BSD-2-Clause
#include "sender/key_commands.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "common/dkim_keygen.hpp"
#include "sender/new_file.hpp"
#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

SigningKey load(const std::string& selector, const std::string& path) {
  return {selector, DkimKey::from_pem(read_file(path, 1 << 16).value()).value()};
}

SigningKey test_key(const std::string& selector, const std::string& name) {
  return load(selector, TEST_DATA_DIR "/dkim/" + name + ".pem");
}

GenkeyRequest request(const std::string& path) {
  return {{KeyKind::Type::ed25519}, "s1", "sender.example", path};
}

/// The strings of a zone line put together, as DNS gives them back.
std::string record_of(const std::string& line) {
  std::string record;
  bool inside = false;
  for (const char c : line) {
    if (c == '"') {
      inside = !inside;
    } else if (inside) {
      record += c;
    }
  }
  return record;
}

/// Files that this process writes end after so many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(Genkey, what_it_prints_and_what_it_writes_belong_together) {
  for (const KeyKind::Type type : {KeyKind::Type::rsa, KeyKind::Type::ed25519}) {
    const TempDir folder;
    GenkeyRequest wanted = request(folder.file("k.pem"));
    wanted.kind.type = type;
    const CommandResult made = genkey(wanted);
    ASSERT_EQ(made.exit, Exit::ok) << made.messages;
    EXPECT_TRUE(made.output.starts_with("s1._domainkey.sender.example. IN TXT ( \"v=DKIM1; "));
    FakeDns dns;
    dns.add_txt("s1._domainkey.sender.example", record_of(made.output));
    std::vector<SigningKey> keys;
    keys.push_back(load("s1", wanted.path));
    const CommandResult tested = testkey(dns, keys, "sender.example");
    EXPECT_EQ(tested.exit, Exit::ok) << tested.output;
    EXPECT_NE(tested.output.find(" matches nothing to do\n"), std::string::npos) << tested.output;
  }
}

TEST(Genkey, only_its_owner_can_read_the_file) {
  const TempDir folder;
  ASSERT_EQ(genkey(request(folder.file("k.pem"))).exit, Exit::ok);
  struct stat status{};
  ASSERT_EQ(::stat(folder.file("k.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST(Genkey, says_what_to_do_next) {
  const TempDir folder;
  const std::string messages = genkey(request(folder.file("gone/k.pem"))).messages;
  EXPECT_NE(messages.find("choose another file with --output"), std::string::npos) << messages;
  const std::string next = genkey(request(folder.file("./k.pem"))).messages;
  EXPECT_NE(next.find("KeyFile   " + folder.file("k.pem") + "\n"), std::string::npos) << next;
  EXPECT_NE(next.find("Selector  s1\n"), std::string::npos) << next;
  EXPECT_NE(next.find("opentlsrpt-reporter testkey\n"), std::string::npos) << next;
}

TEST(Genkey, never_overwrites_a_file_or_follows_a_link) {
  const TempDir folder;
  ASSERT_TRUE(write_new_file(folder.file("k.pem"), "precious"));
  std::filesystem::create_symlink(folder.file("away.pem"), folder.file("link.pem"));
  for (const std::string name : {"k.pem", "link.pem"}) {
    const CommandResult result = genkey(request(folder.file(name)));
    EXPECT_EQ(result.exit, Exit::cannot_create);
    EXPECT_EQ(result.output, "");
    EXPECT_NE(result.messages.find("exists already"), std::string::npos) << result.messages;
  }
  EXPECT_EQ(read_file(folder.file("k.pem"), 100).value(), "precious");
  EXPECT_FALSE(std::filesystem::exists(folder.file("away.pem")));
}

TEST(Genkey, leaves_nothing_behind_when_the_disk_is_full) {
  const TempDir folder;
  CommandResult result;
  {
    const FileSizeLimit limit(10);
    result = genkey(request(folder.file("k.pem")));
  }
  EXPECT_EQ(result.exit, Exit::cannot_create);
  EXPECT_EQ(result.output, "");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Testkey, prints_a_line_for_each_key_and_the_records_that_should_be_there) {
  std::vector<SigningKey> keys;
  keys.push_back(test_key("s1", "rsa2048"));
  keys.push_back(test_key("s2", "ed25519"));
  FakeDns dns;
  dns.add_txt("s1._domainkey.sender.example", key_record(keys[0].key));
  const CommandResult result = testkey(dns, keys, "sender.example");
  EXPECT_EQ(result.exit, Exit::unavailable);
  EXPECT_EQ(result.output,
            "s1 sender.example rsa-sha256 matches nothing to do\n"
            "s2 sender.example ed25519-sha256 no-record there is no TXT record "
            "s2._domainkey.sender.example, so receivers ignore the reports; publish what testkey "
            "prints\n");
  EXPECT_EQ(result.messages, "In the zone there should be:\n" +
                                 zone_line("s2", "sender.example", key_record(keys[1].key)) + "\n");
}

TEST(Testkey, exits_with_75_if_dns_cannot_tell_and_nothing_is_known_to_be_wrong) {
  std::vector<SigningKey> keys;
  keys.push_back(test_key("s1", "rsa2048"));
  keys.push_back(test_key("s2", "ed25519"));
  FakeDns dns;
  dns.txt_answers["s1._domainkey.sender.example"] = FakeDns::failed<std::string>("SERVFAIL");
  EXPECT_EQ(testkey(dns, keys, "sender.example").exit, Exit::unavailable);
  dns.add_txt("s2._domainkey.sender.example", key_record(keys[1].key));
  EXPECT_EQ(testkey(dns, keys, "sender.example").exit, Exit::temporary);
}

TEST(Testkey, warnings_do_not_change_the_exit_code) {  // R205
  std::vector<SigningKey> keys;
  keys.push_back(test_key("s1", "rsa1024"));
  FakeDns dns;
  dns.add_txt("s1._domainkey.sender.example", "s=tlsrpt; p=" + keys[0].key.public_key_base64());
  const CommandResult result = testkey(dns, keys, "sender.example");
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_NE(result.output.find(" matches warning: ordinary mail filters"), std::string::npos);
  EXPECT_NE(result.output.find("; warning: an RSA key of 1024 bits"), std::string::npos);
}

TEST(Testkey, text_of_dns_cannot_reach_the_terminal_raw) {
  std::vector<SigningKey> keys;
  keys.push_back(test_key("s1", "ed25519"));
  FakeDns dns;
  dns.txt_answers["s1._domainkey.sender.example"] =
      FakeDns::failed<std::string>("SERVFAIL (\x1b[2J\nforged line)");
  const std::string output = testkey(dns, keys, "sender.example").output;
  EXPECT_EQ(output.find('\x1b'), std::string::npos);
  EXPECT_EQ(output.find('\n'), output.size() - 1);
}

}  // namespace
}  // namespace tlsrpt::sender
