// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A folder for one test, removed with all that is in it.

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace tlsrpt::milter {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "opentlsrpt-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tlsrpt::milter
