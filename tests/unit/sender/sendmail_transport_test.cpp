// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sendmail_transport.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "common/file.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

struct SendmailTransport : ::testing::Test {
  HandOverResult run(const std::string& script) {
    settings.sendmail_path = folder.file("sendmail");
    std::ofstream(settings.sendmail_path) << "#!/bin/sh\ncd " << folder.path() << "\n" << script;
    ::chmod(settings.sendmail_path.c_str(), 0700);
    return hand_over();
  }
  HandOverResult hand_over(std::string_view message = "To: a@b\r\n\r\n.\r\n..x\r\n") {
    return make_sendmail_transport(settings, stop)
        ->hand_over({"from@sender.example", "to@receiver.example"}, message);
  }
  std::string file(const std::string& name) {
    return read_file(folder.file(name), 1u << 20).value_or("none");
  }

  TempDir folder;
  SmtpSettings settings;
  StopSignal stop = StopSignal::create().value();
};

TEST_F(SendmailTransport, gives_the_program_the_message_and_nothing_of_ours) {
  ::setenv("OPENTLSRPT_TEST_SECRET", "x", 1);
  const HandOverResult result =
      run("echo \"$@\" > arguments\ncat > message\nenv | cut -d= -f1 | sort > environment\n");
  EXPECT_EQ(result.verdict, HandOver::accepted) << result.detail;
  EXPECT_EQ(file("arguments"), "-t -i -f from@sender.example\n");
  EXPECT_EQ(file("message"), "To: a@b\n\n.\n..x\n");
  EXPECT_EQ(file("environment").find("SECRET"), std::string::npos) << file("environment");
}

TEST_F(SendmailTransport, judges_by_the_exit_status) {
  struct Expected {
    int status;
    HandOver verdict;
    bool destination_refused;
    bool server_trouble;
  };
  using enum HandOver;
  for (const auto& [status, verdict, refused, trouble] :
       {Expected{0, accepted, false, false}, Expected{65, permanent, false, false},
        Expected{67, permanent, true, false}, Expected{68, permanent, true, false},
        Expected{75, temporary, false, false}, Expected{1, temporary, false, false},
        Expected{127, temporary, false, true}}) {
    const HandOverResult result = run(fmt::format("echo said; exit {}\n", status));
    EXPECT_EQ(result.verdict, verdict) << status;
    EXPECT_EQ(result.destination_refused, refused) << status;
    EXPECT_EQ(result.server_trouble, trouble) << status;
    EXPECT_NE(result.detail.find(fmt::format("exit status {}: said", status)), std::string::npos);
  }
}

TEST_F(SendmailTransport, keeps_the_beginning_of_what_the_program_says) {
  const HandOverResult result = run("echo one >&2; echo two; yes | head -c 1000000; exit 75\n");
  EXPECT_EQ(result.verdict, HandOver::temporary);
  EXPECT_NE(result.detail.find("one two"), std::string::npos) << result.detail;
  EXPECT_LE(result.detail.size(), 512U);
}

TEST_F(SendmailTransport, does_not_mind_a_program_that_reads_nothing) {
  run("exit 0\n");
  EXPECT_EQ(hand_over(std::string(5u << 20, 'x')).verdict, HandOver::accepted);
}

TEST_F(SendmailTransport, says_that_the_program_cannot_be_run) {
  settings.sendmail_path = folder.file("nothing");
  const HandOverResult result = hand_over();
  EXPECT_TRUE(result.verdict == HandOver::temporary && result.server_trouble);
  EXPECT_NE(result.detail.find("No such file"), std::string::npos) << result.detail;
}

TEST_F(SendmailTransport, ends_a_program_whose_time_is_over_even_if_it_does_not_listen) {
  settings.timeout = 1s;
  const auto begin = std::chrono::steady_clock::now();
  const HandOverResult result = run("trap '' TERM\nwhile :; do sleep 60; done\n");
  EXPECT_EQ(result.verdict, HandOver::temporary);
  EXPECT_NE(result.detail.find("signal 9"), std::string::npos) << result.detail;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(SendmailTransport, does_not_wait_when_this_program_is_to_end) {
  stop.request();
  const HandOverResult result = run("exec sleep 60\n");
  EXPECT_EQ(result.verdict, HandOver::aborted);
}

}  // namespace
}  // namespace tlsrpt::sender
