// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Will the MTA reach the Socket? The traps that nearly every milter's users fall into once: groups,
// modes, folders, the chroot. -n prints what is found.

#include <string>
#include <vector>

#include "milter/milter_settings.hpp"

namespace tlsrpt::milter {

/// Where the MTA most at risk keeps its configuration; without it nothing is said about it.
struct PostfixPlace {
  std::string folder = "/etc/postfix";
  std::string user = "postfix";
};

/// One sentence or two for each thing that will probably go wrong, and what to do. Looks at the
/// machine as it is now; never fails.
std::vector<std::string> socket_warnings(const MilterSettings& settings,
                                         const PostfixPlace& postfix);

/// The folder that a chrooted SMTP server of this Postfix is confined to, or "".
std::string smtpd_chroot(const std::string& master_cf, const std::string& main_cf);

}  // namespace tlsrpt::milter
