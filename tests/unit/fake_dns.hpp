// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A Dns for tests: answers from maps, and remembers what was asked.
//
//   FakeDns dns;
//   dns.add_txt("_smtp._tls.example.com", "v=TLSRPTv1; rua=mailto:r@example.com");
//   dns.mx_answers["example.com"] = FakeDns::failed<MxRecord>("SERVFAIL");
//
// A name that no map holds gets the answer no_name. Names are compared in lower case, without a
// trailing dot, as in DNS.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/dns.hpp"

namespace tlsrpt {

class FakeDns : public Dns {
 public:
  template <typename Record>
  using Answers = std::map<std::string, DnsAnswer<Record>, std::less<>>;

  Answers<std::string> txt_answers;
  Answers<MxRecord> mx_answers;
  Answers<TlsaRecord> tlsa_answers;
  Answers<std::string> a_answers;
  Answers<std::string> aaaa_answers;

  template <typename Record>
  static DnsAnswer<Record> found(std::vector<Record> records, bool authenticated = false,
                                 std::uint32_t ttl = 3600) {
    return {DnsStatus::found, authenticated, ttl, std::move(records), {}, {}};
  }

  template <typename Record>
  static DnsAnswer<Record> no_name(bool authenticated = false) {
    return {DnsStatus::no_name, authenticated, 300, {}, {}, {}};
  }

  template <typename Record>
  static DnsAnswer<Record> no_data(bool authenticated = false) {
    return {DnsStatus::no_data, authenticated, 300, {}, {}, {}};
  }

  template <typename Record>
  static DnsAnswer<Record> failed(std::string detail = "SERVFAIL") {
    return {DnsStatus::failed, false, 0, {}, std::move(detail), {}};
  }

  /// One more TXT record at the name.
  void add_txt(std::string_view name, std::string record) {
    DnsAnswer<std::string>& answer = txt_answers[canonical(name)];
    if (answer.status != DnsStatus::found) answer = found<std::string>({});
    answer.records.push_back(std::move(record));
  }

  DnsAnswer<std::string> txt(std::string_view name) override {
    return answer(txt_answers, "TXT", name);
  }
  DnsAnswer<MxRecord> mx(std::string_view name) override { return answer(mx_answers, "MX", name); }
  DnsAnswer<TlsaRecord> tlsa(std::string_view name) override {
    return answer(tlsa_answers, "TLSA", name);
  }
  DnsAnswer<std::string> a(std::string_view name) override { return answer(a_answers, "A", name); }
  DnsAnswer<std::string> aaaa(std::string_view name) override {
    return answer(aaaa_answers, "AAAA", name);
  }

  Result<bool> validates() override { return validating; }
  Result<bool> validating = true;

  /// Every question so far, in order: "TXT _smtp._tls.example.com", with the name as it was asked.
  [[nodiscard]] std::vector<std::string> questions() const {
    const std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  static std::string canonical(std::string_view name) {
    std::string result(name);
    for (char& c : result) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (!result.empty() && result.back() == '.') result.pop_back();
    return result;
  }

  template <typename Record>
  DnsAnswer<Record> answer(const Answers<Record>& answers, std::string_view type,
                           std::string_view name) {
    const std::lock_guard lock(mutex_);
    questions_.push_back(std::string(type) + " " + std::string(name));
    const auto it = answers.find(canonical(name));
    if (it == answers.end()) return no_name<Record>();
    DnsAnswer<Record> found = it->second;
    if (found.status == DnsStatus::found && found.canonical_name.empty()) {
      found.canonical_name = it->first;
    }
    return found;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> questions_;
};

}  // namespace tlsrpt
