// SPDX-License-Identifier: BSD-2-Clause
#include "common/daemon.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt {
namespace {

Result<DaemonOptions> parse(std::vector<std::string> words,
                            std::string_view letters = "cefnpuPlvVt") {
  words.insert(words.begin(), "program");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return parse_daemon_options(static_cast<int>(argv.size()), argv.data(), letters);
}

TEST(DaemonOptions, letters_may_stand_together_and_values_may_be_attached) {
  const auto options = parse({"-fnv", "-c/etc/x.conf", "-p", "inet:1@h", "-vt", "a,b", "--", "-x"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_TRUE(options->foreground);
  EXPECT_TRUE(options->check_only);
  EXPECT_EQ(options->verbose, 2);
  EXPECT_EQ(options->config_file, "/etc/x.conf");
  EXPECT_EQ(options->socket, "inet:1@h");
  EXPECT_EQ(parse({"-e", "Socket"})->key, "Socket");
  EXPECT_EQ(options->test_files, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options->arguments, (std::vector<std::string>{"-x"}));
}

TEST(DaemonOptions, unknown_letters_and_missing_values_are_refused) {
  EXPECT_FALSE(parse({"-z"}));
  EXPECT_FALSE(parse({"-fz"}));
  EXPECT_FALSE(parse({"-c"}));
  EXPECT_FALSE(parse({"-t", "x"}, "cfn"));
}

TEST(LoadConfig, the_command_line_wins_over_the_file) {
  const TempDir dir;
  std::ofstream(dir.file("c")) << "Socket local:/a\nUserID nobody\n";
  const auto options = parse({"-c", dir.file("c"), "-p", "local:/b"});
  ASSERT_TRUE(options);
  const ReadConfig read = load_config(*options, Key::socket);
  ASSERT_TRUE(read.problems.empty());
  EXPECT_EQ(read.config.text(Key::socket), "local:/b");
  EXPECT_EQ(read.config.text(Key::user_id), "nobody");
}

TEST(LoadConfig, a_bad_value_on_the_command_line_is_a_problem) {
  const TempDir dir;
  std::ofstream(dir.file("c")) << "";
  const auto options = parse({"-c", dir.file("c"), "-P", "relative"});
  const ReadConfig read = load_config(*options, Key::socket);
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_EQ(read.problems[0].to_string(), "option -P: \"relative\" is not an absolute path");
}

TEST(Identity, users_and_groups_are_found_by_name) {
  const auto root = find_identity("root:daemon");
  ASSERT_TRUE(root && root->has_value());
  EXPECT_EQ((*root)->uid, 0u);
  EXPECT_NE((*root)->gid, 0u);
  EXPECT_FALSE(find_identity("no-such-user-here"));
  EXPECT_FALSE(find_identity("root:no-such-group-here"));
  EXPECT_FALSE(find_identity("")->has_value());
}

TEST(PidFile, holds_the_number_as_long_as_the_process_wants_it) {
  const TempDir dir;
  const std::string path = dir.file("p.pid");
  {
    const auto file = PidFile::create(path);
    ASSERT_TRUE(file) << file.error().detail;
    std::ifstream in(path);
    int number = 0;
    in >> number;
    EXPECT_EQ(number, ::getpid());
    const auto second = PidFile::create(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::temporary);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(PidFile, that_cannot_be_removed_any_more_names_nobody) {
  const TempDir dir;
  const std::string path = dir.file("p.pid");
  auto file = std::make_optional(PidFile::create(path));
  ASSERT_TRUE(*file);
  // As where the right to remove it is gone: there is no such name.
  std::filesystem::create_directory(dir.file("kept"));
  std::filesystem::rename(path, dir.file("kept/p.pid"));
  file.reset();
  EXPECT_EQ(std::filesystem::file_size(dir.file("kept/p.pid")), 0u);
}

TEST(PidFile, a_stale_file_is_taken_over) {
  const TempDir dir;
  std::ofstream(dir.file("p.pid")) << "999999\nrubbish\n";
  EXPECT_TRUE(PidFile::create(dir.file("p.pid")));
}

TEST(PidFilePath, percent_p_is_the_program) {
  Config config;
  ASSERT_TRUE(config.set(Key::pid_file, "/run/x/%p.pid"));
  EXPECT_EQ(pid_file_path(config, "opentlsrpt-milter"), "/run/x/opentlsrpt-milter.pid");
}

}  // namespace
}  // namespace tlsrpt
