// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_address.hpp"

#include <algorithm>

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

void lower_ascii(std::string& text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

}  // namespace

Result<ReportAddresses::Address> ReportAddresses::split(std::string_view text) {
  if (text.size() > kMaxPath) return fail(ErrorCode::limit_exceeded, "the address is too long");
  const std::string_view path = without_brackets_and_route(text);
  const std::size_t at = path.rfind('@');  // a domain has none, a quoted local part may
  if (at == std::string_view::npos) return fail(ErrorCode::malformed, "there is no @");
  auto local = unquoted(path.substr(0, at));
  if (!local) return tl::unexpected(local.error());
  lower_ascii(*local);
  auto domain = normalize_domain(path.substr(at + 1));
  if (!domain) return tl::unexpected(domain.error());
  return Address{std::move(*local), std::move(*domain)};
}

Result<ReportAddresses> ReportAddresses::parse(const std::vector<std::string>& addresses) {
  ReportAddresses result;
  for (const std::string& text : addresses) {
    auto address = split(text);
    if (!address) {
      return tl::unexpected(
          address.error().context(fmt::format("\"{}\" is no address like tls@example.org", text)));
    }
    result.addresses_.push_back(std::move(*address));
  }
  return result;
}

bool ReportAddresses::contain(std::string_view recipient) const {
  const auto address = split(recipient);
  if (!address) return false;
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const Address& ours) {
    if (ours.domain != address->domain || !address->local.starts_with(ours.local)) return false;
    return address->local.size() == ours.local.size() || address->local[ours.local.size()] == '+';
  });
}

}  // namespace tlsrpt::milter
