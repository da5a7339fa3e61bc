// SPDX-License-Identifier: BSD-2-Clause
#include "sender/genkey_request.hpp"

#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "common/domain_name.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxSelector = 63;

struct Words {
  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::string> arguments;
};

bool is_option(std::string_view name) {
  return name == "--type" || name == "--bits" || name == "--domain" || name == "--output";
}

Result<Words> take_apart(const std::vector<std::string>& words) {
  Words result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with('-')) {
      result.arguments.push_back(words[i]);
      continue;
    }
    const std::size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (!is_option(name)) {
      return fail(ErrorCode::invalid_argument, "genkey has no option \"{}\"", name);
    }
    if (equals == std::string::npos && ++i == words.size()) {
      return fail(ErrorCode::invalid_argument, "{} needs a value", name);
    }
    result.options[name] = equals == std::string::npos ? words[i] : words[i].substr(equals + 1);
  }
  return result;
}

const std::string* find_option(const Words& words, std::string_view name) {
  const auto it = words.options.find(name);
  return it == words.options.end() ? nullptr : &it->second;
}

Result<int> parse_bits(std::string_view text) {
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc{} || end != text.data() + text.size() || bits < kMinNewRsaBits ||
      bits > kMaxNewRsaBits) {
    return fail(ErrorCode::invalid_argument, "--bits \"{}\" is not a number from {} to {}", text,
                kMinNewRsaBits, kMaxNewRsaBits);
  }
  return bits;
}

Result<KeyKind> parse_kind(const Words& words) {
  KeyKind kind;
  const std::string* type = find_option(words, "--type");
  const std::string* bits = find_option(words, "--bits");
  if (type != nullptr && *type == "ed25519") {
    kind.type = KeyKind::Type::ed25519;
    if (bits == nullptr) return kind;
    return fail(ErrorCode::invalid_argument, "--bits goes with --type rsa: ed25519 has one size");
  }
  if (type != nullptr && *type != "rsa") {
    return fail(ErrorCode::invalid_argument, "--type \"{}\" is neither rsa nor ed25519", *type);
  }
  if (bits == nullptr) return kind;
  const auto number = parse_bits(*bits);
  if (!number) return tl::unexpected(number.error());
  kind.bits = *number;
  return kind;
}

Result<std::string> parse_selector(const Words& words) {
  if (words.arguments.size() != 1) {
    return fail(ErrorCode::invalid_argument, "genkey needs one selector, such as tlsrpt1");
  }
  const std::string& text = words.arguments.front();
  auto selector = normalize_domain(text);
  if (!selector || selector->size() > kMaxSelector) {
    return fail(ErrorCode::invalid_argument,
                "\"{}\" cannot be a selector; write one such as tlsrpt1", text);
  }
  return selector;
}

}  // namespace

Result<GenkeyRequest> parse_genkey(const std::vector<std::string>& words) {
  const auto parts = take_apart(words);
  if (!parts) return tl::unexpected(parts.error());
  GenkeyRequest request;
  const auto kind = parse_kind(*parts);
  if (!kind) return tl::unexpected(kind.error());
  request.kind = *kind;
  const auto selector = parse_selector(*parts);
  if (!selector) return tl::unexpected(selector.error());
  request.selector = *selector;
  if (const std::string* text = find_option(*parts, "--domain")) {
    const auto domain = normalize_domain(*text);
    if (!domain) {
      return fail(ErrorCode::invalid_argument, "--domain \"{}\" is not a domain", *text);
    }
    request.domain = *domain;
  }
  const std::string* path = find_option(*parts, "--output");
  request.path = path == nullptr ? "./" + request.selector + ".pem" : *path;
  if (request.path.empty()) return fail(ErrorCode::invalid_argument, "--output needs a file");
  return request;
}

Result<std::string> contact_domain(const Config& config) {
  const std::string& address = config.text(Key::contact_info);
  if (auto domain = domain_of_address(address)) return std::move(*domain);
  return fail(ErrorCode::invalid_argument,
              "the key needs a domain; give --domain, or set ContactInfo in the configuration");
}

}  // namespace tlsrpt::sender
