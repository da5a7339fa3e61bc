// SPDX-License-Identifier: BSD-2-Clause
#include "sender/key_commands.hpp"

#include <filesystem>
#include <string_view>

#include "common/dkim_keygen.hpp"
#include "common/escape.hpp"
#include "sender/key_check.hpp"
#include "sender/new_file.hpp"

namespace tlsrpt::sender {

namespace {

CommandResult failed(Exit exit, std::string_view text) {
  return {exit, "", fmt::format("opentlsrpt-reporter: {}\n", escape_terminal(text))};
}

CommandResult failed_to_write(const Error& error) {
  const Exit exit = error.code == ErrorCode::permission ? Exit::permission : Exit::cannot_create;
  return failed(exit, error.detail + "; choose another file with --output");
}

/// KeyFile wants it absolute.
std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

std::string next_steps(const GenkeyRequest& request) {
  const std::string path = escape_terminal(absolute_path(request.path));
  return fmt::format(
      "The private key is in {0}, readable for you only. Next:\n"
      "1. Let the reporter's user read it:  chown opentlsrpt {0}\n"
      "2. Publish the record above in the zone of {1}.\n"
      "3. Put into opentlsrpt.conf, where ContactInfo must be an address of {1}:\n"
      "       KeyFile   {0}\n"
      "       Selector  {2}\n"
      "4. Test, then restart the reporter:  opentlsrpt-reporter testkey\n",
      path, request.domain, request.selector);
}

std::string published(const SigningKey& key, const std::string& domain) {
  return zone_line(key.selector, domain, key_record(key.key));
}

/// Everything that is to be said about a key, in one line.
std::string advice_of(const KeyVerdict& verdict) {
  std::string text = verdict.advice;
  for (const std::string& warning : verdict.warnings) {
    text += (text.empty() ? "warning: " : "; warning: ") + warning;
  }
  return text.empty() ? "nothing to do" : text;
}

}  // namespace

CommandResult genkey(const GenkeyRequest& request) {
  const auto pem = generate_key_pem(request.kind);
  if (!pem) return failed(exit_for(pem.error()), pem.error().detail);
  const auto key = DkimKey::from_pem(*pem);
  if (!key) return failed(exit_for(key.error()), key.error().detail);
  if (auto written = write_new_file(request.path, *pem); !written) {
    return failed_to_write(written.error());
  }
  return {Exit::ok, zone_line(request.selector, request.domain, key_record(*key)) + "\n",
          next_steps(request)};
}

CommandResult testkey(Dns& dns, const std::vector<SigningKey>& keys, const std::string& domain) {
  CommandResult result;
  std::string records;
  bool unknown = false;
  for (const SigningKey& key : keys) {
    const KeyVerdict verdict = check_key(dns, key, domain);
    result.output += fmt::format("{} {} {} {} {}\n", key.selector, domain, key.key.algorithm(),
                                 to_word(verdict.state), escape_terminal(advice_of(verdict)));
    if (is_unusable(verdict.state)) records += published(key, domain) + "\n";
    unknown = unknown || verdict.state == KeyState::dns_failure;
  }
  if (!records.empty()) {
    result.exit = Exit::unavailable;
    result.messages = "In the zone there should be:\n" + records;
  } else if (unknown) {
    result.exit = Exit::temporary;
  }
  return result;
}

}  // namespace tlsrpt::sender
