// SPDX-License-Identifier: BSD-2-Clause
#include "milter/socket_advice.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

// As Debian ships it, but for the services in between.
const std::string kMaster =
    "# service type  private unpriv  chroot  wakeup  maxproc command + args\n"
    "smtp      inet  n       -       y       -       -       smtpd\n"
    "  -o syslog_name=postfix/smtp\n"
    "#smtps    inet  n       -       n       -       -       smtpd\n"
    "pickup    unix  n       -       y       60      1       pickup\n";
const std::string kOpen =
    "smtp      inet  n       -       n       -       -       smtpd\n"
    "cleanup   unix  n       -       y       -       0       cleanup\n";

class SocketWarningsTest : public testing::Test {
 protected:
  SocketWarningsTest() {
    ::chmod(folder_.path().c_str(), 0755);
    settings_.socket.path = folder_.file("milter.sock");
    settings_.umask = 0;
    postfix_.folder = folder_.path();
    postfix_.user = "nobody";
    master(kOpen);
  }
  void master(const std::string& text) { std::ofstream(folder_.file("master.cf")) << text; }
  std::vector<std::string> warnings() { return socket_warnings(settings_, postfix_); }
  void expect_one(const std::string& part) {
    const auto found = warnings();
    ASSERT_EQ(found.size(), 1u) << (found.empty() ? "none" : found.back());
    EXPECT_NE(found.front().find(part), std::string::npos) << found.front();
  }

  TempDir folder_;
  MilterSettings settings_;
  PostfixPlace postfix_;
};

TEST_F(SocketWarningsTest, are_none_where_postfix_can_connect) {
  EXPECT_TRUE(warnings().empty()) << warnings().front();
}

TEST_F(SocketWarningsTest, name_the_folder_that_is_missing) {
  settings_.socket.path = folder_.file("missing/milter.sock");
  expect_one(folder_.file("missing"));
}

TEST_F(SocketWarningsTest, name_the_group_that_postfix_is_not_in) {
  settings_.umask = 0007;
  settings_.socket_group = 0;
  expect_one("nobody is not in the group root of the Socket: set SocketGroup");
  EXPECT_EQ(warnings().front().find("usermod"), std::string::npos) << "nobody should join root";
  settings_.socket_group = 1;
  expect_one("usermod -aG daemon nobody");
  settings_.umask = 0077;
  expect_one("UMask 0077");
}

TEST_F(SocketWarningsTest, know_the_group_of_the_socket) {
  settings_.umask = 0007;
  settings_.socket_group = static_cast<unsigned>(find_identity("nobody").value()->gid);
  EXPECT_TRUE(warnings().empty()) << warnings().front();
}

TEST_F(SocketWarningsTest, name_the_folder_that_postfix_cannot_enter) {
  std::filesystem::create_directory(folder_.file("closed"));
  ::chmod(folder_.file("closed").c_str(), 0700);
  settings_.socket.path = folder_.file("closed/milter.sock");
  expect_one("nobody cannot enter the folder " + folder_.file("closed"));
}

TEST_F(SocketWarningsTest, name_the_chroot) {
  master(kMaster);
  expect_one("local:/var/spool/postfix/opentlsrpt/milter.sock");
  std::ofstream(folder_.file("main.cf")) << "queue_directory = " << folder_.path() << "\n";
  EXPECT_TRUE(warnings().empty()) << "the socket is inside of it";
}

TEST_F(SocketWarningsTest, say_nothing_about_a_postfix_that_is_not_there) {
  std::filesystem::remove(folder_.file("master.cf"));
  settings_.umask = 0077;
  EXPECT_TRUE(warnings().empty());
}

TEST_F(SocketWarningsTest, call_a_port_for_everybody_one) {
  for (const auto& [host, warned] :
       std::vector<std::pair<std::string, bool>>{{"127.0.0.1", false},
                                                 {"localhost", false},
                                                 {"::1", false},
                                                 {"", true},
                                                 {"192.0.2.1", true}}) {
    settings_.socket =
        parse_stream_socket(host.empty() ? "inet:8895" : "inet:8895@" + host).value();
    EXPECT_EQ(warnings().size(), warned ? 1u : 0u) << host;
  }
}

TEST(SmtpdChroot, is_read_from_the_column_of_master_cf) {
  EXPECT_EQ(smtpd_chroot(kMaster, ""), "/var/spool/postfix");
  EXPECT_EQ(smtpd_chroot(kMaster, "a = b\nqueue_directory = /q\n"), "/q");
  EXPECT_EQ(smtpd_chroot(kOpen, ""), "");
  EXPECT_EQ(smtpd_chroot("smtp inet n - - - - smtpd\n", ""), "") << "since Postfix 3.0";
  EXPECT_EQ(smtpd_chroot("garbage\n\n \t\nsmtp inet\n", "queue_directory"), "");
}

}  // namespace
}  // namespace tlsrpt::milter
