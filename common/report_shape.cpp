// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_shape.hpp"

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

std::vector<std::string_view> objects_inside(std::string_view json, std::size_t max_depth,
                                             std::size_t max_objects) {
  std::vector<std::string_view> found;
  JsonScanner scanner(json);
  std::size_t depth = 0;
  for (Token token = scanner.next(); token != Token::malformed; token = scanner.next()) {
    if (token == Token::begin_object && depth > 0 && depth <= max_depth)
      found.push_back(json.substr(scanner.position() - 1));
    if (opens(token)) ++depth;
    if (closes(token) && --depth == 0) break;
    if (found.size() == max_objects) break;
  }
  return found;
}

}  // namespace tlsrpt
