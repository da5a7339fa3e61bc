// SPDX-License-Identifier: BSD-2-Clause

// Messages that were made to hurt the verifier.

#include <gtest/gtest.h>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

using namespace dkim_test;

const std::string kTags = "v=1; a=ed25519-sha256; d=example.com; s=s1; h=From";

DkimVerdict verify(const std::string& message) {
  FakeDns dns;
  dns.add_txt(kKeyName, key_record(load_key("ed25519")));
  return dkim_verify(message, dns, verify_settings());
}

TEST(DkimHostile, signatures_beyond_the_limit_are_not_looked_at) {
  const DkimKey key = load_key("ed25519");
  std::string junk;
  for (int i = 0; i < 5000; ++i) junk += "DKIM-Signature: v=1; d=example.com\r\n";
  const DkimVerdict verdict = verify(junk + signed_message(kMessage, key));
  EXPECT_EQ(verdict.signatures.size(), 10u);
  EXPECT_EQ(verdict.status, DkimStatus::permerror);

  FakeDns dns;
  dns.add_txt(kKeyName, key_record(key));
  VerifySettings settings = verify_settings();
  std::string many = kMessage;
  for (int i = 0; i < 20; ++i) many = signed_message(many, key);
  settings.max_signatures = 3;
  EXPECT_EQ(dkim_verify(many, dns, settings).signatures.size(), 3u);
  EXPECT_EQ(dns.questions().size(), 3u);
  settings.max_signatures = 0;
  EXPECT_EQ(dkim_verify(many, dns, settings).status, DkimStatus::none);
}

TEST(DkimHostile, oversized_fields) {
  const auto with_tags = [](const std::string& tags) {
    return shown(verify("DKIM-Signature: " + tags + "\r\n" + kMessage));
  };
  EXPECT_EQ(with_tags(kTags + "; bh=eA==; b=" + std::string(1u << 20, 'A')), "permerror too-large");
  std::string names = "From";
  for (int i = 0; i < 400; ++i) names += ":x";
  EXPECT_EQ(with_tags(replaced(kTags, "From", names) + "; bh=eA==; b=eA=="), "permerror too-large");
  EXPECT_EQ(with_tags(kTags + ":" + std::string(30000, ':') + "; bh=eA==; b=eA=="),
            "permerror too-large");
  EXPECT_EQ(with_tags(std::string(30000, ';')), "permerror malformed");
  EXPECT_EQ(with_tags(std::string(30000, '=')), "permerror malformed");
  std::string tags = kTags;
  for (int i = 0; i < 2000; ++i) tags += fmt::format("; t{}=x", i);
  EXPECT_EQ(with_tags(tags), "permerror malformed");
  EXPECT_EQ(shown(verify("From: " + std::string(5u << 20, 'x') + "\r\n\r\n")),
            "permerror too-large");
}

TEST(DkimHostile, bytes_that_do_not_belong_there) {
  const DkimKey key = load_key("ed25519");
  const std::string message = signed_message(kMessage, key);
  EXPECT_EQ(shown(verify(replaced(message, "d=example.com", std::string("d=example\0.com", 14)))),
            "permerror malformed");
  EXPECT_EQ(shown(verify(replaced(message, "s=s1", "s=s1\x7f"))), "permerror malformed");
  EXPECT_EQ(shown(verify(replaced(message, "s=s1", "s=\xff\xfe"))), "permerror selector");
  EXPECT_EQ(shown(verify(replaced(message, "s=s1", "s=..."))), "permerror selector");
  EXPECT_EQ(shown(verify(replaced(message, "s=s1", "s=" + std::string(300, 'a')))),
            "permerror selector");
  const std::string long_name = fmt::format("s={0}.{0}.{0}.{0}", std::string(60, 'a'));
  EXPECT_EQ(shown(verify(replaced(message, "s=s1", long_name))), "permerror selector");
  const DkimVerdict unreadable =
      verify("DKIM-Signature: v=1; a=" + std::string(999, 'a') + "; d=" + std::string(999, 'd') +
             "; s=" + std::string(999, 's') + "\r\n" + kMessage);
  EXPECT_EQ(unreadable.best.domain.size(), 253u);
  EXPECT_EQ(unreadable.best.selector.size(), 253u);
  EXPECT_EQ(unreadable.best.algorithm.size(), 64u);
  const std::string with_nul = replaced(kMessage, "One", std::string("\0ne", 3));
  EXPECT_EQ(shown(verify(signed_message(with_nul, key))), "pass");
}

TEST(DkimHostile, every_prefix_of_a_message_is_survived) {
  const std::string message = signed_message(kMessage, load_key("ed25519"));
  // Without its last line end the body is still the same to DKIM.
  for (std::size_t size = 0; size + 2 < message.size(); ++size) {
    EXPECT_NE(verify(message.substr(0, size)).status, DkimStatus::pass) << size;
  }
}

TEST(DkimHostile, every_byte_of_a_signature_field_counts_or_is_white_space_or_case) {
  const std::string message = signed_message(kMessage, load_key("ed25519"));
  const std::size_t end = message.size() - kMessage.size() - 2;
  for (std::size_t at = 0; at < end; ++at) {
    for (const char byte : {'\0', ';', ':', '=', '\n', 'x', '\xff'}) {
      std::string changed = message;
      if (changed[at] == byte) continue;
      changed[at] = byte;
      // A fold may lose its CR.
      if (message[at] == '\r' && byte == '\n') continue;
      EXPECT_NE(verify(changed).status, DkimStatus::pass) << at << ' ' << static_cast<int>(byte);
    }
  }
}

}  // namespace
}  // namespace tlsrpt
