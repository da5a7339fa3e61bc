// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the tests of DKIM share: keys, a report mail, and a signer that writes any tags it is told.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base64.hpp"
#include "common/dkim.hpp"
#include "common/dkim_crypto.hpp"
#include "common/dkim_hash.hpp"
#include "common/dkim_message.hpp"
#include "common/dkim_signature.hpp"
#include "tests/unit/fake_dns.hpp"

namespace tlsrpt::dkim_test {

inline std::string read_test_file(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA_DIR) + "/dkim/" + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Of tests/data/dkim: "rsa2048", "ed25519", ...
inline DkimKey load_key(const std::string& name) {
  Result<DkimKey> key = DkimKey::from_pem(read_test_file(name + ".pem"));
  if (!key) throw std::runtime_error(name + ": " + key.error().detail);
  return std::move(*key);
}

inline std::string key_record(const DkimKey& key, std::string_view tags = "") {
  return fmt::format("v=DKIM1; k={}; {}p={}", key.algorithm() == "rsa-sha256" ? "rsa" : "ed25519",
                     tags, key.public_key_base64());
}

constexpr Seconds kNow{std::chrono::seconds{1772323200}};  // 2026-03-01T00:00:00Z
constexpr std::string_view kKeyName = "s1._domainkey.example.com";

inline const std::string kHeader =
    "From: reports@example.com\r\n"
    "To: reports@example.net\r\n"
    "Subject: Report Domain: example.net\r\n"
    "\tSubmitter: example.com\r\n"
    "Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n"
    "Message-ID: <1@example.com>\r\n"
    "TLS-Report-Domain: example.net\r\n"
    "TLS-Report-Submitter: example.com\r\n";
inline const std::string kMessage = kHeader + "\r\nOne report.\r\n\r\nBye\r\n";

inline SignSettings sign_settings() {
  SignSettings settings;
  settings.domain = "example.com";
  settings.selector = "s1";
  settings.signed_headers = {"From",
                             "From",
                             "To",
                             "Subject",
                             "Date",
                             "Message-ID",
                             "TLS-Report-Domain",
                             "TLS-Report-Domain",
                             "TLS-Report-Submitter",
                             "TLS-Report-Submitter"};
  settings.timestamp = kNow;
  return settings;
}

inline VerifySettings verify_settings(std::string aligned_with = "example.com") {
  VerifySettings settings;
  settings.aligned_with = std::move(aligned_with);
  settings.now = kNow;
  return settings;
}

/// The message with our own signature in front.
inline std::string signed_message(const std::string& message, const DkimKey& key,
                                  const SignSettings& settings = sign_settings()) {
  const Result<std::string> field = dkim_sign(message, key, settings);
  EXPECT_TRUE(field) << (field ? "" : field.error().detail);
  return field.value_or("") + message;
}

/// The message with a signature of the given tags, "bh=...; b=..." behind them: for what dkim_sign
/// never writes. The tags decide about canonicalisation, h= and l= as a verifier reads them.
inline std::string signed_with_tags(const std::string& message, const DkimKey& key,
                                    const std::string& tags) {
  const auto view = dkim::MessageView::split(message);
  const dkim::Signature read =
      dkim::read_signature("DKIM-Signature: " + tags +
                           "; bh=" + base64_encode(std::string(32, 'x')) + "; b=eA==")
          .signature;
  const auto body_hash = dkim::hash_body(read.body, view->body(), read.body_length);
  const std::string field = "DKIM-Signature: " + tags +
                            "; bh=" + base64_encode(body_hash.value_or(std::string(32, 'x'))) +
                            "; b=";
  const auto digest =
      dkim::hash_header(read.header, view->select(read.signed_headers, nullptr), field);
  const auto signature =
      dkim::sign_digest(key.impl().algorithm, *key.impl().key, digest.value_or(""));
  return field + base64_encode(signature.value_or("")) + "\r\n" + message;
}

/// "pass", or "fail body-hash".
inline std::string shown(const SignatureVerdict& verdict) {
  return std::string(to_word(verdict.status)) + (verdict.reason.empty() ? "" : " ") +
         verdict.reason;
}

inline std::string shown(const DkimVerdict& verdict) {
  EXPECT_EQ(verdict.status, verdict.best.status);
  return shown(verdict.best);
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

}  // namespace tlsrpt::dkim_test
