// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_key_record.hpp"

#include <utility>

#include "common/base64.hpp"
#include "common/dkim_tag_list.hpp"
#include "common/dkim_text.hpp"

namespace tlsrpt::dkim {
namespace {

/// An RSA key of 16384 bits takes 2800 characters.
constexpr std::size_t kMaxRecordBytes = 8192;

ServiceType read_services(std::string_view list) {
  if (list_has(list, "*") || list_has(list, "tlsrpt")) return ServiceType::tlsrpt;
  if (list_has(list, "email")) return ServiceType::email_only;
  return ServiceType::other;
}

tl::unexpected<std::string_view> unusable(std::string_view reason) {
  return tl::unexpected<std::string_view>(reason);
}

}  // namespace

tl::expected<KeyRecord, std::string_view> parse_key_record(std::string_view text) {
  if (text.size() > kMaxRecordBytes) return unusable("key-malformed");
  const std::optional<TagList> tags = TagList::parse(text);
  if (!tags) return unusable("key-malformed");
  if (const Tag* version = tags->find("v");
      version != nullptr && (version != tags->tags().data() || version->value != "DKIM1")) {
    return unusable("key-malformed");
  }
  const Tag* key = tags->find("p");
  if (key == nullptr) return unusable("key-malformed");
  if (key->value.empty()) return unusable("key-revoked");

  KeyRecord record;
  const std::string_view type = tags->value_or("k", "rsa");
  if (equal_ignoring_case(type, "ed25519")) {
    record.algorithm = Algorithm::ed25519_sha256;
  } else if (!equal_ignoring_case(type, "rsa")) {
    return unusable("key-type");
  }
  if (!list_has(tags->value_or("h", "sha256"), "sha256")) return unusable("key-hash");
  const std::string_view services = tags->value_or("s", "*");
  record.service = read_services(services);
  record.for_mail = list_has(services, "*") || list_has(services, "email");
  const std::string_view flags = tags->value_or("t", "");
  record.testing = list_has(flags, "y");
  record.strict_identity = list_has(flags, "s");
  std::optional<std::string> bytes = base64_decode(key->value);
  if (!bytes) return unusable("key-malformed");
  record.public_key = std::move(*bytes);
  return record;
}

}  // namespace tlsrpt::dkim
