// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_claim.hpp"

#include "common/ascii.hpp"
#include "common/header_field.hpp"

namespace tlsrpt::milter {

bool claims_report(std::string_view name, std::string_view value) {
  if (equal_ignoring_case(name, "TLS-Report-Domain") ||
      equal_ignoring_case(name, "TLS-Report-Submitter")) {
    return true;
  }
  // A gateway in wide use leaves out the hyphen.
  if (!equal_ignoring_case(name, "Content-Type") && !equal_ignoring_case(name, "ContentType")) {
    return false;
  }
  const ParameterizedValue type = parse_parameters(unfold(value));
  return type.value.find("/tlsrpt") != std::string::npos ||
         equal_ignoring_case(type.parameter("report-type"), "tlsrpt");
}

}  // namespace tlsrpt::milter
