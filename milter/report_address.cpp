// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_address.hpp"

#include <array>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt::milter {

namespace {

// RFC 5321 section 4.5.3.1.3 allows a path of 256 octets; some room for quoting and SMTPUTF8.
constexpr std::size_t kMaxPath = 1024;

std::string_view without_brackets_and_route(std::string_view path) {
  while (!path.empty() && (path.front() == ' ' || path.front() == '\t')) path.remove_prefix(1);
  while (!path.empty() && (path.back() == ' ' || path.back() == '\t')) path.remove_suffix(1);
  if (path.size() >= 2 && path.front() == '<' && path.back() == '>') {
    path = path.substr(1, path.size() - 2);
  }
  if (path.starts_with('@')) {  // <@relay1,@relay2:local@domain>, RFC 5321 appendix C
    const std::size_t colon = path.find(':');
    if (colon == std::string_view::npos) return {};
    path.remove_prefix(colon + 1);
  }
  return path;
}

/// The meaning of a local part: "a\b" and ab are the same mailbox (RFC 5321 section 4.1.2).
Result<std::string> unquoted(std::string_view local) {
  if (local.empty()) return fail(ErrorCode::malformed, "the part before the @ is empty");
  if (local.front() != '"') {
    if (local.find('"') != std::string_view::npos) {
      return fail(ErrorCode::malformed, "a quotation mark inside the local part");
    }
    return std::string(local);
  }
  if (local.size() < 2 || local.back() != '"') {
    return fail(ErrorCode::malformed, "a quotation mark is not closed");
  }
  local = local.substr(1, local.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '"')
      return fail(ErrorCode::malformed, "text behind the closing quotation mark");
    if (local[i] == '\\' && ++i == local.size()) {
      return fail(ErrorCode::malformed, "a quotation mark is not closed");
    }
    text += local[i];
  }
  return text;
}

struct Address {
  std::string local;   ///< unquoted, ASCII in lower case
  std::string domain;  ///< normalised
};

Result<Address> split(std::string_view text) {
  if (text.size() > kMaxPath) return fail(ErrorCode::limit_exceeded, "the address is too long");
  const std::string_view path = without_brackets_and_route(text);
  const std::size_t at = path.rfind('@');  // a domain has none, a quoted local part may
  if (at == std::string_view::npos) return fail(ErrorCode::malformed, "there is no @");
  const auto local = unquoted(path.substr(0, at));
  if (!local) return tl::unexpected(local.error());
  auto domain = normalize_domain(path.substr(at + 1));
  if (!domain) return tl::unexpected(domain.error());
  return Address{lower_case(*local), std::move(*domain)};
}

/// For the domain of nearly every recipient, of letters, digits, '-' and '.' only: its normal
/// spelling, written into 'buffer'. Nothing for others, which normalize_domain has to look at.
std::string_view plain_domain(std::string_view domain, std::array<char, 256>& buffer) {
  if (domain.size() > buffer.size() || domain.ends_with('.')) return {};
  for (std::size_t i = 0; i < domain.size(); ++i) {
    const char c = ascii_lower(domain[i]);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) return {};
    buffer[i] = c;
  }
  return {buffer.data(), domain.size()};
}

}  // namespace

Result<ReportAddresses> ReportAddresses::parse(const std::vector<std::string>& addresses) {
  ReportAddresses result;
  for (const std::string& text : addresses) {
    if (text == "*") {
      result.by_header_ = true;
      continue;
    }
    auto address = split(text);
    if (!address) {
      return tl::unexpected(address.error().context(
          fmt::format("\"{}\" is neither an address like tls@example.org nor *", text)));
    }
    result.domains_[address->domain].insert(std::move(address->local));
  }
  return result;
}

bool ReportAddresses::contain(std::string_view recipient) const {
  // Mail to other domains is most of all mail: it is told without any allocation.
  const std::string_view path = without_brackets_and_route(recipient);
  std::array<char, 256> buffer;
  const std::string_view domain = plain_domain(path.substr(path.rfind('@') + 1), buffer);
  if (!domain.empty() && !domains_.contains(domain)) return false;
  const auto address = split(recipient);
  if (!address) return false;
  const auto found = domains_.find(address->domain);
  if (found == domains_.end()) return false;
  const Locals& locals = found->second;
  const std::string_view local = address->local;
  // "a+b+c" belongs to a, to a+b, and is itself.
  for (std::size_t plus = local.find('+'); plus != std::string_view::npos;
       plus = local.find('+', plus + 1)) {
    if (locals.contains(local.substr(0, plus))) return true;
  }
  return locals.contains(local);
}

}  // namespace tlsrpt::milter
