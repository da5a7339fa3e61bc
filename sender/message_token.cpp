// SPDX-License-Identifier: BSD-2-Clause
#include "sender/message_token.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <iterator>

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kPrefix = "tlsrpt.";
constexpr std::size_t kMacBytes = 12;
constexpr std::size_t kMaxMessageId = 998;

struct Parts {
  std::int64_t delivery = 0;
  std::string_view token;
};

/// "<tlsrpt.17.0123abcd@example.com>" taken apart.
std::optional<Parts> take_apart(std::string_view message_id) {
  if (message_id.size() > kMaxMessageId) return std::nullopt;
  if (message_id.starts_with('<')) message_id.remove_prefix(1);
  const std::string_view token = message_id.substr(0, message_id.find('@'));
  if (!token.starts_with(kPrefix)) return std::nullopt;
  Parts parts{0, token};
  const std::string_view rest = token.substr(kPrefix.size());
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), parts.delivery);
  if (error != std::errc{} || end == rest.data() + rest.size() || *end != '.') return std::nullopt;
  return parts;
}

}  // namespace

Result<std::string> message_token(std::string_view secret, std::int64_t delivery,
                                  std::string_view report_id) {
  const std::string number = std::to_string(delivery);
  const std::string input = number + " " + std::string(report_id);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  // Octets of text are octets of OpenSSL.
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac.data(),
           &size) == nullptr) {
    return fail(ErrorCode::crypto, "OpenSSL cannot compute an HMAC");
  }
  std::string token = fmt::format("{}{}.", kPrefix, number);
  for (std::size_t i = 0; i < kMacBytes; ++i) {
    fmt::format_to(std::back_inserter(token), "{:02x}", mac.at(i));
  }
  return token;
}

Result<std::optional<Delivery>> find_by_message_id(Ledger& ledger, std::string_view message_id) {
  const auto parts = take_apart(message_id);
  if (!parts) return std::optional<Delivery>{};
  auto delivery = ledger.find_delivery(parts->delivery);
  if (!delivery || !*delivery) return delivery;
  const auto report = ledger.find_report((*delivery)->plan);
  if (!report) return tl::unexpected(report.error());
  if (!*report) return std::optional<Delivery>{};
  const auto secret = ledger.secret();
  if (!secret) return tl::unexpected(secret.error());
  const auto token = message_token(*secret, parts->delivery, (*report)->report_id);
  if (!token) return tl::unexpected(token.error());
  const bool same = token->size() == parts->token.size() &&
                    CRYPTO_memcmp(token->data(), parts->token.data(), token->size()) == 0;
  return same ? delivery : std::optional<Delivery>{};
}

}  // namespace tlsrpt::sender
