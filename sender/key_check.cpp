// SPDX-License-Identifier: BSD-2-Clause
#include "sender/key_check.hpp"

#include <utility>

#include "common/base64.hpp"
#include "common/dkim_crypto.hpp"
#include "common/dkim_key_record.hpp"
#include "common/dkim_keygen.hpp"
#include "common/dkim_signature.hpp"

namespace tlsrpt::sender {

namespace {

/// The parser's word about a record that cannot be used.
KeyState state_of(std::string_view reason) {
  if (reason == "key-revoked") return KeyState::revoked;
  if (reason == "key-type") return KeyState::wrong_type;
  if (reason == "key-hash") return KeyState::wrong_hash;
  return KeyState::malformed;
}

KeyState compare(const dkim::KeyRecord& record, const DkimKey& key) {
  if (record.algorithm != key.impl().algorithm) return KeyState::wrong_type;
  const dkim::Key published = dkim::read_public_key(record.algorithm, record.public_key);
  if (!published) return KeyState::malformed;
  // An RSA key has two forms in use; write_public_key knows one.
  const auto bytes = dkim::write_public_key(record.algorithm, *published);
  if (!bytes || base64_encode(*bytes) != key.public_key_base64()) return KeyState::other_key;
  if (record.service == dkim::ServiceType::other) return KeyState::wrong_service;
  return record.testing ? KeyState::testing : KeyState::matches;
}

/// What is wrong with the one record that there is, as the end of a sentence.
std::string_view fault_of_record(KeyState state) {
  switch (state) {
    case KeyState::malformed:
      return "holds no key that can be read; replace it by what testkey prints";
    case KeyState::revoked:
      return "says that the key was taken back (empty p=); make a new one with genkey";
    case KeyState::wrong_type:
      return "is for another kind of key (k=); replace it by what testkey prints, or let KeyFile "
             "name the other key";
    case KeyState::wrong_hash:
      return "does not allow sha256; take h= out of it";
    case KeyState::wrong_service:
      return "is not for reports (s=), so receivers ignore them; write s=tlsrpt:email";
    case KeyState::testing:
      return "has the flag t=y, so reports count as unsigned and are ignored; take t=y out of it";
    case KeyState::other_key:
      return "holds another key, so no signature verifies; replace it by what testkey prints, or "
             "let KeyFile name the other key";
    case KeyState::matches:
    case KeyState::no_record:
    case KeyState::several_records:
    case KeyState::dns_failure:
      break;
  }
  return "";
}

std::string advice_for(KeyState state, const std::string& name, const DnsAnswer<std::string>& dns) {
  if (state == KeyState::matches) return "";
  if (state == KeyState::no_record) {
    return fmt::format(
        "there is no TXT record {}, so receivers ignore the reports; publish what testkey prints",
        name);
  }
  if (state == KeyState::several_records) {
    return fmt::format("there are {} TXT records {}, and receivers may take any; leave one",
                       dns.records.size(), name);
  }
  if (state == KeyState::dns_failure) {
    return fmt::format("{} could not be looked up ({}); try again, or change Nameserver", name,
                       dns.detail);
  }
  return fmt::format("the TXT record {} {}", name, fault_of_record(state));
}

void warn_about_services(const dkim::KeyRecord& record, KeyVerdict& verdict) {
  if (record.service == dkim::ServiceType::email_only) {
    verdict.warnings.emplace_back(
        "receivers may ignore reports, since the record has s= without tlsrpt; write "
        "s=tlsrpt:email");
  } else if (record.service == dkim::ServiceType::tlsrpt && !record.for_mail) {
    verdict.warnings.emplace_back(
        "ordinary mail filters must ignore the key, since the record has s= without email; write "
        "s=tlsrpt:email");
  }
}

void warn_about_size(const DkimKey& key, KeyVerdict& verdict) {
  if (key.impl().algorithm != dkim::Algorithm::rsa_sha256 || key.bits() >= kMinNewRsaBits) return;
  verdict.warnings.push_back(fmt::format(
      "an RSA key of {} bits is weak, RFC 8301 wants {}; make one with genkey under a new selector",
      key.bits(), kMinNewRsaBits));
}

KeyState read_answer(const DnsAnswer<std::string>& answer, const DkimKey& key,
                     KeyVerdict& verdict) {
  if (answer.status == DnsStatus::failed) return KeyState::dns_failure;
  if (answer.absent() || answer.records.empty()) return KeyState::no_record;
  if (answer.records.size() > 1) return KeyState::several_records;
  const auto record = dkim::parse_key_record(answer.records.front());
  if (!record) return state_of(record.error());
  const KeyState state = compare(*record, key);
  if (state == KeyState::matches) warn_about_services(*record, verdict);
  return state;
}

}  // namespace

std::string_view to_word(KeyState state) {
  switch (state) {
    case KeyState::matches:
      return "matches";
    case KeyState::no_record:
      return "no-record";
    case KeyState::several_records:
      return "several-records";
    case KeyState::malformed:
      return "malformed";
    case KeyState::revoked:
      return "revoked";
    case KeyState::wrong_type:
      return "wrong-type";
    case KeyState::wrong_hash:
      return "wrong-hash";
    case KeyState::wrong_service:
      return "wrong-service";
    case KeyState::testing:
      return "testing";
    case KeyState::other_key:
      return "other-key";
    case KeyState::dns_failure:
      return "dns-failure";
  }
  return "";
}

KeyVerdict check_key(Dns& dns, const SigningKey& key, const std::string& domain) {
  const std::string name = dkim::key_name(domain, key.selector);
  const DnsAnswer<std::string> answer = dns.txt(name);
  KeyVerdict verdict;
  verdict.state = read_answer(answer, key.key, verdict);
  verdict.advice = advice_for(verdict.state, name, answer);
  warn_about_size(key.key, verdict);
  return verdict;
}

bool is_unusable(KeyState state) {
  return state != KeyState::matches && state != KeyState::dns_failure;
}

}  // namespace tlsrpt::sender
