// SPDX-License-Identifier: BSD-2-Clause

// Signatures and key records of strangers; and what we sign ourselves must verify, whatever the
// message is.

#include <algorithm>

#include "common/dkim.hpp"
#include "common/dkim_crypto.hpp"
#include "common/dkim_key_record.hpp"
#include "common/dkim_message.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/fake_dns.hpp"

namespace {

using namespace tlsrpt;

// Not secret: tests/data/dkim/ed25519.pem. RSA would make each run a hundred times slower.
constexpr std::string_view kPrivateKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIBxCAnSxUaW+ENHLM/w/jwIHnSAjbL0F7C7riICKC4rq\n"
    "-----END PRIVATE KEY-----\n";

/// The same key record at every name.
class OneKeyDns : public FakeDns {
 public:
  explicit OneKeyDns(std::string record) : record_(std::move(record)) {}
  DnsAnswer<std::string> txt(std::string_view /*name*/) override {
    return found<std::string>({record_});
  }

 private:
  std::string record_;
};

const DkimKey& our_key() {
  static const Result<DkimKey> key = DkimKey::from_pem(kPrivateKey);
  fuzz::require(key.has_value(), "our key can be read");
  return *key;
}

std::string our_record() { return "v=DKIM1; k=ed25519; p=" + our_key().public_key_base64(); }

VerifySettings settings() {
  VerifySettings settings;
  settings.now = Seconds{std::chrono::seconds{1772323200}};
  settings.max_signatures = 3;
  return settings;
}

void check_verdict(std::string_view message, std::string record) {
  OneKeyDns dns(std::move(record));
  const DkimVerdict verdict = dkim_verify(message, dns, settings());
  fuzz::require(verdict.status == verdict.best.status, "the verdict is the best signature's");
  fuzz::require(verdict.signatures.size() <= settings().max_signatures,
                "signatures stay within their limit");
  for (const SignatureVerdict& signature : verdict.signatures) {
    fuzz::require((signature.status == DkimStatus::pass) == signature.reason.empty(),
                  "there is a reason unless it passed");
  }
}

void check_key_record(std::string_view text) {
  const auto record = dkim::parse_key_record(text);
  if (!record) {
    fuzz::require(!record.error().empty(), "an unusable key has a reason");
    return;
  }
  fuzz::require(!record->public_key.empty(), "a key record holds a key");
  const dkim::Key key = dkim::read_public_key(record->algorithm, record->public_key);
  if (!key) return;
  const auto written = dkim::write_public_key(record->algorithm, *key);
  fuzz::require(written && dkim::read_public_key(record->algorithm, *written),
                "a key that was read can be written and read again");
}

void check_own_signature(std::string_view message) {
  SignSettings sign;
  sign.domain = "example.com";
  sign.selector = "s1";
  sign.signed_headers = {"From", "From", "To", "Subject"};
  // The signature stands in front, and a blank would continue it.
  if (message.starts_with(' ') || message.starts_with('\t')) return;
  // A verifier refuses a message that has another From than those that are signed.
  const auto view = dkim::MessageView::split(message);
  if (!view || view->count("from") > 2) return;
  if (message.size() % 2 == 1) sign.header = sign.body = Canonicalization::simple;
  const auto field = dkim_sign(message, our_key(), sign);
  if (!field) return;
  // Nor does it take a header that others read in another way.
  const std::string signed_message = *field + std::string(message);
  const auto signed_view = dkim::MessageView::split(signed_message);
  if (!signed_view || !signed_view->is_regular()) return;
  OneKeyDns dns(our_record());
  VerifySettings first = settings();
  first.max_signatures = 1;
  const DkimVerdict verdict = dkim_verify(signed_message, dns, first);
  fuzz::require(verdict.status == DkimStatus::pass, "our own signature verifies");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  check_verdict(text, our_record());
  check_verdict(text, std::string(text.substr(0, text.find('\n'))));
  check_key_record(text);
  check_own_signature(text);
  return 0;
}
