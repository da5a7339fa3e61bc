// SPDX-License-Identifier: BSD-2-Clause
#include <fmt/format.h>

#include <algorithm>

#include "common/base64.hpp"
#include "common/dkim.hpp"
#include "common/dkim_crypto.hpp"
#include "common/dkim_hash.hpp"
#include "common/dkim_message.hpp"
#include "common/dkim_text.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kColumns = 78;  // RFC 5322 section 2.1.1

/// Writes a header field, and breaks the line before what would not fit in it.
class FoldedField {
 public:
  explicit FoldedField(std::string_view name) : text_(name), column_(name.size()) {}

  /// A piece that stays in one line; a blank stands before it, or the line break.
  void add_word(std::string_view word) { add(word, " "); }
  /// A piece that follows the last one directly, or after a line break.
  void add_piece(std::string_view piece) { add(piece, ""); }
  /// Bytes that may be broken anywhere.
  void add_anywhere(std::string_view bytes) {
    while (!bytes.empty()) {
      if (column_ >= kColumns) break_line();
      const std::size_t fits = std::min(bytes.size(), kColumns - column_);
      put(bytes.substr(0, fits));
      bytes.remove_prefix(fits);
    }
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add(std::string_view piece, std::string_view gap) {
    if (column_ + gap.size() + piece.size() > kColumns) {
      break_line();
    } else {
      put(gap);
    }
    put(piece);
  }
  void break_line() {
    text_ += "\r\n ";
    column_ = 1;
  }
  void put(std::string_view bytes) {
    text_ += bytes;
    column_ += bytes.size();
  }

  std::string text_;
  std::size_t column_;
};

std::string_view canonicalization_word(Canonicalization canonicalization) {
  switch (canonicalization) {
    case Canonicalization::simple:
      return "simple";
    case Canonicalization::relaxed:
      return "relaxed";
  }
  return "simple";
}

void add_signed_headers(FoldedField& field, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    const std::string piece = fmt::format("{}{}{}", i == 0 ? "h=" : "", names[i], last ? ";" : ":");
    if (i == 0) {
      field.add_word(piece);
    } else {
      field.add_piece(piece);
    }
  }
}

/// A setting that would end in a broken field, or in a signature that proves nothing.
Result<void> check(const SignSettings& settings, const dkim::MessageView& message) {
  for (const std::string& name : {settings.domain, settings.selector}) {
    const Result<std::string> normal = normalize_domain(name);
    if (!normal || *normal != name) {
      return fail(ErrorCode::invalid_argument, "\"{}\" is no normalised domain or selector", name);
    }
  }
  bool from = false;
  for (const std::string& name : settings.signed_headers) {
    if (!dkim::is_field_name(name) || name.find(';') != std::string::npos) {
      return fail(ErrorCode::invalid_argument, "\"{}\" is no header name to sign", name);
    }
    from = from || equal_ignoring_case(name, "from");
  }
  if (!from || message.count("from") == 0) {
    return fail(ErrorCode::invalid_argument, "the From field is there and signed, or DKIM is void");
  }
  if (settings.timestamp.time_since_epoch().count() < 0) {
    return fail(ErrorCode::invalid_argument, "a time before 1970 cannot stand in a signature");
  }
  return {};
}

}  // namespace

Result<std::string> dkim_sign(std::string_view message, const DkimKey& key,
                              const SignSettings& settings) {
  const std::optional<dkim::MessageView> view = dkim::MessageView::split(message);
  if (!view) return fail(ErrorCode::limit_exceeded, "DKIM: the header is too large to be signed");
  if (Result<void> checked = check(settings, *view); !checked) {
    return tl::unexpected(checked.error().context("DKIM"));
  }
  const std::optional<std::string> body_hash = dkim::hash_body(settings.body, view->body());
  if (!body_hash) return fail(ErrorCode::crypto, "DKIM: OpenSSL could not hash the body");

  FoldedField field("DKIM-Signature:");
  field.add_word("v=1;");
  field.add_word(fmt::format("a={};", key.algorithm()));
  field.add_word(fmt::format("c={}/{};", canonicalization_word(settings.header),
                             canonicalization_word(settings.body)));
  field.add_word(fmt::format("d={};", settings.domain));
  field.add_word(fmt::format("s={};", settings.selector));
  field.add_word(fmt::format("t={};", settings.timestamp.time_since_epoch().count()));
  add_signed_headers(field, settings.signed_headers);
  field.add_word(fmt::format("bh={};", base64_encode(*body_hash)));
  field.add_word("b=");

  const std::optional<std::string> digest = dkim::hash_header(
      settings.header, view->select(settings.signed_headers, nullptr), field.text());
  if (!digest) return fail(ErrorCode::crypto, "DKIM: OpenSSL could not hash the header");
  const DkimKey::Impl& impl = key.impl();
  const std::optional<std::string> signature =
      dkim::sign_digest(impl.algorithm, *impl.key, *digest);
  if (!signature) return fail(ErrorCode::crypto, "DKIM: OpenSSL could not sign with the key");
  field.add_anywhere(base64_encode(*signature));
  return field.text() + "\r\n";
}

}  // namespace tlsrpt
