// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_signature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/base64.hpp"
#include "common/dkim_tag_list.hpp"
#include "common/dkim_text.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt::dkim {
namespace {

/// b= of the longest key takes 2800 characters, h= of the longest list some thousand.
constexpr std::size_t kMaxFieldBytes = 32u << 10;
constexpr std::size_t kMaxSignedHeaders = 300;
constexpr std::size_t kMaxAlgorithmBytes = 64;
/// Of a domain name in DNS, without the last dot.
constexpr std::size_t kMaxNameBytes = 253;

std::string_view value_of_field(std::string_view field) {
  return field.substr(std::min(field.find(':'), field.size() - 1) + 1);
}

/// Decimal digits only, at most as many as the grammar of the tag allows.
std::optional<std::uint64_t> read_number(std::string_view text, std::size_t max_digits) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text.size() > max_digits || text.front() == '+') return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<Canonicalization> read_canonicalization(std::string_view word) {
  if (equal_ignoring_case(word, "simple")) return Canonicalization::simple;
  if (equal_ignoring_case(word, "relaxed")) return Canonicalization::relaxed;
  return std::nullopt;
}

bool is_subdomain(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() + 1 && name.ends_with(parent) &&
         name[name.size() - parent.size() - 1] == '.';
}

/// Reads the tags one by one; each step returns the word of the defect that it met, or "".
class SignatureReader {
 public:
  explicit SignatureReader(const TagList& tags) : tags_(tags) {}

  SignatureReading read() {
    using Step = std::string_view (SignatureReader::*)();
    // Who signed comes first, so that a verdict about a broken signature can name them.
    constexpr Step kSteps[] = {
        &SignatureReader::read_signer,        &SignatureReader::read_version,
        &SignatureReader::read_algorithm,     &SignatureReader::read_canonicalizations,
        &SignatureReader::read_query_methods, &SignatureReader::read_signed_headers,
        &SignatureReader::read_hashes,        &SignatureReader::read_identity,
        &SignatureReader::read_numbers};
    std::string_view defect;
    for (const Step step : kSteps) {
      const std::string_view found = (this->*step)();
      if (defect.empty()) defect = found;
    }
    return {std::move(signature_), defect};
  }

 private:
  std::string_view read_signer() {
    Result<std::string> domain = normalize_domain(tags_.value_or("d", ""));
    Result<std::string> selector = normalize_domain(tags_.value_or("s", ""));
    signature_.domain = tags_.value_or("d", "").substr(0, kMaxNameBytes);
    signature_.selector = tags_.value_or("s", "").substr(0, kMaxNameBytes);
    if (domain) signature_.domain = std::move(*domain);
    if (selector) signature_.selector = std::move(*selector);
    if (!domain) return "domain";
    if (!selector) return "selector";
    // No such name can be in DNS; asking for it would look like a failure of DNS.
    const std::string name = key_name(signature_.domain, signature_.selector);
    return name.size() > kMaxNameBytes ? "selector" : "";
  }

  std::string_view read_version() { return tags_.value_or("v", "") == "1" ? "" : "version"; }

  std::string_view read_algorithm() {
    signature_.algorithm_word = tags_.value_or("a", "").substr(0, kMaxAlgorithmBytes);
    for (const Algorithm algorithm : {Algorithm::rsa_sha256, Algorithm::ed25519_sha256}) {
      if (!equal_ignoring_case(signature_.algorithm_word, to_word(algorithm))) continue;
      signature_.algorithm = algorithm;
      return "";
    }
    return "algorithm";
  }

  std::string_view read_canonicalizations() {
    const std::string_view both = tags_.value_or("c", "simple/simple");
    const std::size_t slash = both.find('/');
    const auto header = read_canonicalization(both.substr(0, slash));
    const auto body = slash == std::string_view::npos
                          ? Canonicalization::simple
                          : read_canonicalization(both.substr(slash + 1));
    if (!header || !body) return "canonicalization";
    signature_.header = *header;
    signature_.body = *body;
    return "";
  }

  std::string_view read_query_methods() {
    return list_has(tags_.value_or("q", "dns/txt"), "dns/txt") ? "" : "query-method";
  }

  std::string_view read_signed_headers() {
    const std::string_view list = tags_.value_or("h", "");
    if (static_cast<std::size_t>(std::count(list.begin(), list.end(), ':')) >= kMaxSignedHeaders) {
      return "too-large";
    }
    for (const std::string_view name : split_colons(list)) {
      if (!is_field_name(name)) return "malformed";
      signature_.signed_headers.emplace_back(name);
    }
    return list_has(list, "from") ? "" : "from-not-signed";
  }

  std::string_view read_hashes() {
    std::optional<std::string> signature = base64_decode(tags_.value_or("b", ""));
    std::optional<std::string> body_hash = base64_decode(tags_.value_or("bh", ""));
    if (!signature || signature->empty() || !body_hash || body_hash->size() != 32) {
      return "malformed";
    }
    signature_.signature = std::move(*signature);
    signature_.body_hash = std::move(*body_hash);
    return "";
  }

  std::string_view read_identity() {
    const Tag* identity = tags_.find("i");
    if (identity == nullptr) return "";
    const std::size_t at = identity->value.rfind('@');
    if (at == std::string_view::npos) return "identity";
    const Result<std::string> domain = normalize_domain(identity->value.substr(at + 1));
    if (!domain) return "identity";
    signature_.identity_is_subdomain = is_subdomain(*domain, signature_.domain);
    return signature_.identity_is_subdomain || *domain == signature_.domain ? "" : "identity";
  }

  std::string_view read_numbers() {
    std::optional<std::uint64_t> timestamp;
    if (const Tag* tag = tags_.find("t")) {
      timestamp = read_number(tag->value, 12);
      if (!timestamp) return "malformed";
    }
    if (const Tag* tag = tags_.find("x")) {
      const std::optional<std::uint64_t> expiration = read_number(tag->value, 12);
      if (!expiration || (timestamp && *expiration <= *timestamp)) return "malformed";
      signature_.expiration = static_cast<std::int64_t>(*expiration);
    }
    if (const Tag* tag = tags_.find("l")) {
      signature_.body_length = read_number(tag->value, 76);
      if (!signature_.body_length) return "malformed";
    }
    return "";
  }

  const TagList& tags_;
  Signature signature_;
};

}  // namespace

std::string key_name(std::string_view domain, std::string_view selector) {
  return fmt::format("{}._domainkey.{}", selector, domain);
}

SignatureReading read_signature(std::string_view field) {
  if (field.size() > kMaxFieldBytes) return {{}, "too-large"};
  const std::optional<TagList> tags = TagList::parse(value_of_field(field));
  if (!tags) return {{}, "malformed"};
  return SignatureReader(*tags).read();
}

std::string without_signature_value(std::string_view field) {
  const std::string_view text = value_of_field(field);
  const std::optional<TagList> tags = TagList::parse(text);
  const Tag* value = tags ? tags->find("b") : nullptr;
  std::string result(field);
  if (value != nullptr) {
    result.erase(field.size() - text.size() + value->begin, value->end - value->begin);
  }
  return result;
}

}  // namespace tlsrpt::dkim
