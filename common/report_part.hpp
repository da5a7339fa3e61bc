// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Could this MIME part be a report? Its bytes decide; label and name are hints (receiving is
// tolerant, R217-R221, R235).

#include <string>

#include "common/mime_walker.hpp"

namespace tlsrpt {

enum class Candidate {
  none,    ///< text for people, pictures, ...
  weak,    ///< might be one; if it is not, nobody is surprised
  strong,  ///< says that it is one
};

struct ReportPart {
  Candidate candidate = Candidate::none;
  bool mismatch = false;  ///< label, name or encoding say something else than the bytes
  bool damaged = false;   ///< signs stood in the base64 that it does not have
  std::string bytes;      ///< decoded; empty for none
};

/// of_report_mail: its mail says that there is a report in it, so that JSON behind other text is
/// one.
ReportPart inspect_part(const MimePart& part, bool of_report_mail);

/// A forwarded message that the walker left closed: in base64 or quoted-printable, or by its file
/// name.
bool is_wrapped_message(const MimePart& part);

}  // namespace tlsrpt
