// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What comes next in a stranger's JSON text: one pass, token by token, without a tree and without
// copies of what can stay where it is.
//
// It takes RFC 8259 and what can be put right without guessing: a comma before a closing bracket,
// raw controls in strings, backslashes that escape nothing, ill-formed UTF-8 and halves of
// characters in strings, and numbers and words as programming languages print them (+3, 03, .5,
// NaN, True, None). What it put right it says. Numbers are only looked at, so that none is too
// large.

#include <cstdint>
#include <string>
#include <string_view>

namespace tlsrpt {

/// What was not JSON as it should be.
struct JsonRepairs {
  bool syntax = false;  ///< trailing commas, raw controls and odd escapes in strings, odd numbers
  bool invalid_utf8 = false;    ///< ill-formed bytes in strings became U+FFFD
  bool lone_surrogate = false;  ///< half characters and noncharacters became U+FFFD

  bool operator==(const JsonRepairs&) const = default;
};

class JsonScanner {
 public:
  enum class Token : std::uint8_t {
    begin_object,
    end_object,
    begin_array,
    end_array,
    name,  ///< of a member; its value comes next
    text,
    number,
    boolean,
    null,
    end,        ///< behind the one value that was read; more text may follow
    malformed,  ///< position() is where; nothing can follow
  };

  /// Begins with the value at the front of the text. Memory grows with the depth only, and with
  /// the longest string that had to be changed; the caller decides when it is too deep.
  explicit JsonScanner(std::string_view text)
      : begin_(text.data()), next_(begin_), end_(begin_ + text.size()) {}

  Token next();

  /// Takes the next token if it is this name of a member, of 4 to 32 bytes and written without
  /// escapes, with next() about to read its value then. Otherwise nothing happens. Knowing a name
  /// beforehand costs less than reading it; value() does not change.
  bool take_name(std::string_view name);

  /// Of a name or text, without escapes and valid UTF-8; of a number or boolean, as written, which
  /// may be NaN or 03. Valid until the next call.
  [[nodiscard]] std::string_view value() const { return value_; }

  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(next_ - begin_); }
  [[nodiscard]] const JsonRepairs& repairs() const { return repairs_; }

 private:
  enum class Expected : std::uint8_t { value, first, comma, nothing };

  [[nodiscard]] const char* behind_blanks(const char* from) const;
  char skip_blanks();
  Token open(char bracket);
  Token close();
  Token read_name();
  Token read_value();
  Token read_number();
  Token read_word(std::string_view word, Token token);
  Token read_odd_word();
  Token value_read(Token token);
  Token give_up();
  bool read_string();
  bool read_changed_string(const char* from);
  bool read_escape(const char*& from);
  bool read_unicode_escape(const char*& from);
  bool keep_backslash(const char*& from);
  [[nodiscard]] char closing_bracket() const { return in_object_ ? '}' : ']'; }
  [[nodiscard]] bool at(const char* where, std::string_view text) const;

  const char* begin_;
  const char* next_;
  const char* end_;
  Expected expected_ = Expected::value;
  bool in_object_ = false;
  std::string around_;  ///< the brackets around the innermost one that is open
  std::string_view value_;
  std::string changed_;  ///< the value, if it is not what stands in the text
  JsonRepairs repairs_;
};

}  // namespace tlsrpt
