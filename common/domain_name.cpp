// SPDX-License-Identifier: BSD-2-Clause
#include "common/domain_name.hpp"

#include <idn2.h>
#include <libpsl.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/char_set.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxLocalPart = 64;
// The longest name in UTF-8 that can still fit into 253 octets of A-labels. It bounds the work of
// libidn2, which is more than linear in the length.
constexpr std::size_t kMaxUtf8Name = 1024;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr CharSet kLabelEnds = CharSet::where(
    [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'; });

Result<std::string> to_a_labels(std::string_view name) {
  // libidn2 takes a C string: what stands behind a NUL would be lost without a word.
  if (name.find('\0') != std::string_view::npos)
    return fail(ErrorCode::malformed, "domain name with a NUL byte");
  if (name.size() > kMaxUtf8Name)
    return fail(ErrorCode::malformed, "domain name of {} bytes", name.size());
  char* raw = nullptr;
  const int status =
      idn2_to_ascii_8z(std::string(name).c_str(), &raw, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  const std::unique_ptr<char, void (*)(void*)> converted(raw, idn2_free);
  if (status != IDN2_OK) {
    return fail(ErrorCode::malformed, "\"{}\" is no internationalised domain name: {}", name,
                idn2_strerror(status));
  }
  return std::string(converted.get());
}

/// Lower-cases and checks a name that is already ASCII.
Result<std::string> checked_ascii(std::string name) {
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (name.empty()) return fail(ErrorCode::malformed, "empty domain name");
  if (name.size() > kMaxName)
    return fail(ErrorCode::malformed, "domain name over {} octets", kMaxName);
  std::size_t label = 0;
  for (char& c : name) {
    if (c == '.') {
      if (label == 0) return fail(ErrorCode::malformed, "empty label in \"{}\"", name);
      label = 0;
      continue;
    }
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!is_alnum(c) && c != '-' && c != '_') {
      return fail(ErrorCode::malformed, "byte 0x{:02x} in a domain name",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    if (++label > kMaxLabel)
      return fail(ErrorCode::malformed, "label over {} octets in a domain name", kMaxLabel);
  }
  if (label == 0) return fail(ErrorCode::malformed, "empty label at the end of \"{}\"", name);
  return name;
}

/// The list compiled into libpsl, or the distribution's file where a libpsl was built without one.
const psl_ctx_t* public_suffixes() {
  static const psl_ctx_t* const list = [] {
    const psl_ctx_t* builtin = psl_builtin();
    return builtin != nullptr && psl_suffix_count(builtin) != 0 ? builtin : psl_latest(nullptr);
  }();
  return list;
}

/// Does the name, which is above 'domain', belong to the same organisation? What stands above a
/// public suffix does not, even if it is none itself: amazonaws.com and x.s3.amazonaws.com.
bool is_of_organization(std::string_view name, const std::string& domain) {
  const psl_ctx_t* list = public_suffixes();
  // Without any list only a top-level domain is known to be a public suffix.
  if (list == nullptr) return name.find('.') != std::string_view::npos;
  const char* organization = psl_registrable_domain(list, domain.c_str());
  return organization != nullptr && name.size() >= std::string_view(organization).size();
}

bool is_atext(char c) {
  constexpr std::string_view kSpecial = "!#$%&'*+-/=?^_`{|}~";
  return is_alnum(c) || kSpecial.find(c) != std::string_view::npos;
}

bool is_dot_atom(std::string_view text) {
  bool after_dot = true;
  for (const char c : text) {
    if (c == '.' ? after_dot : !is_atext(c)) return false;
    after_dot = c == '.';
  }
  return !after_dot;
}

/// A non-empty quoted string of printable ASCII and blanks (RFC 5321 section 4.1.2).
bool is_quoted_string(std::string_view text) {
  if (text.size() < 3 || text.front() != '"' || text.back() != '"') return false;
  const std::string_view content = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '"') return false;
    if (content[i] == '\\' && ++i == content.size()) return false;
    if (content[i] < ' ' || content[i] > '~') return false;
  }
  return true;
}

}  // namespace

bool is_normal_domain(std::string_view name) {
  if (name.size() > kMaxName) return false;
  for (;;) {
    const std::size_t label = kLabelEnds.find_in(name);
    if (label == 0 || label > kMaxLabel) return false;
    if (label == name.size()) return true;
    if (name[label] != '.') return false;
    name.remove_prefix(label + 1);
  }
}

Result<std::string> normalize_domain(std::string_view name) {
  if (is_normal_domain(name)) return std::string(name);
  // Two octets over the limit are enough to see that a name is too long.
  if (is_ascii(name)) return checked_ascii(std::string(name.substr(0, kMaxName + 2)));
  return to_a_labels(name).and_then(checked_ascii);
}

std::string normal_or_same(std::string_view name) {
  if (is_normal_domain(name)) return std::string(name);
  return normalize_domain(name).value_or(std::string(name));
}

Result<std::string> normalize_mx_pattern(std::string_view pattern) {
  if (!pattern.starts_with("*.")) return normalize_domain(pattern);
  return normalize_domain(pattern.substr(2)).map([](const std::string& name) {
    return "*." + name;
  });
}

std::optional<std::string> domain_of_address(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  address.remove_prefix(at + 1);
  if (is_normal_domain(address)) return std::string(address);
  auto domain = normalize_domain(address);
  if (!domain) return std::nullopt;
  return std::move(*domain);
}

bool is_aligned(std::string_view signer, std::string_view domain) {
  if (signer.empty()) return false;
  if (signer == domain) return true;
  if (domain.size() <= signer.size() + 1 || !domain.ends_with(signer) ||
      domain[domain.size() - signer.size() - 1] != '.')
    return false;
  return is_of_organization(signer, std::string(domain));
}

std::string organizational_domain(std::string_view domain) {
  const std::string name(domain);
  const psl_ctx_t* list = public_suffixes();
  const char* found = list == nullptr ? nullptr : psl_registrable_domain(list, name.c_str());
  if (found != nullptr) return found;
  // Without a list, only the label below the top-level domain is known to be no public suffix.
  const std::size_t top = list == nullptr ? name.rfind('.') : std::string::npos;
  if (top == std::string::npos || top == 0) return name;
  const std::size_t before = name.rfind('.', top - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

bool is_same_organization(std::string_view one, std::string_view other) {
  return one == other || organizational_domain(one) == organizational_domain(other);
}

bool is_plain_address(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos || at > kMaxLocalPart) return false;
  const std::string_view local = address.substr(0, at);
  const std::string_view domain = address.substr(at + 1);
  if (!is_dot_atom(local) && !is_quoted_string(local)) return false;
  return is_ascii(domain) && !domain.ends_with('.') && normalize_domain(domain).has_value();
}

}  // namespace tlsrpt
