// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_shape.hpp"

#include <array>
#include <string>

#include "common/ascii.hpp"
#include "common/json_scanner.hpp"

namespace tlsrpt {
namespace {

using Token = JsonScanner::Token;

bool opens(Token token) { return token == Token::begin_object || token == Token::begin_array; }
bool closes(Token token) { return token == Token::end_object || token == Token::end_array; }

}  // namespace

bool is_list_by_name(std::string_view json, ReportObject element) {
  JsonScanner scanner(json);
  bool any_nested = false;
  std::size_t depth = 0;
  for (Token token = scanner.next(); token != Token::malformed; token = scanner.next()) {
    if (token == Token::name && depth == 1) {
      const FoundMember* member = find_member(element, scanner.value());
      if (member != nullptr && !member->elsewhere) return false;
    }
    if (opens(token) && depth++ == 1) any_nested = true;
    if (closes(token) && --depth == 0) return any_nested;
  }
  return false;
}

bool is_packed_json(std::string_view text) {
  text = trim_blanks(text);
  if (!text.starts_with('{') && !text.starts_with('[')) return false;
  JsonScanner scanner(text);
  Token token = scanner.next();
  while (token != Token::end && token != Token::malformed) token = scanner.next();
  return token == Token::end && scanner.position() == text.size() &&
         scanner.repairs() == JsonRepairs{};
}

void for_objects_inside(std::string_view json, std::size_t max_depth, const TakeObject& take) {
  JsonScanner scanner(json);
  std::size_t depth = 0;
  std::size_t done = 0;
  for (Token token = scanner.next(); token != Token::malformed; token = scanner.next()) {
    const std::size_t begin = scanner.position() - 1;
    if (token == Token::begin_object && depth > 0 && depth <= max_depth && begin >= done) {
      const auto taken = take(json.substr(begin));
      if (!taken) return;
      done = begin + *taken;
    }
    if (opens(token)) ++depth;
    if (closes(token) && --depth == 0) return;
  }
}

Likeness likeness_to_report(std::string_view json) {
  constexpr std::size_t kSeen = 64u << 10;
  constexpr std::size_t kTelling = 8;  // of these names; DMARC's reports have the others, too
  constexpr std::array<std::string_view, 12> kNames = {
      "\"organizationname\"", "\"contactinfo\"",
      "\"policies\"",         "\"policytype\"",
      "\"policydomain\"",     "\"failuredetails\"",
      "\"resulttype\"",       "\"totalsuccessfulsessioncount\"",
      "\"daterange\"",        "\"reportid\"",
      "\"startdatetime\"",    "\"enddatetime\""};
  json = json.substr(0, kSeen);
  if (json.find("\"organization-name\"") != std::string_view::npos) return Likeness::certain;
  std::string folded;
  folded.reserve(json.size());
  for (const char c : json) {
    if (c != '-' && c != '_') folded += ascii_lower(c);
  }
  std::size_t telling = 0;
  std::size_t named = 0;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (folded.find(kNames[i]) == std::string::npos) continue;
    ++named;
    if (i < kTelling) ++telling;
  }
  if (telling > 0 && named > 1) return Likeness::certain;
  return named > 0 ? Likeness::some : Likeness::none;
}

}  // namespace tlsrpt
