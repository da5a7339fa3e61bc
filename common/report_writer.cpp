// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

void append_escaped(std::string& json, unsigned char c) {
  switch (c) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\r':
      json += "\\r";
      return;
    case '\t':
      json += "\\t";
      return;
  }
  fmt::format_to(std::back_inserter(json), "\\u{:04x}", c);
}

void append_string(std::string& json, std::string_view text) {
  json += '"';
  std::size_t plain = 0;  // what is copied as it is begins here
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
        json.append(text, plain, i - plain);
        append_escaped(json, c);
        plain = i + 1;
      }
      ++i;
      continue;
    }
    const Utf8Step step = decode_utf8(text, i);
    if (!step.valid || is_noncharacter(step.code_point)) {
      json.append(text, plain, i - plain);
      json += kReplacementCharacter;
      plain = i + step.length;
    }
    i += step.length;
  }
  json.append(text, plain, text.size() - plain);
  json += '"';
}

/// The members of one object; the separating commas are its business.
class Object {
 public:
  explicit Object(std::string& json) : json_(json) { json_ += '{'; }
  ~Object() { json_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  std::string& member(std::string_view name) {
    if (!first_) json_ += ',';
    first_ = false;
    json_ += '"';
    json_ += name;
    json_ += "\":";
    return json_;
  }

  void text(std::string_view name, std::string_view value) { append_string(member(name), value); }

  void optional_text(std::string_view name, std::string_view value) {  // R101
    if (!value.empty()) text(name, value);
  }

  void optional_texts(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    member(name);
    char separator = '[';
    for (const std::string& value : values) {
      json_ += separator;
      append_string(json_, value);
      separator = ',';
    }
    json_ += ']';
  }

  void count(std::string_view name, std::uint64_t value) {  // R50
    fmt::format_to(std::back_inserter(member(name)), "{}", std::min(value, kMaxCount));
  }

 private:
  std::string& json_;
  bool first_ = true;
};

template <typename Item, typename Write>
void append_array(std::string& json, const std::vector<Item>& items, Write write) {
  json += '[';
  bool first = true;
  for (const Item& item : items) {
    if (!first) json += ',';
    first = false;
    write(json, item);
  }
  json += ']';
}

void append_policy(std::string& json, const Policy& policy) {
  Object object(json);
  object.optional_text("policy-type", policy.policy_type);
  object.optional_texts("policy-string", policy.policy_string);
  object.text("policy-domain", policy.policy_domain);
  object.optional_texts("mx-host", policy.mx_host);
}

void append_failure_details(std::string& json, const FailureDetails& details) {
  Object object(json);
  object.optional_text("result-type", details.result_type);
  object.optional_text("sending-mta-ip", details.sending_mta_ip);
  object.optional_text("receiving-mx-hostname", details.receiving_mx_hostname);
  object.optional_text("receiving-mx-helo", details.receiving_mx_helo);
  object.optional_text("receiving-ip", details.receiving_ip);
  object.count("failed-session-count", details.failed_session_count);
  object.optional_text("additional-information", details.additional_information);
  object.optional_text("failure-reason-code", details.failure_reason_code);
}

void append_policy_result(std::string& json, const PolicyResult& result) {
  Object object(json);
  append_policy(object.member("policy"), result.policy);
  {
    Object summary(object.member("summary"));
    summary.count("total-successful-session-count", result.total_successful_session_count);
    summary.count("total-failure-session-count", result.total_failure_session_count);
  }
  if (result.failure_details.empty()) return;
  append_array(object.member("failure-details"), result.failure_details, append_failure_details);
}

}  // namespace

std::string write_report(const Report& report) {
  std::string json;
  {
    Object object(json);
    object.text("organization-name", report.organization_name);
    {
      Object range(object.member("date-range"));
      range.text("start-datetime", format_rfc3339(report.date_range.start_datetime));
      range.text("end-datetime", format_rfc3339(report.date_range.end_datetime));
    }
    object.text("contact-info", report.contact_info);
    object.text("report-id", report.report_id);
    append_array(object.member("policies"), report.policies, append_policy_result);
  }
  return json;
}

}  // namespace tlsrpt
