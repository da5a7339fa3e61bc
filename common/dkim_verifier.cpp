// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "common/dkim.hpp"
#include "common/dkim_hash.hpp"
#include "common/dkim_key_record.hpp"
#include "common/dkim_message.hpp"
#include "common/dkim_signature.hpp"
#include "common/dkim_text.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

using dkim::HeaderField;
using dkim::KeyRecord;
using dkim::MessageView;
using dkim::Signature;

constexpr std::string_view kSignatureField = "dkim-signature";
/// Several keys at one name are undefined; those beyond are not tried.
constexpr std::size_t kMaxKeys = 4;

/// How often h= has the name.
std::size_t mentions(const Signature& signature, std::string_view name) {
  const auto& names = signature.signed_headers;
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(),
      [name](const std::string& mentioned) { return equal_ignoring_case(mentioned, name); }));
}

/// Readers forgive gateways a hyphen that is missing, or another sign in its place.
bool is_spelling_of(std::string_view name, std::string_view wanted) {
  const auto take_letter = [](std::string_view& text) {
    while (!text.empty() && (text.front() == '-' || text.front() == '_')) text.remove_prefix(1);
    const char letter = text.empty() ? '\0' : ascii_lower(text.front());
    if (!text.empty()) text.remove_prefix(1);
    return letter;
  };
  while (!name.empty() || !wanted.empty()) {
    if (take_letter(name) != take_letter(wanted)) return false;
  }
  return true;
}

/// A verdict's two halves; reason is empty for pass.
struct Finding {
  DkimStatus status = DkimStatus::fail;
  std::string_view reason;
};

/// Body hashes that signatures of one message share.
class BodyHashes {
 public:
  explicit BodyHashes(std::string_view body) : body_(body) {}

  const std::optional<std::string>& get(const Signature& signature) {
    const auto key = std::pair(signature.body, signature.body_length);
    const auto it = hashes_.find(key);
    if (it != hashes_.end()) return it->second;
    return hashes_[key] = dkim::hash_body(signature.body, body_, signature.body_length);
  }

 private:
  std::string_view body_;
  std::map<std::pair<Canonicalization, std::optional<std::uint64_t>>, std::optional<std::string>>
      hashes_;
};

class Verifier {
 public:
  Verifier(const MessageView& message, Dns& dns, const VerifySettings& settings)
      : message_(message), dns_(dns), settings_(settings), body_hashes_(message.body()) {}

  SignatureVerdict verify(const HeaderField& field) {
    dkim::SignatureReading reading = dkim::read_signature(field.text);
    const Signature& signature = reading.signature;
    SignatureVerdict verdict;
    Finding finding{DkimStatus::permerror, reading.defect};
    if (reading.defect.empty()) {
      finding = verify(signature, field, verdict.service_type_email_only);
    }
    verdict.status = finding.status;
    verdict.reason = finding.reason;
    verdict.signs_report_domain = mentions(signature, "tls-report-domain") > 0;
    verdict.domain = std::move(reading.signature.domain);
    verdict.selector = std::move(reading.signature.selector);
    verdict.algorithm = std::move(reading.signature.algorithm_word);
    return verdict;
  }

 private:
  Finding verify(const Signature& signature, const HeaderField& field, bool& email_only) {
    // The body needs no DNS: what is broken anyway never becomes "try again later" (R212).
    const std::optional<std::string>& body_hash = body_hashes_.get(signature);
    if (!body_hash || *body_hash != signature.body_hash) return {DkimStatus::fail, "body-hash"};

    const bool in_time = has_time_left();
    const DnsAnswer<std::string> answer =
        in_time ? dns_.txt(dkim::key_name(signature.domain, signature.selector))
                : DnsAnswer<std::string>{};
    if (answer.status == DnsStatus::failed) {
      // Whatever the key says, such a signature does not qualify: not worth a delay of the mail.
      const std::string_view objection = objection_to(signature);
      if (!objection.empty()) return {DkimStatus::policy, objection};
      return {DkimStatus::temperror, in_time ? "key-lookup-failed" : "no-time-left"};
    }
    if (answer.absent() || answer.records.empty()) {
      return {DkimStatus::permerror, "key-not-found"};
    }
    const std::optional<std::string> digest =
        dkim::hash_header(signature.header, message_.select(signature.signed_headers, &field),
                          dkim::without_signature_value(field.text));
    if (!digest) return {DkimStatus::fail, "signature"};
    return try_keys(answer.records, signature, *digest, email_only);
  }

  /// The time begins with the first key: what is computed before it depends on nobody else.
  bool has_time_left() {
    const auto now = settings_.steady_now();
    if (!first_lookup_) first_lookup_ = now;
    return now - *first_lookup_ < settings_.lookup_time;
  }

  /// The first record that verifies decides; if none does, the first that could be read.
  Finding try_keys(const std::vector<std::string>& records, const Signature& signature,
                   std::string_view digest, bool& email_only) const {
    Finding first{DkimStatus::permerror, ""};
    std::size_t keys = 0;
    for (const std::string& text : records) {
      const tl::expected<KeyRecord, std::string_view> record = dkim::parse_key_record(text);
      if (record && ++keys > kMaxKeys) break;
      const Finding finding = record ? try_key(*record, signature, digest)
                                     : Finding{DkimStatus::permerror, record.error()};
      if (finding.status == DkimStatus::pass) {
        return judge(*record, signature, email_only);
      }
      const bool first_was_unreadable = first.reason.empty() || first.reason == "key-malformed";
      if (first_was_unreadable) first = finding;
    }
    return first;
  }

  static Finding try_key(const KeyRecord& record, const Signature& signature,
                         std::string_view digest) {
    if (record.algorithm != signature.algorithm) return {DkimStatus::permerror, "key-type"};
    if (record.strict_identity && signature.identity_is_subdomain) {
      return {DkimStatus::permerror, "identity"};
    }
    const dkim::Key key = dkim::read_public_key(record.algorithm, record.public_key);
    if (!key) return {DkimStatus::permerror, "key-malformed"};
    if (record.algorithm == dkim::Algorithm::rsa_sha256 &&
        (dkim::key_bits(*key) < dkim::kMinRsaBits || dkim::key_bits(*key) > dkim::kMaxRsaBits)) {
      return {DkimStatus::permerror, "key-size"};
    }
    if (!dkim::verify_digest(record.algorithm, *key, digest, signature.signature)) {
      return {DkimStatus::fail, "signature"};
    }
    return {DkimStatus::pass, ""};
  }

  /// The signature is good. Is it one that RFC 8460 section 3 accepts?
  Finding judge(const KeyRecord& record, const Signature& signature, bool& email_only) const {
    email_only = record.service == dkim::ServiceType::email_only;
    if (record.testing) return {DkimStatus::policy, "key-testing"};
    if (record.service == dkim::ServiceType::other ||
        (email_only && settings_.strict_service_type)) {
      return {DkimStatus::policy, "key-service-type"};
    }
    const std::string_view objection = objection_to(signature);
    if (!objection.empty()) return {DkimStatus::policy, objection};
    return {DkimStatus::pass, ""};
  }

  /// What keeps a signature from being accepted, however good its key is; empty: nothing.
  [[nodiscard]] std::string_view objection_to(const Signature& signature) const {
    if (signature.body_length) return "length-tag";
    if (signature.expiration && *signature.expiration < settings_.now.time_since_epoch().count()) {
      return "expired";
    }
    if (!is_aligned_signer(signature.domain)) return "not-aligned";
    // A From put on top of the signed one would be the one that people see (RFC 6376 section 8.15).
    if (mentions(signature, "from") < message_.count("from")) return "from-not-signed";
    // A line that others read as the header's end would put what follows it in front of the body.
    if (!message_.is_regular()) return "header-malformed";
    if (!says_how_to_read_the_body(signature)) return "content-type-not-signed";
    return "";
  }

  /// Another Content-Type on top of the signed one could show the body as something else (RFC 6376
  /// section 8.15). Some large senders sign none; then it depends on the body whether that counts.
  [[nodiscard]] bool says_how_to_read_the_body(const Signature& signature) const {
    for (const std::string_view name : {"content-type", "content-transfer-encoding"}) {
      const auto [present, covered, any_signed] = coverage_of(name, signature);
      const bool needed = any_signed || (settings_.needs_content_type && name == "content-type");
      if (needed && covered < present) return false;
    }
    return true;
  }

  struct Coverage {
    std::size_t present = 0;  ///< fields of the name, however spelt
    std::size_t covered = 0;  ///< those of them that are signed
    bool any_signed = false;  ///< h= has the name
  };
  [[nodiscard]] Coverage coverage_of(std::string_view name, const Signature& signature) const {
    std::map<std::string, std::size_t> mentions;
    for (const std::string& mentioned : signature.signed_headers) {
      if (is_spelling_of(mentioned, name)) ++mentions[lower_case(mentioned)];
    }
    Coverage coverage;
    coverage.any_signed = !mentions.empty();
    for (const HeaderField& field : message_.fields()) {
      if (!is_spelling_of(field.name, name)) continue;
      ++coverage.present;
      std::size_t& left = mentions[lower_case(field.name)];
      if (left > 0) {
        --left;
        ++coverage.covered;
      }
    }
    return coverage;
  }

  [[nodiscard]] bool is_aligned_signer(const std::string& domain) const {
    if (settings_.aligned_with.empty() || domain == settings_.aligned_with) return true;
    return !settings_.strict_alignment && is_aligned(domain, settings_.aligned_with);
  }

  const MessageView& message_;
  Dns& dns_;
  const VerifySettings& settings_;
  BodyHashes body_hashes_;
  std::optional<std::chrono::steady_clock::time_point> first_lookup_;
};

/// The lower, the more a signature says about the message.
int rank(DkimStatus status) {
  switch (status) {
    case DkimStatus::pass:
      return 0;
    case DkimStatus::temperror:
      return 1;
    case DkimStatus::policy:
      return 2;
    case DkimStatus::fail:
      return 3;
    case DkimStatus::permerror:
      return 4;
    case DkimStatus::none:
      return 5;
  }
  return 5;
}

}  // namespace

std::string_view to_word(DkimStatus status) {
  switch (status) {
    case DkimStatus::pass:
      return "pass";
    case DkimStatus::none:
      return "none";
    case DkimStatus::fail:
      return "fail";
    case DkimStatus::policy:
      return "policy";
    case DkimStatus::permerror:
      return "permerror";
    case DkimStatus::temperror:
      return "temperror";
  }
  return "none";
}

DkimVerdict dkim_verify(std::string_view message, Dns& dns, const VerifySettings& settings) {
  DkimVerdict verdict;
  const std::optional<MessageView> view = MessageView::split(message);
  if (!view) {
    verdict.status = verdict.best.status = DkimStatus::permerror;
    verdict.best.reason = "too-large";
    return verdict;
  }
  Verifier verifier(*view, dns, settings);
  for (const HeaderField& field : view->fields()) {
    if (verdict.signatures.size() >= settings.max_signatures) break;
    if (!equal_ignoring_case(field.name, kSignatureField)) continue;
    verdict.signatures.push_back(verifier.verify(field));
  }
  const auto best = std::min_element(
      verdict.signatures.begin(), verdict.signatures.end(),
      [](const auto& a, const auto& b) { return rank(a.status) < rank(b.status); });
  if (best == verdict.signatures.end()) {
    verdict.best.reason = "no-signature";
    return verdict;
  }
  verdict.best = *best;
  verdict.status = best->status;
  return verdict;
}

}  // namespace tlsrpt
