// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_message.hpp"

#include <algorithm>

#include "common/dkim_text.hpp"

namespace tlsrpt::dkim {
namespace {

constexpr std::size_t kMaxHeaderBytes = 4u << 20;
constexpr std::size_t kMaxFields = 20000;

constexpr bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// The field's name as relaxed canonicalisation knows it, or nothing if the line is no field.
std::string_view name_of(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  return is_field_name(name) ? name : std::string_view{};
}

/// Can the line of this name, or of none, mean one thing only?
bool is_regular_line(std::string_view line, std::string_view name, bool first_lines) {
  if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
    return false;
  }
  if (first_lines && (line.starts_with("From ") || line.starts_with(">From "))) return true;
  return !name.empty() && (is_letter_or_digit(name.front()) || name.front() == '_');
}

}  // namespace

std::optional<MessageView> MessageView::split(std::string_view message) {
  MessageView view;
  bool in_field = false;
  std::size_t at = 0;
  while (at < message.size()) {
    const std::size_t line_feed = message.find('\n', at);
    std::size_t end = std::min(line_feed, message.size());
    const std::size_t next = std::min(end + 1, message.size());
    if (next > kMaxHeaderBytes) return std::nullopt;
    if (line_feed != std::string_view::npos && end > at && message[end - 1] == '\r') --end;
    const std::string_view line = message.substr(at, end - at);
    if (line.empty()) {
      view.body_ = message.substr(next);
      break;
    }
    if (!is_blank(line.front())) {
      const std::string_view name = name_of(line);
      view.regular_ = view.regular_ && is_regular_line(line, name, view.fields_.empty());
      in_field = !name.empty();
      if (in_field) {
        if (view.fields_.size() == kMaxFields) return std::nullopt;
        view.places_[lower_case(name)].push_back(view.fields_.size());
        view.fields_.push_back({name, line});
      }
    } else if (in_field) {
      HeaderField& field = view.fields_.back();
      const auto begin = static_cast<std::size_t>(field.text.data() - message.data());
      field.text = message.substr(begin, end - begin);
      view.regular_ = view.regular_ && is_regular_line(line, field.name, /*first_lines=*/false);
    } else {
      view.regular_ = false;
    }
    at = next;
  }
  return view;
}

std::size_t MessageView::count(std::string_view name) const {
  const auto it = places_.find(lower_case(name));
  return it == places_.end() ? 0 : it->second.size();
}

std::vector<const HeaderField*> MessageView::select(const std::vector<std::string>& names,
                                                    const HeaderField* without) const {
  std::map<std::string, std::size_t, std::less<>> taken;
  std::vector<const HeaderField*> selected;
  for (const std::string& mentioned : names) {
    const std::string name = lower_case(mentioned);
    const auto it = places_.find(name);
    if (it == places_.end()) continue;
    const std::vector<std::size_t>& places = it->second;
    std::size_t& used = taken[name];
    const HeaderField* field = nullptr;
    while (field == nullptr && used < places.size()) {
      field = &fields_[places[places.size() - ++used]];
      if (field == without) field = nullptr;
    }
    if (field != nullptr) selected.push_back(field);
  }
  return selected;
}

}  // namespace tlsrpt::dkim
