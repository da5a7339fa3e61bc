// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Questions about JSON that is not shaped as a report is. Each costs another pass over what it is
// asked about, so they are for what is odd already.

#include <string_view>
#include <vector>

#include "common/report_members.hpp"

namespace tlsrpt {

/// For an object where a list belongs: is it one with a name for each element, such as the domain
/// for each policy? Otherwise it is the only element itself. The text begins with its brace.
bool is_list_by_name(std::string_view json, ReportObject element);

/// The objects inside of the value at the front of the text that begin at most so many brackets
/// deep, outer ones first; each with all that follows it.
std::vector<std::string_view> objects_inside(std::string_view json, std::size_t max_depth,
                                             std::size_t max_objects);

}  // namespace tlsrpt
