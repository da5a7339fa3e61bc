// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_duplicates.hpp"

#include "common/domain_name.hpp"
#include "common/gzip.hpp"
#include "milter/received_identity.hpp"
#include "milter/received_row.hpp"

namespace tlsrpt::milter {

namespace {

/// Who vouches for a report: nobody, a mail that names a sender, or a signature. The higher
/// standing takes the place of the lower one.
enum class Standing { anonymous, named, authentic };

/// Of a report: who stands behind it, and who it says has made it.
struct Voucher {
  Standing standing = Standing::anonymous;
  std::string from_domain;
  std::string dkim_domain;
  std::string contact_domain;  ///< empty if contact-info has none

  /// In whose name it came.
  [[nodiscard]] const std::string& name() const {
    return standing == Standing::authentic ? dkim_domain : from_domain;
  }
};

Voucher voucher_of(DkimStatus dkim, std::string dkim_domain, std::string from_domain,
                   std::string_view contact_info) {
  Voucher voucher{Standing::named, std::move(from_domain), std::move(dkim_domain),
                  domain_of_address(contact_info).value_or("")};
  if (voucher.from_domain.empty()) voucher.standing = Standing::anonymous;
  if (dkim == DkimStatus::pass) voucher.standing = Standing::authentic;
  return voucher;
}

Voucher voucher_of(const ReceivedReport& received) {
  const Provenance& from = received.provenance;
  return voucher_of(from.dkim, from.dkim_domain,
                    std::string(std::string_view(from.from_domain).substr(0, kMaxHeaderText)),
                    received.report.contact_info);
}

/// May the one who stands behind a copy speak for him who, by its own word, has made the other,
/// which nobody stands behind? Else a stranger who signs could take the place of any report that
/// came without a signature, or keep it out.
bool speaks_for(const Voucher& named, const Voucher& anonymous) {
  return !anonymous.contact_domain.empty() &&
         organizational_domain(named.name()) == organizational_domain(anonymous.contact_domain);
}

/// Of two reports that agree in all but their senders: are they copies of one?
bool are_copies(const Voucher& one, const Voucher& other, bool same_text) {
  const bool one_anonymous = one.standing == Standing::anonymous;
  const bool other_anonymous = other.standing == Standing::anonymous;
  if (one_anonymous && other_anonymous) return true;
  if (one_anonymous) return same_text || speaks_for(other, one);
  if (other_anonymous) return same_text || speaks_for(one, other);
  const bool both_prove = one.standing == Standing::authentic && one.standing == other.standing;
  return !both_prove && one.from_domain == other.from_domain;
}

/// The report in a row that begins with id, dkim, dkim_domain, from_domain and contact_info.
struct Candidate {
  std::int64_t id = 0;
  Voucher voucher;
};

Candidate read_candidate(const Statement& row) {
  return {row.integer(0),
          voucher_of(read_dkim_status(row.text(1)), row.text(2), row.text(3), row.text(4))};
}

Result<std::optional<Candidate>> find_same(Sqlite& database, const ReportKeys& keys) {
  auto query = database.cached(
      "SELECT id, dkim, dkim_domain, from_domain, contact_info FROM report WHERE identity = ?");
  if (!query) return tl::unexpected(query.error());
  query->bind_blob(0, keys.identity);
  auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? std::optional(read_candidate(*query)) : std::nullopt;
}

/// The copy with the highest standing. A report comes by few ways, so the first hundred are looked
/// through: who makes up a new name for each copy must not make each one dearer than the one
/// before.
Result<std::optional<Candidate>> find_alike(Sqlite& database, const Voucher& voucher,
                                            const ReportKeys& keys) {
  auto query = database.cached(
      "SELECT id, dkim, dkim_domain, from_domain, contact_info, json = ?2 FROM report "
      "WHERE likeness = ?1 ORDER BY id LIMIT 100");
  if (!query) return tl::unexpected(query.error());
  query->bind_blob(0, keys.likeness).bind_blob(1, keys.packed);
  std::optional<Candidate> best;
  for (;;) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return best;
    Candidate candidate = read_candidate(*query);
    const bool better = !best || candidate.voucher.standing > best->voucher.standing;
    const bool same_text = query->integer(5) != 0;
    if (better && are_copies(voucher, candidate.voucher, same_text)) best = std::move(candidate);
  }
}

}  // namespace

Result<ReportKeys> keys_of(const ReceivedReport& received) {
  auto identity = report_identity(received);
  if (!identity) return tl::unexpected(identity.error());
  auto likeness = report_likeness(received.report, received.json);
  if (!likeness) return tl::unexpected(likeness.error());
  return ReportKeys{std::move(*identity), std::move(*likeness), gzip(received.json)};
}

Result<std::optional<OlderCopy>> find_older_copy(Sqlite& database, const ReceivedReport& received,
                                                 const ReportKeys& keys) {
  const Voucher voucher = voucher_of(received);
  auto older = find_same(database, keys);
  if (older && !*older) older = find_alike(database, voucher, keys);
  if (!older) return tl::unexpected(older.error());
  if (!*older) return std::optional<OlderCopy>{};
  return std::optional(OlderCopy{(*older)->id, voucher.standing > (*older)->voucher.standing});
}

}  // namespace tlsrpt::milter
