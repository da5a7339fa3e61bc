// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Questions about JSON that is not shaped as a report is. Each costs another pass over what it is
// asked about, so they are for what is odd already.

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "common/report_members.hpp"

namespace tlsrpt {

/// For an object where a list belongs: is it one with a name for each element, such as the domain
/// for each policy? Otherwise it is the only element itself. The text begins with its brace.
bool is_list_by_name(std::string_view json, ReportObject element);

/// Is the text, but for blanks around it, one object or array without any mistake?
bool is_packed_json(std::string_view text);

/// Calls take(object) for each object inside of the value at the front of the text that begins at
/// most so many brackets deep, outer ones first, with all that follows it. take() says how many of
/// its bytes are done with; the objects in there are passed over. Nothing ends the search.
using TakeObject = std::function<std::optional<std::size_t>(std::string_view object)>;
void for_objects_inside(std::string_view json, std::size_t max_depth, const TakeObject& take);

/// How much of a report is in a text that is none, or cannot be read?
enum class Likeness {
  none,
  some,    ///< names a member of a report, as other JSON may
  certain  ///< names several, at least one of which nothing else has, DMARC's reports included
};

/// By the names of members, in whatever spelling. Looks at the beginning of a long text.
Likeness likeness_to_report(std::string_view json);

}  // namespace tlsrpt
