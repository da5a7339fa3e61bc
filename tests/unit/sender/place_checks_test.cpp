// SPDX-License-Identifier: BSD-2-Clause
#include "sender/place_checks.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

constexpr uid_t kNobody = 65534;

void expect_problem(const Findings& findings, const std::string& part) {
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Finding::Severity::problem);
  EXPECT_NE(findings[0].text.find(part), std::string::npos) << findings[0].text;
}

void make_file(const std::string& path, mode_t mode) {
  std::ofstream(path) << "x";
  ::chmod(path.c_str(), mode);
}

/// Root may do everything; the checks are to be tried by somebody else.
class AsNobody {
 public:
  AsNobody() { was_root_ = ::geteuid() == 0 && ::seteuid(kNobody) == 0; }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool was_root_ = false;
};

/// No file can be opened, whatever access(2) says.
class NoFiles {
 public:
  NoFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;
  ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

Findings as_nobody(const std::string& database) {
  const AsNobody nobody;
  return check_database_place(database);
}

TEST(PlaceChecks, a_folder_that_can_be_written_is_no_finding_and_stays_as_it_was) {
  const TempDir folder;
  EXPECT_TRUE(check_database_place(folder.file("outbound.db")).empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(PlaceChecks, a_folder_must_exist_and_be_one) {
  const TempDir folder;
  expect_problem(check_database_place(folder.file("gone/outbound.db")), "install -d");
  make_file(folder.file("file"), 0600);
  expect_problem(check_database_place(folder.file("file/outbound.db")), "is not a folder");
}

TEST(PlaceChecks, the_user_must_be_allowed_to_write_in_the_folder) {
  const TempDir folder;
  ::chmod(folder.path().c_str(), 0555);
  expect_problem(as_nobody(folder.file("outbound.db")), "may not write in " + folder.path());
  ::chmod(folder.path().c_str(), 0755);
}

TEST(PlaceChecks, files_of_another_user_are_a_problem_each) {
  const TempDir folder;
  ::chmod(folder.path().c_str(), 0777);
  make_file(folder.file("outbound.db"), 0666);
  make_file(folder.file("outbound.db-wal"), 0444);
  expect_problem(as_nobody(folder.file("outbound.db")), folder.file("outbound.db-wal"));
  ::chmod(folder.file("outbound.db").c_str(), 0444);
  make_file(folder.file("outbound.db-shm"), 0444);
  EXPECT_EQ(as_nobody(folder.file("outbound.db")).size(), 3U);
}

TEST(PlaceChecks, rights_are_not_believed_but_tried) {
  const TempDir folder;
  Findings findings;
  {
    const NoFiles none;
    findings = check_database_place(folder.file("outbound.db"));
  }
  expect_problem(findings, "no file can be made in " + folder.path());
}

TEST(PlaceChecks, warns_of_a_disk_that_is_nearly_full) {
  EXPECT_TRUE(check_space("/x", kLowSpaceBytes).empty());
  const Findings findings = check_space("/x", kLowSpaceBytes - 1);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Finding::Severity::warning);
  EXPECT_EQ(findings[0].text, "the disk of /x has only 99 MB left; make room, or counts get lost");
}

TEST(PlaceChecks, a_program_must_be_there_and_startable) {
  const TempDir folder;
  EXPECT_TRUE(check_program("SendmailPath", "/bin/true").empty());
  expect_problem(check_program("SendmailPath", folder.file("gone")), "No such file");
  expect_problem(check_program("SendmailPath", folder.path()), "is no program");
  make_file(folder.file("text"), 0644);
  expect_problem(check_program("SendmailPath", folder.file("text")), "is no program");
}

TEST(PlaceChecks, a_file_must_be_readable) {
  const TempDir folder;
  ::chmod(folder.path().c_str(), 0755);
  make_file(folder.file("rules"), 0000);
  {
    const AsNobody nobody;
    expect_problem(check_readable("DestinationRules", folder.file("rules")), "Permission denied");
  }
  ::chmod(folder.file("rules").c_str(), 0644);
  EXPECT_TRUE(check_readable("DestinationRules", folder.file("rules")).empty());
}

}  // namespace
}  // namespace tlsrpt::sender
