// SPDX-License-Identifier: BSD-2-Clause
#include "milter/input_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

using Files = std::vector<std::string>;

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(InputFiles, files_and_standard_input_stand_for_themselves) {
  const TempDir directory;
  write(directory.file("a"), "x");
  EXPECT_EQ(input_files(directory.file("a")).value(), Files{directory.file("a")});
  EXPECT_EQ(input_files("-").value(), Files{"-"});
}

TEST(InputFiles, a_missing_file_is_an_error) {
  const TempDir directory;
  const auto files = input_files(directory.file("missing"));
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ErrorCode::not_found);
}

TEST(InputFiles, a_folder_stands_for_its_regular_files) {
  const TempDir directory;
  write(directory.file("b.eml"), "x");
  write(directory.file("a.json"), "x");
  write(directory.file(".hidden"), "x");
  std::filesystem::create_directory(directory.file("below"));
  write(directory.file("below/c"), "x");
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", directory.file("dangling"));
  EXPECT_EQ(input_files(directory.path()).value(),
            (Files{directory.file("a.json"), directory.file("b.eml")}));
}

TEST(InputFiles, a_maildir_stands_for_its_messages) {
  const TempDir directory;
  for (const char* folder : {"cur", "new", "tmp"}) {
    std::filesystem::create_directory(directory.file(folder));
  }
  write(directory.file("cur/1.host:2,S"), "x");
  write(directory.file("new/2.host"), "x");
  write(directory.file("tmp/3.host"), "x");
  write(directory.file("dovecot-uidlist"), "x");
  EXPECT_EQ(input_files(directory.path()).value(),
            (Files{directory.file("cur/1.host:2,S"), directory.file("new/2.host")}));
}

TEST(InputFiles, reads_up_to_the_limit) {
  const TempDir directory;
  for (const std::string bytes : {"", "1", "12345", "1234567890"}) {
    write(directory.file("a"), bytes);
    EXPECT_EQ(read_input(directory.file("a"), 10).value(), bytes);
  }
  write(directory.file("a"), "12345678901");
  EXPECT_EQ(read_input(directory.file("a"), 10).error().code, ErrorCode::limit_exceeded);
}

TEST(InputFiles, an_mbox_may_be_larger_than_one_message) {
  const TempDir directory;
  const std::string mbox = "From a@b.example Sun Mar  1 00:00:00 2026\n";
  write(directory.file("a"), mbox);
  EXPECT_EQ(read_input(directory.file("a"), 10).value(), mbox);
}

TEST(InputFiles, an_unreadable_file_is_an_error_and_not_a_limit) {
  const TempDir directory;
  EXPECT_EQ(read_input(directory.file("missing"), 10).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tlsrpt::milter
