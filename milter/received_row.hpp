// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Between the rows of received.db and the values of received_store.hpp.

#include <string>
#include <string_view>
#include <vector>

#include "common/gzip.hpp"
#include "common/sqlite.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// The columns of a Provenance, in the order in which the functions below take them.
inline constexpr std::string_view kProvenanceColumns =
    "received_at, source, dkim, dkim_domain, dkim_reason, from_domain, submitter, queue_id, "
    "message_id, source_address, dkim_selector";
inline constexpr int kProvenanceWidth = 11;

/// Texts of a mail's header are kept up to this length.
inline constexpr std::size_t kMaxHeaderText = 998;

/// An empty text is an absent one: NULL.
void bind_text(Statement& statement, int index, std::string_view text);
void bind_time(Statement& statement, int index, Seconds time);
Seconds read_time(const Statement& statement, int column);

/// A count of sessions. Never above kMaxCount, so it fits into 64 bits with a sign.
void bind_count(Statement& statement, int index, std::uint64_t count);
std::uint64_t read_count(const Statement& statement, int column);

void bind_provenance(Statement& statement, int first, const Provenance& provenance);
Provenance read_provenance(const Statement& statement, int first);

/// Limits for unpacking what the store has packed: it was within the limits when it came.
GunzipLimits own_bytes();

/// Flags as blank-separated words. Words of a newer program are skipped.
std::string write_flags(const Flags& flags);
Flags read_flags(std::string_view words);

/// DkimStatus::none for a word that is not known.
DkimStatus read_dkim_status(std::string_view word);

/// Refusal::none for a word that is not known.
Refusal read_refusal(std::string_view word);

/// A list of texts as a JSON array, which SQL can take apart with json_each().
std::string write_texts(const std::vector<std::string>& texts);
std::vector<std::string> read_texts(const std::string& json);

}  // namespace tlsrpt::milter
