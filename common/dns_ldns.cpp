// SPDX-License-Identifier: BSD-2-Clause
//
// DNS questions and answers through ldns, which builds and reads the packets. The sockets are our
// own (dns_transport.hpp): ldns's resolver can neither be shared by threads nor bounded in time.

#include "common/dns.hpp"

// Before ldns, which otherwise makes macros of bool, true and false.
// clang-format off
#include <stdbool.h>
// clang-format on

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "common/dns_transport.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxRecords = 100;
constexpr int kMaxAliases = 16;
constexpr std::uint16_t kUdpSize = 1232;  // avoids fragments (DNS flag day 2020)
constexpr std::size_t kMaxResolvConf = 65536;
constexpr const char* kResolvConf = "/etc/resolv.conf";

template <auto free_function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using PacketPtr = std::unique_ptr<ldns_pkt, Free<ldns_pkt_free>>;
using RdfPtr = std::unique_ptr<ldns_rdf, Free<ldns_rdf_deep_free>>;
using BytesPtr = std::unique_ptr<std::uint8_t, Free<std::free>>;

tl::unexpected<Error> failed(std::string detail) {
  return tl::unexpected<Error>(Error{ErrorCode::temporary, std::move(detail)});
}

std::span<const std::uint8_t> bytes_of(const ldns_rdf* rdf) {
  if (rdf == nullptr) return {};
  return {ldns_rdf_data(rdf), ldns_rdf_size(rdf)};
}

std::string to_string(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// ---- packets ----

Result<std::string> make_query(const ldns_rdf* name, ldns_rr_type type) {
  std::uint16_t id = 0;
  if (getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id))
    return failed("no random numbers");
  ldns_rdf* owner = ldns_rdf_clone(name);  // the packet takes it over
  const PacketPtr packet(ldns_pkt_query_new(owner, type, LDNS_RR_CLASS_IN, LDNS_RD));
  if (!packet) {
    ldns_rdf_deep_free(owner);
    return failed("out of memory");
  }
  ldns_pkt_set_id(packet.get(), id);
  ldns_pkt_set_ad(packet.get(), true);  // asks for the AD bit without signatures (RFC 6840 5.7)
  ldns_pkt_set_edns_udp_size(packet.get(), kUdpSize);
  std::uint8_t* raw = nullptr;
  std::size_t size = 0;
  const ldns_status status = ldns_pkt2wire(&raw, packet.get(), &size);
  const BytesPtr wire(raw);
  if (status != LDNS_STATUS_OK || !wire) return failed("the query cannot be written");
  return to_string({wire.get(), size});
}

Result<PacketPtr> read_packet(const std::string& message) {
  ldns_pkt* raw = nullptr;
  // Octets of text and octets of ldns are the same octets.
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(message.data());
  const ldns_status status = ldns_wire2pkt(&raw, bytes, message.size());
  if (status != LDNS_STATUS_OK || raw == nullptr)
    return failed(fmt::format("malformed answer: {}", ldns_get_errorstr_by_id(status)));
  return PacketPtr(raw);
}

/// The extended error of RFC 8914, if there is one: " (EDE 6)" or " (EDE 6: text)".
std::string extended_error(const ldns_pkt* packet) {
  constexpr unsigned kExtendedError = 15;
  std::span<const std::uint8_t> options = bytes_of(ldns_pkt_edns_data(packet));
  while (options.size() >= 4) {
    const unsigned code = options[0] * 256U + options[1];
    const std::size_t length = options[2] * std::size_t{256} + options[3];
    options = options.subspan(4);
    if (length > options.size()) break;
    if (code == kExtendedError && length >= 2) {
      const unsigned info = options[0] * 256U + options[1];
      const std::string text = to_string(options.subspan(2, length - 2));
      return text.empty() ? fmt::format(" (EDE {})", info)
                          : fmt::format(" (EDE {}: {})", info, text);
    }
    options = options.subspan(length);
  }
  return {};
}

std::string rcode_text(const ldns_pkt* packet) {
  const auto rcode = static_cast<unsigned>(ldns_pkt_get_rcode(packet));
  constexpr std::array<std::string_view, 6> kNames = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                      "NXDOMAIN", "NOTIMP",  "REFUSED"};
  const std::string name =
      rcode < kNames.size() ? std::string(kNames[rcode]) : fmt::format("RCODE {}", rcode);
  return name + extended_error(packet);
}

template <typename Visit>
void for_each(const ldns_rr_list* list, Visit visit) {
  const std::size_t count = list == nullptr ? 0 : ldns_rr_list_rr_count(list);
  for (std::size_t i = 0; i < count; ++i) {
    const ldns_rr* record = ldns_rr_list_rr(list, i);
    if (record != nullptr && ldns_rr_get_class(record) == LDNS_RR_CLASS_IN) visit(*record);
  }
}

std::vector<const ldns_rr*> records_of(const ldns_pkt* packet, const ldns_rdf* owner,
                                       ldns_rr_type type) {
  std::vector<const ldns_rr*> records;
  for_each(ldns_pkt_answer(packet), [&](const ldns_rr& record) {
    if (ldns_rr_get_type(&record) == type && ldns_dname_compare(ldns_rr_owner(&record), owner) == 0)
      records.push_back(&record);
  });
  return records;
}

std::uint32_t ttl_of(const ldns_rr& record) {
  const std::uint32_t ttl = ldns_rr_ttl(&record);
  return ttl > 0x7fffffffU ? 0 : ttl;  // RFC 2181 section 8
}

/// How long the absence may be remembered (RFC 2308 section 5); nothing without a SOA record.
std::optional<std::uint32_t> negative_ttl(const ldns_pkt* packet) {
  std::optional<std::uint32_t> ttl;
  for_each(ldns_pkt_authority(packet), [&](const ldns_rr& record) {
    if (ldns_rr_get_type(&record) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(&record) != 7) return;
    ttl = std::min(ttl_of(record), ldns_rdf2native_int32(ldns_rr_rdf(&record, 6)));
  });
  return ttl;
}

// ---- records ----

std::optional<std::string> read_txt(const ldns_rr& record) {
  // A message has at most 64 KiB, and so has the text.
  std::string text;
  for (std::size_t i = 0; i < ldns_rr_rd_count(&record); ++i) {
    const auto bytes = bytes_of(ldns_rr_rdf(&record, i));
    if (bytes.empty() || bytes.size() != bytes[0] + std::size_t{1}) return std::nullopt;
    text += to_string(bytes.subspan(1));
  }
  return text;
}

/// A name in wire format as text; nothing if it cannot be a host.
std::optional<std::string> read_host(const ldns_rdf* rdf) {
  std::span<const std::uint8_t> bytes = bytes_of(rdf);
  if (bytes.size() == 1 && bytes[0] == 0) return ".";
  std::string name;
  while (!bytes.empty() && bytes[0] != 0) {
    const std::size_t length = bytes[0];
    if (length >= bytes.size()) return std::nullopt;
    const std::string label = to_string(bytes.subspan(1, length));
    if (label.find('.') != std::string::npos) return std::nullopt;
    name += label + ".";
    bytes = bytes.subspan(1 + length);
  }
  auto normalised = normalize_domain(name);
  if (!normalised) return std::nullopt;
  return std::move(*normalised);
}

std::optional<MxRecord> read_mx(const ldns_rr& record) {
  const auto preference = bytes_of(ldns_rr_rdf(&record, 0));
  auto host = read_host(ldns_rr_rdf(&record, 1));
  if (preference.size() != 2 || !host) return std::nullopt;
  return MxRecord{static_cast<std::uint16_t>(preference[0] * 256 + preference[1]),
                  std::move(*host)};
}

std::optional<TlsaRecord> read_tlsa(const ldns_rr& record) {
  if (ldns_rr_rd_count(&record) != 4) return std::nullopt;
  std::array<std::uint8_t, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto bytes = bytes_of(ldns_rr_rdf(&record, i));
    if (bytes.size() != 1) return std::nullopt;
    numbers[i] = bytes[0];
  }
  return TlsaRecord{numbers[0], numbers[1], numbers[2],
                    to_string(bytes_of(ldns_rr_rdf(&record, 3)))};
}

template <int family, std::size_t size>
std::optional<std::string> read_address(const ldns_rr& record) {
  const auto bytes = bytes_of(ldns_rr_rdf(&record, 0));
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (bytes.size() != size || inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr)
    return std::nullopt;
  return std::string(text.data());
}

// ---- questions ----

/// Where a lookup ended: the packet with the records, and the name that they belong to.
struct Lookup {
  DnsStatus status = DnsStatus::failed;
  bool authenticated = true;
  std::uint32_t ttl = 0x7fffffff;
  std::string detail;
  PacketPtr packet;
  RdfPtr owner;
  int aliases = 0;
};

/// Goes from alias to alias as far as the packet leads. False if there are too many.
bool follow_aliases(Lookup& lookup, ldns_rr_type type) {
  for (;;) {
    if (!records_of(lookup.packet.get(), lookup.owner.get(), type).empty()) return true;
    const auto aliases = records_of(lookup.packet.get(), lookup.owner.get(), LDNS_RR_TYPE_CNAME);
    if (aliases.empty() || ldns_rr_rd_count(aliases.front()) != 1) return true;
    if (++lookup.aliases > kMaxAliases) return false;
    lookup.ttl = std::min(lookup.ttl, ttl_of(*aliases.front()));
    lookup.owner.reset(ldns_rdf_clone(ldns_rr_rdf(aliases.front(), 0)));
    if (!lookup.owner) return false;
  }
}

template <typename Record>
DnsAnswer<Record> failed_answer(std::string detail) {
  DnsAnswer<Record> answer;
  answer.detail = std::move(detail);
  return answer;
}

class LdnsDns final : public Dns {
 public:
  LdnsDns(std::vector<Nameserver> servers, std::chrono::milliseconds timeout)
      : servers_(std::move(servers)), timeout_(timeout) {}

  DnsAnswer<std::string> txt(std::string_view name) override {
    return answer<std::string>(name, LDNS_RR_TYPE_TXT, read_txt);
  }
  DnsAnswer<MxRecord> mx(std::string_view name) override {
    auto found = answer<MxRecord>(name, LDNS_RR_TYPE_MX, read_mx);
    std::stable_sort(
        found.records.begin(), found.records.end(),
        [](const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; });
    return found;
  }
  DnsAnswer<TlsaRecord> tlsa(std::string_view name) override {
    return answer<TlsaRecord>(name, LDNS_RR_TYPE_TLSA, read_tlsa);
  }
  DnsAnswer<std::string> a(std::string_view name) override {
    return answer<std::string>(name, LDNS_RR_TYPE_A, read_address<AF_INET, 4>);
  }
  DnsAnswer<std::string> aaaa(std::string_view name) override {
    return answer<std::string>(name, LDNS_RR_TYPE_AAAA, read_address<AF_INET6, 16>);
  }
  Result<bool> validates() override {
    const RdfPtr root(ldns_dname_new_frm_str("."));
    if (!root) return failed("out of memory");
    const auto packet =
        ask(root.get(), LDNS_RR_TYPE_NS, std::chrono::steady_clock::now() + timeout_);
    if (!packet) return tl::unexpected<Error>(packet.error());
    return ldns_pkt_ad(packet->get());
  }

 private:
  template <typename Record>
  DnsAnswer<Record> answer(std::string_view name, ldns_rr_type type,
                           std::optional<Record> (*read)(const ldns_rr&)) const {
    const Lookup found = look_up(name, type);
    if (found.status == DnsStatus::failed) return failed_answer<Record>(found.detail);
    DnsAnswer<Record> result;
    result.status = found.status;
    result.authenticated = found.authenticated;
    result.ttl = found.ttl;
    if (found.status != DnsStatus::found) return result;
    result.canonical_name = read_host(found.owner.get()).value_or("");
    const auto records = records_of(found.packet.get(), found.owner.get(), type);
    if (records.size() > kMaxRecords) {
      return failed_answer<Record>(
          fmt::format("{} records, at most {}", records.size(), kMaxRecords));
    }
    for (const ldns_rr* record : records) {
      result.ttl = std::min(result.ttl, ttl_of(*record));
      if (auto value = read(*record)) result.records.push_back(std::move(*value));
    }
    const std::size_t skipped = records.size() - result.records.size();
    if (skipped > 0) result.detail = fmt::format("{} malformed records skipped", skipped);
    // Where nothing could be read, nothing is known.
    if (result.records.empty()) return failed_answer<Record>("only malformed records");
    return result;
  }

  Lookup look_up(std::string_view name, ldns_rr_type type) const {
    const Deadline deadline = std::chrono::steady_clock::now() + timeout_;
    Lookup lookup;
    const auto normalised = normalize_domain(name);
    if (normalised) lookup.owner.reset(ldns_dname_new_frm_str(normalised->c_str()));
    if (!lookup.owner) {
      lookup.detail = "no domain name";
      return lookup;
    }
    // A resolver gives the whole chain of aliases at once; one that does not is asked again for
    // the end of it. Each round has used up an alias, so that their limit ends this loop.
    for (;;) {
      auto packet = ask(lookup.owner.get(), type, deadline);
      if (!packet) {
        lookup.detail = std::move(packet.error().detail);
        return lookup;
      }
      lookup.packet = std::move(*packet);
      lookup.authenticated = lookup.authenticated && ldns_pkt_ad(lookup.packet.get());
      const int aliases = lookup.aliases;
      if (!follow_aliases(lookup, type)) {
        lookup.detail = "CNAME loop, or a chain that is too long";
        return lookup;
      }
      if (finish(lookup, type, /*moved=*/lookup.aliases != aliases)) return lookup;
    }
  }

  /// Decides what the last packet means; false if the end of its aliases has yet to be asked for.
  static bool finish(Lookup& lookup, ldns_rr_type type, bool moved) {
    const auto absence = negative_ttl(lookup.packet.get());
    if (!records_of(lookup.packet.get(), lookup.owner.get(), type).empty()) {
      lookup.status = DnsStatus::found;
      return true;
    }
    if (ldns_pkt_get_rcode(lookup.packet.get()) == LDNS_RCODE_NXDOMAIN) {
      lookup.status = DnsStatus::no_name;
    } else if (moved && !absence) {
      return false;
    } else {
      lookup.status = DnsStatus::no_data;
    }
    lookup.ttl = std::min(lookup.ttl, absence.value_or(0));
    return true;
  }

  /// Asks each server twice at most; what is left of the time is shared among the tries left. An
  /// answer other than NOERROR and NXDOMAIN counts as no answer, but that server is not asked
  /// again.
  Result<PacketPtr> ask(const ldns_rdf* name, ldns_rr_type type, Deadline deadline) const {
    std::vector<std::string> refusals(servers_.size());
    std::string failure = "timeout";
    const std::size_t tries = 2 * servers_.size();
    for (std::size_t i = 0; i < tries; ++i) {
      std::string& refusal = refusals[i % servers_.size()];
      if (!refusal.empty()) continue;
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline) break;
      const auto share = (deadline - now) / static_cast<std::chrono::nanoseconds::rep>(tries - i);
      auto packet = ask_one(servers_[i % servers_.size()], name, type, now + share);
      if (!packet) {
        failure = std::move(packet.error().detail);
        continue;
      }
      const ldns_pkt_rcode rcode = ldns_pkt_get_rcode(packet->get());
      if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN) return packet;
      refusal = rcode_text(packet->get());
    }
    // What a server said tells more than that another one was silent.
    for (std::string& refusal : refusals) {
      if (!refusal.empty()) return failed(std::move(refusal));
    }
    return failed(std::move(failure));
  }

  static Result<PacketPtr> ask_one(const Nameserver& server, const ldns_rdf* name,
                                   ldns_rr_type type, Deadline deadline) {
    const auto query = make_query(name, type);
    if (!query) return tl::unexpected<Error>(query.error());
    return exchange(server, *query, deadline).and_then(read_packet);
  }

  const std::vector<Nameserver> servers_;
  const std::chrono::milliseconds timeout_;
};

Result<std::vector<Nameserver>> servers_of_system() {
  std::ifstream file(kResolvConf, std::ios::binary);
  if (!file) return fail_errno(errno, fmt::format("cannot open {}", kResolvConf));
  std::string text(kMaxResolvConf, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto servers = nameservers_of_resolv_conf(text);
  if (servers.empty()) return fail(ErrorCode::not_found, "no nameserver in {}", kResolvConf);
  return servers;
}

}  // namespace

Result<std::unique_ptr<Dns>> make_dns(const DnsSettings& settings) {
  if (settings.timeout_ms <= 0)
    return fail(ErrorCode::invalid_argument, "DNS timeout of {} ms", settings.timeout_ms);
  std::vector<Nameserver> servers;
  for (const std::string& text : settings.nameservers) {
    const auto server = parse_nameserver(text);
    if (!server) return tl::unexpected<Error>(server.error());
    servers.push_back(*server);
  }
  if (servers.empty()) {
    auto system = servers_of_system();
    if (!system) return tl::unexpected<Error>(std::move(system.error()));
    servers = std::move(*system);
  }
  return std::make_unique<LdnsDns>(std::move(servers),
                                   std::chrono::milliseconds(settings.timeout_ms));
}

}  // namespace tlsrpt
