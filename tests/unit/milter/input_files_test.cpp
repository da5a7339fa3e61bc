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

Files paths(const Result<InputFiles>& found) {
  Files paths;
  if (!found) return paths;
  for (const InputFile& file : found->files) paths.push_back(file.path);
  return paths;
}

TEST(InputFiles, files_and_standard_input_stand_for_themselves) {
  const TempDir directory;
  write(directory.file("a"), "four");
  const auto found = input_files(directory.file("a"));
  EXPECT_EQ(paths(found), Files{directory.file("a")});
  EXPECT_EQ(found->files.front().size, 4u);
  EXPECT_FALSE(found->files.front().in_folder);
  EXPECT_EQ(paths(input_files("-")), Files{"-"});
}

TEST(InputFiles, a_missing_file_is_an_error) {
  const TempDir directory;
  const auto files = input_files(directory.file("missing"));
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ErrorCode::not_found);
}

TEST(InputFiles, a_folder_stands_for_the_regular_files_in_it_and_below) {
  const TempDir directory;
  write(directory.file("b.eml"), "x");
  write(directory.file("a.json"), "x");
  write(directory.file(".hidden"), "x");
  std::filesystem::create_directories(directory.file("below/deeper"));
  write(directory.file("below/c"), "x");
  write(directory.file("below/deeper/d"), "x");
  std::filesystem::create_directory(directory.file(".git"));
  write(directory.file(".git/e"), "x");
  EXPECT_EQ(paths(input_files(directory.path())),
            (Files{directory.file("a.json"), directory.file("b.eml"), directory.file("below/c"),
                   directory.file("below/deeper/d")}));
}

TEST(InputFiles, links_and_special_files_are_skipped_and_told) {
  const TempDir directory;
  write(directory.file("a"), "x");
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", directory.file("dangling"));
  std::filesystem::create_symlink("/etc/passwd", directory.file("outside"));
  std::filesystem::create_directory_symlink(".", directory.file("loop"));
  const auto found = input_files(directory.path());
  EXPECT_EQ(paths(found), Files{directory.file("a")});
  ASSERT_EQ(found->skipped.size(), 4u);
  EXPECT_EQ(found->skipped[0], directory.file("dangling") + " was skipped: a symbolic link");
  EXPECT_EQ(found->skipped[1], directory.file("fifo") + " was skipped: not a regular file");
}

TEST(InputFiles, folders_nest_to_a_bound) {
  const TempDir directory;
  std::string folder = directory.path();
  for (unsigned i = 0; i < kMaxFolderDepth; ++i) folder += "/d";
  std::filesystem::create_directories(folder + "/d");
  write(folder + "/at-the-bound", "x");
  write(folder + "/d/beyond", "x");
  const auto found = input_files(directory.path());
  EXPECT_EQ(paths(found), Files{folder + "/at-the-bound"});
  EXPECT_EQ(found->skipped.size(), 1u);
}

TEST(InputFiles, a_maildir_stands_for_its_messages_and_those_of_its_folders) {
  const TempDir directory;
  for (const char* folder : {"cur", "new", "tmp", ".Sub/cur", ".Sub/new", ".Sub/tmp", "fs/cur",
                             "fs/new", "not-a-maildir", "cur/odd"}) {
    std::filesystem::create_directories(directory.file(folder));
  }
  for (const char* file :
       {"cur/1.host:2,S", "new/2.host", "tmp/3.host", "dovecot-uidlist", ".Sub/new/4.host",
        ".Sub/dovecot.index", "fs/cur/5.host", "not-a-maildir/6", "cur/odd/7"}) {
    write(directory.file(file), "x");
  }
  EXPECT_EQ(paths(input_files(directory.path())),
            (Files{directory.file("cur/1.host:2,S"), directory.file("new/2.host"),
                   directory.file(".Sub/new/4.host"), directory.file("fs/cur/5.host")}));
}

}  // namespace
}  // namespace tlsrpt::milter
