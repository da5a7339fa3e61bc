// SPDX-License-Identifier: BSD-2-Clause
#include "common/outcome_codec.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace tlsrpt {

namespace {

// One description of the fields serves both directions: Codec is Measure, Encoder or Decoder.

/// How many bytes an Encoder makes, so that they need not be moved while they grow.
class Measure {
 public:
  void number(const std::uint64_t& value) { size_ += sizeof value; }
  void text(const std::string& value) { size_ += sizeof(std::uint64_t) + value.size(); }
  template <typename Item, typename Each>
  void list(const std::vector<Item>& items, Each each) {
    size_ += sizeof(std::uint64_t);
    for (const Item& item : items) each(*this, item);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class Encoder {
 public:
  explicit Encoder(std::size_t size) { out_.reserve(size); }
  void number(const std::uint64_t& value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof bytes);
  }
  void text(const std::string& value) {
    number(value.size());
    out_ += value;
  }
  template <typename Item, typename Each>
  void list(const std::vector<Item>& items, Each each) {
    number(items.size());
    for (const Item& item : items) each(*this, item);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  void number(std::uint64_t& value) {
    if (rest_.size() < sizeof value) {
      fail_here();
      return;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
  }
  void text(std::string& value) {
    std::uint64_t size = 0;
    number(size);
    if (size > rest_.size()) {
      fail_here();
      return;
    }
    value.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  template <typename Item, typename Each>
  void list(std::vector<Item>& items, Each each) {
    std::uint64_t count = 0;
    number(count);
    // Each item takes at least eight bytes, so a forged count cannot make the vector grow beyond
    // the input.
    if (count > rest_.size() / sizeof(std::uint64_t)) {
      fail_here();
      return;
    }
    // A true count is worth reserving for; of a forged one no more than the input's size is lost.
    items.reserve(std::min<std::uint64_t>(count, rest_.size() / sizeof(Item)));
    for (std::uint64_t i = 0; i < count && good_; ++i) each(*this, items.emplace_back());
  }
  void fail_here() {
    good_ = false;
    rest_ = {};
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

constexpr auto kText = [](auto& codec, auto& value) { codec.text(value); };

template <typename Writer>
void time_field(Writer& codec, const Seconds& time) {
  codec.number(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}
void time_field(Decoder& codec, Seconds& time) {
  std::uint64_t value = 0;
  codec.number(value);
  const Seconds sent{std::chrono::seconds{static_cast<std::int64_t>(value)}};
  if (sent < kEarliestTime || sent > kLatestTime) {
    codec.fail_here();
    return;
  }
  time = sent;
}

template <typename Writer>
void refusal_field(Writer& codec, const Refusal& refusal) {
  codec.number(static_cast<std::uint64_t>(refusal));
}
void refusal_field(Decoder& codec, Refusal& refusal) {
  std::uint64_t value = 0;
  codec.number(value);
  if (value > static_cast<std::uint64_t>(Refusal::reader_failed)) codec.fail_here();
  refusal = codec.good() ? static_cast<Refusal>(value) : Refusal::reader_failed;
}

template <typename Writer>
void flags_field(Writer& codec, const Flags& flags) {
  codec.number(flags.bits());
}
void flags_field(Decoder& codec, Flags& flags) {
  std::uint64_t bits = 0;
  codec.number(bits);
  const auto last = static_cast<unsigned>(all_flags().back());
  if (last < 63 && (bits >> (last + 1)) != 0) codec.fail_here();
  flags = Flags::from_bits(bits);
}

template <typename Writer>
void bool_field(Writer& codec, const bool& value) {
  codec.number(value ? 1 : 0);
}
void bool_field(Decoder& codec, bool& value) {
  std::uint64_t number = 0;
  codec.number(number);
  value = number != 0;
}

constexpr auto kDetails = [](auto& codec, auto& details) {
  for (auto* text : {&details.result_type, &details.sending_mta_ip, &details.receiving_mx_hostname,
                     &details.receiving_mx_helo, &details.receiving_ip,
                     &details.additional_information, &details.failure_reason_code}) {
    codec.text(*text);
  }
  codec.number(details.failed_session_count);
};

constexpr auto kPolicyResult = [](auto& codec, auto& result) {
  codec.text(result.policy.policy_type);
  codec.text(result.policy.policy_domain);
  codec.list(result.policy.policy_string, kText);
  codec.list(result.policy.mx_host, kText);
  codec.number(result.total_successful_session_count);
  codec.number(result.total_failure_session_count);
  codec.list(result.failure_details, kDetails);
};

constexpr auto kOutcome = [](auto& codec, auto& outcome) {
  refusal_field(codec, outcome.refusal);
  codec.text(outcome.detail);
  flags_field(codec, outcome.flags);
  codec.text(outcome.json);
  codec.text(outcome.member);
  codec.text(outcome.report.organization_name);
  codec.text(outcome.report.contact_info);
  codec.text(outcome.report.report_id);
  time_field(codec, outcome.report.date_range.start_datetime);
  time_field(codec, outcome.report.date_range.end_datetime);
  codec.list(outcome.report.policies, kPolicyResult);
};

template <typename Codec, typename Message>
void message_fields(Codec& codec, Message& opened) {
  auto& facts = opened.facts;
  for (auto* text : {&facts.from, &facts.from_domain, &facts.subject, &facts.message_id,
                     &facts.date, &facts.tls_report_domain, &facts.tls_report_submitter}) {
    codec.text(*text);
  }
  bool_field(codec, facts.claims_report);
  bool_field(codec, facts.has_preamble);
  codec.list(opened.outcomes, kOutcome);
}

}  // namespace

std::string encode_opened(const OpenedMessage& opened) {
  Measure measure;
  message_fields(measure, opened);
  Encoder encoder(measure.size());
  message_fields(encoder, opened);
  return encoder.take();
}

Result<OpenedMessage> decode_opened(std::string_view bytes) {
  Decoder decoder(bytes);
  OpenedMessage opened;
  message_fields(decoder, opened);
  if (!decoder.good() || !decoder.at_end() || opened.outcomes.empty()) {
    return fail(ErrorCode::malformed,
                "the confined reader gave an answer of {} bytes that makes no sense", bytes.size());
  }
  return opened;
}

}  // namespace tlsrpt
