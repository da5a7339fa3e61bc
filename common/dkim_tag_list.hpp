// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// "name=value; name=value": the grammar of DKIM's signatures and key records (RFC 6376
// section 3.2).

#include <optional>
#include <string_view>
#include <vector>

namespace tlsrpt::dkim {

struct Tag {
  std::string_view name;
  std::string_view value;  ///< without the folding white space around it
  /// Everything between '=' and the next ';' or the end, as offsets into the text.
  std::size_t begin = 0;
  std::size_t end = 0;
};

class TagList {
 public:
  /// Nothing if the text breaks the grammar, names a tag twice, or has more tags than allowed.
  /// Bytes of UTF-8 may stand in values (RFC 8616). The text must outlive the list.
  static std::optional<TagList> parse(std::string_view text, std::size_t max_tags = 50);

  /// Names are case-sensitive.
  [[nodiscard]] const Tag* find(std::string_view name) const;
  /// The tag's value, or the default of a tag that is not there.
  [[nodiscard]] std::string_view value_or(std::string_view name, std::string_view fallback) const;
  [[nodiscard]] const std::vector<Tag>& tags() const { return tags_; }

 private:
  std::vector<Tag> tags_;
};

}  // namespace tlsrpt::dkim
