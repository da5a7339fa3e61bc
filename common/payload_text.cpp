// SPDX-License-Identifier: BSD-2-Clause
#include "common/payload_text.hpp"

#include <algorithm>

#include "common/report_payload.hpp"
#include "common/transfer_encoding.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr char32_t kReplacement = 0xfffd;

bool is_big_endian(std::string_view text) {
  return text.starts_with("\xfe\xff"sv) || text.starts_with("\0"sv);
}

bool has_mark(std::string_view text) {
  return text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv);
}

/// Takes units off the front of a text.
class Utf16 {
 public:
  explicit Utf16(std::string_view text) : rest_(text), big_(is_big_endian(text)) {
    if (has_mark(text)) rest_.remove_prefix(2);
  }

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  char32_t next() {
    const char32_t unit = take();
    if (unit < 0xd800 || unit > 0xdfff) return unit;
    const bool pair = unit < 0xdc00 && rest_.size() >= 2 && (peek() & 0xfc00) == 0xdc00;
    return pair ? 0x10000 + ((unit & 0x3ff) << 10) + (take() & 0x3ff) : kReplacement;
  }

 private:
  [[nodiscard]] char32_t peek() const {
    const auto first = static_cast<unsigned char>(rest_[0]);
    const auto second = static_cast<unsigned char>(rest_[1]);
    return big_ ? first << 8 | second : second << 8 | first;
  }

  char32_t take() {
    if (rest_.size() < 2) {
      rest_ = {};
      return kReplacement;
    }
    const char32_t unit = peek();
    rest_.remove_prefix(2);
    return unit;
  }

  std::string_view rest_;
  bool big_;
};

}  // namespace

bool looks_like_base64_payload(std::string_view text) {
  constexpr std::size_t kShortest = 16;
  constexpr std::size_t kSeen = 1024;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  text = text.substr(0, kSeen);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::size_t end = std::min(text.find_first_not_of(kAlphabet), text.size());
  if (end < kShortest) return false;
  if (end < text.size() && kBlanks.find(text[end]) == std::string_view::npos) return false;
  return is_payload(payload_kind(decode_transfer(TransferEncoding::base64, text.substr(0, end))));
}

bool looks_like_utf16_json(std::string_view text) {
  if (text.size() < 4 || text.size() % 2 != 0) return false;
  Utf16 units(text);
  char32_t first = units.next();
  while (first < 0x80 && kBlanks.find(static_cast<char>(first)) != std::string_view::npos &&
         !units.empty())
    first = units.next();
  // A byte of NUL without a mark: in UTF-8 no JSON has one at its beginning.
  const bool wide = has_mark(text) || text[0] == '\0' || text[1] == '\0';
  return wide && (first == U'{' || first == U'[');
}

std::string utf8_from_utf16(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (Utf16 units(text); !units.empty();) append_utf8(out, units.next());
  return out;
}

}  // namespace tlsrpt
