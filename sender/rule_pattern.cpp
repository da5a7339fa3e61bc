// SPDX-License-Identifier: BSD-2-Clause
#include "sender/rule_pattern.hpp"

#include <algorithm>
#include <utility>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"
#include "sender/destination_text.hpp"
#include "sender/glob.hpp"

namespace tlsrpt::sender {

namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// One label; IDNA is about whole labels, so that a part of one has no A-label.
Result<std::string> label_pattern(std::string_view label) {
  if (is_ascii(label)) return lower_case(label);
  if (!is_glob(label)) return normalize_domain(label);
  return fail(ErrorCode::invalid_argument,
              "\"{}\": beside '*' write the label as DNS has it (xn--...)", label);
}

Result<std::string> labels_pattern(std::string_view name) {
  std::string pattern;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const auto label = label_pattern(name.substr(begin, end - begin));
    if (!label) return label;
    if (begin > 0) pattern += '.';
    pattern += *label;
    begin = end + 1;
  }
  return pattern;
}

bool may_stand_in_domain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.*").find(c) != std::string_view::npos;
}

/// Where the domain stands in an address or URI; an empty range if there is none.
std::pair<std::size_t, std::size_t> domain_range(std::string_view text) {
  constexpr std::string_view kHttps = "https://";
  if (text.starts_with(kHttps)) {
    const std::size_t end = text.find_first_of("/:?#", kHttps.size());
    return {kHttps.size(), std::min(end, text.size())};
  }
  const std::size_t at = text.rfind('@');
  return {at == std::string_view::npos ? text.size() : at + 1, text.size()};
}

}  // namespace

Result<std::string> domain_pattern(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                "\"{}\" is an address; a line about addresses begins with rua", text);
  }
  if (text.starts_with('.')) {
    return fail(ErrorCode::invalid_argument, "\"{}\" fits no domain; write *{} for those below it",
                text, text);
  }
  if (text.size() > 1 && text.ends_with('.')) text.remove_suffix(1);
  auto pattern = labels_pattern(text);
  if (!pattern) return pattern;
  if (!is_glob(*pattern)) return normalize_domain(*pattern);
  if (!std::all_of(pattern->begin(), pattern->end(), may_stand_in_domain) ||
      pattern->find("..") != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "\"{}\" fits no domain", text);
  }
  return pattern;
}

Result<std::string> rua_pattern(std::string_view text) {
  std::string pattern = lower_case(text);
  const auto [begin, end] = domain_range(pattern);
  auto domain = labels_pattern(std::string_view(pattern).substr(begin, end - begin));
  if (!domain) return domain;
  pattern.replace(begin, end - begin, *domain);
  if (!is_printable(pattern)) {
    return fail(ErrorCode::invalid_argument,
                "\"{}\" fits no destination: it has characters that no address or URI has", text);
  }
  if (is_glob(pattern)) return pattern;
  auto rua = parse_destination(pattern);
  if (!rua) return tl::unexpected(rua.error());
  return lower_case(rua->scheme == Rua::Scheme::mailto ? rua->address : rua->uri);
}

}  // namespace tlsrpt::sender
