// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Domain names in the one spelling that the project stores, compares and asks DNS for.

#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt {

/// Lower-case A-labels without trailing dot (R2, R3, R76). U-labels (UTF-8) are converted with
/// IDNA2008 (UTS 46 mapping). Fails on empty names, labels over 63 or names over 253 octets, and
/// bytes other than letters, digits, '-' and '_'. A single label is accepted ("localhost").
Result<std::string> normalize_domain(std::string_view name);

/// Would normalize_domain() leave the name as it is? Most names are normal, and need no copy.
bool is_normal_domain(std::string_view name);

/// The name itself if it cannot be normalised.
std::string normal_or_same(std::string_view name);

/// As normalize_domain, but also takes an MX pattern: one leading "*." stays (RFC 8461
/// section 4.1).
Result<std::string> normalize_mx_pattern(std::string_view pattern);

/// The part behind the last '@' of an addr-spec, normalised; nothing if there is none.
std::optional<std::string> domain_of_address(std::string_view address);

/// True if 'signer' is 'domain' itself or a parent of it that is not a public suffix
/// ("d= equal to or organisational parent of", R207). Both normalised.
bool is_aligned(std::string_view signer, std::string_view domain);

/// The domain below the public suffix, under which all of an organisation's names are:
/// "example.com" for mail.example.com. A name that has none is its own. Normalised.
std::string organizational_domain(std::string_view domain);

/// Are both names of one organisation? Normalised.
bool is_same_organization(std::string_view one, std::string_view other);

/// True if the text is an addr-spec that may stand in a header or an SMTP command (RFC 5322
/// section 3.4.1): a local part of at most 64 octets, and a domain in ASCII. The local part is a
/// dot-atom or, where it has other characters, a quoted string of printable ASCII
/// ("r,s"@x.example).
bool is_plain_address(std::string_view address);

}  // namespace tlsrpt
