// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What failures mean and how to mend them, for those that were reported and for words that somebody
// asks about. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "milter/summary.hpp"

namespace tlsrpt::milter {

/// A kind of failure, as somebody asks for it.
struct FailureWords {
  std::string policy_type;  ///< empty: any
  std::string result_type;
  std::string reason_code;  ///< empty: any
};

/// "[POLICY-TYPE/]RESULT-TYPE[/REASON-CODE]", in any spelling of the registered words. Error
/// invalid_argument: there is no such type, and which there are.
Result<FailureWords> parse_failure_words(std::string_view text);

/// For a terminal, some lines.
std::string explain(const FailureWords& words);

/// Each kind of failure in the summary, those with most sessions first: where, what it means, and
/// how to mend it. Texts of strangers are escaped.
std::string explain(const Summary& summary);

}  // namespace tlsrpt::milter
