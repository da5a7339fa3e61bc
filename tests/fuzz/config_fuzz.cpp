// SPDX-License-Identifier: BSD-2-Clause

// The configuration file: every mistake in it is a problem with its line, and no more than that.

#include "common/config.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;

bool is_number(ValueType type) {
  switch (type) {
    case ValueType::integer:
    case ValueType::bytes:
    case ValueType::duration:
      return true;
    case ValueType::boolean:
    case ValueType::octal:
    case ValueType::text:
    case ValueType::path:
    case ValueType::list:
    case ValueType::domains:
    case ValueType::choice:
      return false;
  }
  return false;
}

std::int64_t number(const Config& config, const KeyInfo& info) {
  if (info.type == ValueType::bytes) return static_cast<std::int64_t>(config.bytes(info.key));
  if (info.type == ValueType::duration) return config.duration(info.key).count();
  return config.integer(info.key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  // A list may be read from a file, and this machine's files are no part of the input.
  if (text.find("file:") != std::string_view::npos) return 0;
  const ReadConfig read = read_config_text(text, "fuzz.conf");
  for (const ConfigProblem& problem : read.problems) {
    fuzz::require(!problem.text.empty() && problem.line >= 0, "a problem says what and where");
    fuzz::require(problem.to_string().find("fuzz.conf") == 0, "a problem names its file");
  }
  for (const KeyInfo& info : config_table()) {
    if (!is_number(info.type) || !read.config.is_set(info.key)) continue;
    const std::int64_t value = number(read.config, info);
    fuzz::require(value >= info.minimum && value <= info.maximum, "numbers stay in their range");
  }
  return 0;
}
