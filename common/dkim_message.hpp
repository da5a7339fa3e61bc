// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A message as DKIM sees it: header fields from top to bottom, and a body.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::dkim {

struct HeaderField {
  std::string_view name;
  std::string_view text;  ///< the whole field, folded as it came, without its last line end
};

/// Views into the message, which must outlive this.
class MessageView {
 public:
  /// Nothing if the header section is beyond all measure (4 MB or 20,000 fields). Lines that are no
  /// header field are passed over: they cannot be signed.
  static std::optional<MessageView> split(std::string_view message);

  [[nodiscard]] const std::vector<HeaderField>& fields() const { return fields_; }
  [[nodiscard]] std::string_view body() const { return body_; }
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// Whoever reads the header, however tolerant, finds these fields in it and no others, and its
  /// end where body() begins: nothing was passed over but mbox lines in front, no line could be
  /// taken for a MIME delimiter or for JSON, and no byte for a line end but LF.
  [[nodiscard]] bool is_regular() const { return regular_; }

  /// The fields that the names of an h= stand for, in that order: each mention of a name takes the
  /// lowest field not yet taken, or nothing when none is left (RFC 6376 section 5.4.2). 'without'
  /// is never taken.
  [[nodiscard]] std::vector<const HeaderField*> select(const std::vector<std::string>& names,
                                                       const HeaderField* without) const;

 private:
  std::vector<HeaderField> fields_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> places_;  ///< by lower-case name
  std::string_view body_;
  bool regular_ = true;
};

}  // namespace tlsrpt::dkim
