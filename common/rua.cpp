// SPDX-License-Identifier: BSD-2-Clause
#include "common/rua.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxUri = 2048;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// RFC 3986's characters without those that RFC 8460 wants encoded.
bool is_uri_character(char c) {
  constexpr std::string_view kPunctuation = "-._~:/?#[]@$&'()*+=";
  return is_alpha(c) || is_digit(c) || kPunctuation.find(c) != std::string_view::npos;
}

Result<void> check_characters(std::string_view uri) {
  for (std::size_t i = 0; i < uri.size(); ++i) {
    if (is_uri_character(uri[i])) continue;
    if (uri[i] != '%') {
      return fail(ErrorCode::malformed, "byte 0x{:02x} must be percent-encoded in a URI",
                  static_cast<unsigned>(static_cast<unsigned char>(uri[i])));
    }
    if (hex_octet(uri, i + 1) < 0)
      return fail(ErrorCode::malformed, "'%' without two hexadecimal digits");
    i += 2;
  }
  return {};
}

/// Of text that passed check_characters.
std::string percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const int octet = text[i] == '%' ? hex_octet(text, i + 1) : -1; octet >= 0) {
      decoded += static_cast<char>(octet);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string quote_local_part(std::string_view local) {
  std::string quoted = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

struct AddressParts {
  std::string local, domain;
};

std::optional<AddressParts> split_address(std::string_view path) {
  const auto raw = std::count(path.begin(), path.end(), '@');
  if (raw == 1) {
    // An '@' of a quoted local part is percent-encoded (RFC 6068 section 2), so split first.
    const std::size_t at = path.find('@');
    return AddressParts{percent_decode(path.substr(0, at)), percent_decode(path.substr(at + 1))};
  }
  const std::string decoded = percent_decode(path);
  // Some software encodes the separator as well; that is clear as long as it is the only '@'.
  if (std::count(decoded.begin(), decoded.end(), '@') != 1) return std::nullopt;
  const std::size_t at = decoded.find('@');
  return AddressParts{decoded.substr(0, at), decoded.substr(at + 1)};
}

Result<Rua> parse_mailto(std::string_view uri, std::string_view rest) {
  const auto parts = split_address(rest.substr(0, rest.find_first_of("?#")));
  if (!parts) return fail(ErrorCode::unsupported, "mailto: needs exactly one address");
  auto domain = normalize_domain(parts->domain);
  if (!domain) return fail(ErrorCode::unsupported, "mailto: {}", domain.error().detail);
  std::string address = parts->local + "@" + *domain;
  if (!is_plain_address(address)) address = quote_local_part(parts->local) + "@" + *domain;
  if (!is_plain_address(address))
    return fail(ErrorCode::unsupported, "mailto: the local part cannot be used in SMTP");
  return Rua{Rua::Scheme::mailto, std::string(uri), std::move(address), std::move(*domain)};
}

/// Names such as "2130706433" or "0x7f.1" are addresses to some resolvers: not what they seem.
bool ends_in_number(std::string_view name) {
  const std::string_view label = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return std::all_of(label.begin(), label.end(), is_digit) ||
         (label.starts_with("0x") &&
          std::all_of(label.begin() + 2, label.end(), [](char c) { return hex_value(c) >= 0; }));
}

std::optional<std::string> normalize_ipv6(std::string_view text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (inet_ntop(AF_INET6, &address, buffer.data(), buffer.size()) == nullptr) return std::nullopt;
  return std::string(buffer.data());
}

std::optional<std::string> normalize_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.ends_with(']') ? normalize_ipv6(host.substr(1, host.size() - 2)) : std::nullopt;
  }
  auto name = normalize_domain(host);
  if (!name) return std::nullopt;
  in_addr ipv4{};
  if (ends_in_number(*name) && inet_pton(AF_INET, name->c_str(), &ipv4) != 1) return std::nullopt;
  return std::move(*name);
}

bool is_port(std::string_view text) {
  if (text.empty()) return true;  // RFC 3986: the scheme's default
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// The text between "//" and the path.
std::string_view authority_of(std::string_view uri) {
  const std::size_t start = uri.find("//");
  if (start == std::string_view::npos) return {};
  const std::string_view rest = uri.substr(start + 2);
  return rest.substr(0, rest.find_first_of("/?#"));
}

/// Where the ":port" of an authority starts, or its end.
std::size_t host_length(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return std::min(colon, authority.size());
}

Result<Rua> parse_https(std::string_view uri, std::string_view rest) {
  if (!rest.starts_with("//")) return fail(ErrorCode::unsupported, "https: without a host");
  const std::string_view authority = authority_of(uri);
  if (authority.find('@') != std::string_view::npos)
    return fail(ErrorCode::unsupported, "https: with user information");
  const std::size_t length = host_length(authority);
  auto host = normalize_host(authority.substr(0, length));
  if (!host) return fail(ErrorCode::unsupported, "https: without a usable host");
  if (length < authority.size() && !is_port(authority.substr(length + 1)))
    return fail(ErrorCode::unsupported, "https: with a bad port");
  return Rua{Rua::Scheme::https, std::string(uri), {}, std::move(*host)};
}

/// What follows the host: port, path, query.
std::string_view behind_host(std::string_view uri) {
  const std::size_t slashes = uri.find("//");
  if (slashes == std::string_view::npos) return uri;
  return uri.substr(slashes + 2 + host_length(authority_of(uri)));
}

}  // namespace

Result<Rua> parse_rua(std::string_view text) {
  const std::string_view uri = trimmed(text);
  if (uri.size() > kMaxUri) return fail(ErrorCode::malformed, "URI over {} bytes", kMaxUri);
  if (auto checked = check_characters(uri); !checked)
    return tl::unexpected<Error>(std::move(checked.error()));
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_alpha(uri.front()))
    return fail(ErrorCode::malformed, "no scheme, such as mailto: or https:");
  const std::string scheme = lower_case(uri.substr(0, colon));
  const std::string_view rest = uri.substr(colon + 1);
  if (scheme == "mailto") return parse_mailto(uri, rest);
  if (scheme == "https") return parse_https(uri, rest);
  return fail(ErrorCode::unsupported, "scheme \"{}\" is neither mailto nor https", scheme);
}

bool same_destination(const Rua& a, const Rua& b) {
  if (a.scheme != b.scheme || a.host != b.host) return false;
  switch (a.scheme) {
    case Rua::Scheme::mailto:
      return a.address == b.address;
    case Rua::Scheme::https:
      return behind_host(a.uri) == behind_host(b.uri);
  }
  return false;
}

std::string encode_rua(std::string_view uri) {
  std::string encoded;
  for (const char c : uri) {
    if (c == ',') {
      encoded += "%2C";
    } else if (c == '!') {
      encoded += "%21";
    } else if (c == ';') {
      encoded += "%3B";
    } else {
      encoded += c;
    }
  }
  return encoded;
}

}  // namespace tlsrpt
