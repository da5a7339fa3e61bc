// SPDX-License-Identifier: BSD-2-Clause
#include "sender/delivery_status.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/ascii.hpp"
#include "common/header_field.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::array<std::pair<std::string_view, DeliveryAction>, 5> kActions = {{
    {"failed", DeliveryAction::failed},
    {"delayed", DeliveryAction::delayed},
    {"delivered", DeliveryAction::delivered},
    {"relayed", DeliveryAction::relayed},
    {"expanded", DeliveryAction::expanded},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

/// How many characters of the text are as wanted, from 'at' on.
std::size_t run(std::string_view text, std::size_t at, bool (*wanted)(char)) {
  const std::string_view rest = text.substr(std::min(at, text.size()));
  const auto end = std::find_if_not(rest.begin(), rest.end(), wanted);
  return static_cast<std::size_t>(end - rest.begin());
}

/// "failed", which comments may follow.
std::optional<DeliveryAction> read_action(std::string_view value) {
  const std::string_view word = value.substr(0, run(value, 0, is_letter));
  for (const auto& [name, action] : kActions) {
    if (equal_ignoring_case(word, name)) return action;
  }
  return std::nullopt;
}

/// The size of the code at the start of the text, or 0. An address or a version goes on otherwise.
std::size_t status_size(std::string_view text) {
  if (text.size() < 2 || std::string_view("245").find(text[0]) == std::string_view::npos) return 0;
  std::size_t at = 1;
  for (int number = 0; number < 2; ++number) {
    if (at >= text.size() || text[at] != '.') return 0;
    const std::size_t digits = run(text, at + 1, is_digit);
    if (digits == 0 || digits > 3) return 0;
    at += 1 + digits;
  }
  const bool goes_on = at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1]);
  return goes_on ? 0 : at;
}

/// The first enhanced status code in the text, or "".
std::string_view find_status(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at > 0 && (is_digit(text[at - 1]) || text[at - 1] == '.')) continue;
    if (const std::size_t size = status_size(text.substr(at)); size != 0)
      return text.substr(at, size);
  }
  return {};
}

std::string_view default_status(DeliveryAction action) {
  switch (action) {
    case DeliveryAction::failed:
      return "5.0.0";
    case DeliveryAction::delayed:
      return "4.0.0";
    case DeliveryAction::delivered:
    case DeliveryAction::relayed:
    case DeliveryAction::expanded:
      return "2.0.0";
  }
  return "5.0.0";
}

DeliveryAction default_action(std::string_view status) {
  if (status.starts_with('4')) return DeliveryAction::delayed;
  return status.starts_with('2') ? DeliveryAction::delivered : DeliveryAction::failed;
}

/// "rfc822; <user@host>" without the type and what some put around the address.
std::string_view without_type(std::string_view value) {
  const std::size_t end = value.find_first_of(";@\"");
  if (end != std::string_view::npos && value[end] == ';') value = trimmed(value.substr(end + 1));
  if (value.starts_with('<') && value.ends_with('>')) value = value.substr(1, value.size() - 2);
  return value;
}

std::optional<RecipientStatus> read_group(const HeaderSection& group, std::size_t max_text) {
  const auto text_of = [&](std::string_view name) {
    return in_one_line(group.value_of(name).value_or(""), max_text);
  };
  RecipientStatus recipient;
  recipient.diagnostic = text_of("Diagnostic-Code");
  recipient.status = find_status(text_of("Status"));
  const auto action = read_action(text_of("Action"));
  if (!action && recipient.status.empty()) return std::nullopt;
  if (recipient.status.empty()) recipient.status = find_status(recipient.diagnostic);
  if (recipient.status.empty()) recipient.status = default_status(*action);
  recipient.action = action.value_or(default_action(recipient.status));
  recipient.final_recipient = without_type(text_of("Final-Recipient"));
  recipient.original_recipient = without_type(text_of("Original-Recipient"));
  return recipient;
}

std::size_t line_size(std::string_view text) {
  return std::min(text.find('\n'), text.size() - 1) + 1;
}

}  // namespace

std::string in_one_line(std::string_view text, std::size_t max_bytes) {
  std::string line;
  for (const char c : text) {
    if (line.size() == max_bytes) break;
    const bool is_control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    const char shown = is_control ? ' ' : c;
    if (shown != ' ' || (!line.empty() && line.back() != ' ')) line += shown;
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::vector<RecipientStatus> read_delivery_status(std::string_view text,
                                                  const DeliveryStatusLimits& limits) {
  std::vector<RecipientStatus> recipients;
  while (!text.empty() && recipients.size() < limits.max_recipients) {
    const HeaderSection group = split_header(text, limits.max_group_bytes);
    // A line that is no field ends a group, and is none of its own.
    text.remove_prefix(group.size != 0 ? group.size : line_size(text));
    if (auto recipient = read_group(group, limits.max_text))
      recipients.push_back(std::move(*recipient));
  }
  return recipients;
}

}  // namespace tlsrpt::sender
