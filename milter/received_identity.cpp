// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_identity.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <set>

namespace tlsrpt::milter {

namespace {

/// Fields with their length in front, so that no two lists of fields look alike.
class Fields {
 public:
  Fields& add(std::string_view field) {
    text_ += fmt::format("{}:", field.size());
    text_ += field;
    return *this;
  }
  Fields& add(Seconds time) { return add(std::to_string(time.time_since_epoch().count())); }

  [[nodiscard]] Result<std::string> sha256() const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text_.data(), text_.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
      return fail(ErrorCode::crypto, "OpenSSL has no SHA-256");
    }
    return std::string(digest.begin(), digest.begin() + size);
  }

 private:
  std::string text_;
};

/// What is the same in every copy of a report.
void add_common(Fields& fields, const Report& report, std::string_view json) {
  std::set<std::string_view> domains;
  for (const PolicyResult& result : report.policies) domains.insert(result.policy.policy_domain);
  fields.add(report.organization_name)
      .add(report.report_id)
      .add(report.date_range.start_datetime)
      .add(report.date_range.end_datetime);
  for (const std::string_view domain : domains) fields.add(domain);
  if (report.report_id.empty()) fields.add("").add(json);
}

}  // namespace

Result<std::string> report_identity(const ReceivedReport& received) {
  Fields fields;
  fields.add(received.provenance.submitter);
  add_common(fields, received.report, received.json);
  return fields.sha256();
}

Result<std::string> report_likeness(const Report& report, std::string_view json) {
  Fields fields;
  add_common(fields, report, json);
  // Nobody finds a second report for half of it, either, and it is half as much in the index.
  auto digest = fields.sha256();
  if (digest) digest->resize(digest->size() / 2);
  return digest;
}

Result<std::string> refusal_fingerprint(const RefusedInput& refused) {
  Fields fields;
  fields.add(to_word(refused.refusal)).add(refused.bytes);
  if (refused.bytes.empty()) {
    fields.add(refused.provenance.from_domain)
        .add(refused.provenance.message_id)
        .add(refused.subject)
        .add(refused.detail);
  }
  return fields.sha256();
}

bool is_failing(const PolicyResult& policy) {
  return policy.total_failure_session_count > 0 || !policy.failure_details.empty();
}

bool is_failing(const Report& report) {
  return std::any_of(report.policies.begin(), report.policies.end(),
                     [](const PolicyResult& policy) { return is_failing(policy); });
}

}  // namespace tlsrpt::milter
