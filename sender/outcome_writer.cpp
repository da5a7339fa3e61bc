// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_writer.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/utf8.hpp"
#include "sender/outcome_numbers.hpp"

namespace tlsrpt::sender {

namespace {

using nlohmann::ordered_json;

constexpr OutcomeLimits kLimits;

template <std::size_t size>
std::optional<std::int64_t> number_of(const std::array<OutcomeNumber, size>& numbers,
                                      std::string_view word) {
  const auto found = std::find_if(numbers.begin(), numbers.end(),
                                  [&](const OutcomeNumber& entry) { return entry.word == word; });
  if (found == numbers.end()) return std::nullopt;
  return found->number;
}

/// The number in a word that read_outcome made of it; 0, which is none, of any other word.
std::int64_t number_behind(std::string_view prefix, std::string_view word) {
  std::int64_t number = 0;
  if (!word.starts_with(prefix)) return number;
  word.remove_prefix(prefix.size());
  const auto end = word.data() + word.size();
  return std::from_chars(word.data(), end, number).ptr == end ? number : 0;
}

void add_text(ordered_json& object, const char* member, std::string_view text) {
  if (!text.empty()) object[member] = std::string(cut_utf8(text, kLimits.max_string));
}

void add_list(ordered_json& object, const char* member, const std::vector<std::string>& list,
              std::size_t most) {
  if (list.empty() || most == 0) return;
  ordered_json array = ordered_json::array();
  for (std::size_t i = 0; i < std::min(list.size(), most); ++i) {
    array.push_back(std::string(cut_utf8(list[i], kLimits.max_string)));
  }
  object[member] = std::move(array);
}

ordered_json detail_json(const FailureDetails& details) {
  ordered_json object;
  object["c"] = number_of(kResultNumbers, details.result_type).value_or(205);
  add_text(object, "s", details.sending_mta_ip);
  add_text(object, "n", details.receiving_mx_hostname);
  // As a server says it: without a code, a name of three digits would be taken for one.
  if (!details.receiving_mx_helo.empty()) add_text(object, "h", "250 " + details.receiving_mx_helo);
  add_text(object, "r", details.receiving_ip);
  add_text(object, "a", details.additional_information);
  add_text(object, "f", details.failure_reason_code);
  return object;
}

/// At most so many texts in each list.
ordered_json policy_json(const PolicyOutcome& outcome, std::size_t most) {
  ordered_json object;
  const std::string& type = outcome.policy.policy_type;
  const auto number = number_of(kPolicyTypeNumbers, type);
  object["policy-type"] = number ? *number : number_behind(kUnknownPolicyType, type);
  add_text(object, "policy-domain", outcome.policy.policy_domain);
  add_list(object, "policy-string", outcome.policy.policy_string, most);
  add_list(object, "mx-host", outcome.policy.mx_host, most);
  const std::size_t details =
      std::min({outcome.failure_details.size(), kLimits.max_failure_details, most});
  if (details > 0) {
    ordered_json array = ordered_json::array();
    for (std::size_t i = 0; i < details; ++i) {
      array.push_back(detail_json(outcome.failure_details[i]));
    }
    object["failure-details"] = std::move(array);
  }
  object["t"] = details;
  object["f"] = outcome.failed ? 1 : 0;
  return object;
}

std::string write_at_most(const Outcome& outcome, std::size_t most) {
  ordered_json object;
  object["dpv"] = "1";
  object["d"] = outcome.domain;
  // A record cut in the middle of an address would name another one.
  object["pr"] = outcome.tlsrpt_record.size() <= kLimits.max_string ? outcome.tlsrpt_record : "";
  ordered_json policies = ordered_json::array();
  for (std::size_t i = 0; i < std::min(outcome.policies.size(), kLimits.max_policies); ++i) {
    policies.push_back(policy_json(outcome.policies[i], most));
  }
  object["policies"] = std::move(policies);
  return object.dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
}

/// Of the lists with so many texts each; what is escaped takes more.
std::size_t least_size(const Outcome& outcome, std::size_t most) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < std::min(outcome.policies.size(), kLimits.max_policies); ++i) {
    const Policy& policy = outcome.policies[i].policy;
    for (const auto* list : {&policy.policy_string, &policy.mx_host}) {
      for (std::size_t k = 0; k < std::min(list->size(), most); ++k) {
        size += std::min((*list)[k].size(), kLimits.max_string);
      }
    }
  }
  return size;
}

}  // namespace

std::string write_outcome(const Outcome& outcome) {
  // What the kernel takes as one datagram with the default buffers, and read_outcome too.
  constexpr std::size_t kMaxDatagram = 200u << 10;
  static_assert(kMaxDatagram <= kLimits.max_bytes);
  std::size_t most = kLimits.max_strings;
  while (most > 0 && least_size(outcome, most) > kMaxDatagram) most /= 2;
  std::string text = write_at_most(outcome, most);
  while (text.size() > kMaxDatagram && most > 0) {
    most /= 2;
    text = write_at_most(outcome, most);
  }
  return text;
}

}  // namespace tlsrpt::sender
