// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A fast hash of a text for tables in memory, and for telling a torn record from a whole one. Who
// does not know the seed cannot choose texts that collide.

#include <cstdint>
#include <string_view>

namespace tlsrpt::sender {

/// Equal on machines of one byte order only.
std::uint64_t seeded_hash(std::string_view text, std::uint64_t seed);

/// One that nobody else knows.
std::uint64_t random_seed();

}  // namespace tlsrpt::sender
