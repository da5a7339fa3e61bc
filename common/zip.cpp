// SPDX-License-Identifier: BSD-2-Clause
#include "common/zip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/inflate.hpp"

namespace tlsrpt {
namespace {

using namespace std::string_view_literals;

// The three records of PKWARE's APPNOTE that matter here, each with its fixed size.
constexpr std::string_view kLocalHeader = "PK\x03\x04"sv;
constexpr std::string_view kCentralHeader = "PK\x01\x02"sv;
constexpr std::string_view kEndOfDirectory = "PK\x05\x06"sv;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kMaxComment = 65535;

constexpr std::uint16_t kEncrypted = 1u << 0;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

std::uint16_t number16(std::string_view record, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(record[at]) |
                                    static_cast<unsigned char>(record[at + 1]) << 8);
}

std::uint32_t number32(std::string_view record, std::size_t at) {
  return number16(record, at) | static_cast<std::uint32_t>(number16(record, at + 2)) << 16;
}

/// The record of that kind and size at an offset, if all of it is there.
std::optional<std::string_view> record_at(std::string_view archive, std::size_t offset,
                                          std::string_view signature, std::size_t size) {
  if (offset > archive.size() || archive.size() - offset < size) return std::nullopt;
  const std::string_view record = archive.substr(offset, size);
  if (!record.starts_with(signature)) return std::nullopt;
  return record;
}

/// The last one whose comment fills the rest, since a comment may have anything in it; or else the
/// last one, with something behind it.
std::optional<std::string_view> end_of_directory(std::string_view archive) {
  constexpr int kTried = 100;
  if (archive.size() < kEndSize) return std::nullopt;
  constexpr std::size_t kSeen = kEndSize + kMaxComment;
  const std::string_view tail = archive.substr(archive.size() - std::min(archive.size(), kSeen));
  const std::size_t last = tail.size() - kEndSize;
  std::optional<std::string_view> end;
  std::size_t at = tail.rfind(kEndOfDirectory, last);
  for (int tried = 0; tried < kTried && at != std::string_view::npos; ++tried) {
    const std::string_view record = tail.substr(at, kEndSize);
    const bool fits = number16(record, 20) == last - at;
    if (fits || !end) end = record;
    if (fits || at == 0) break;
    at = tail.rfind(kEndOfDirectory, at - 1);
  }
  return end;
}

ZipEntry parse_entry(std::string_view record, std::string_view name) {
  ZipEntry entry;
  entry.name = name;
  entry.flags = number16(record, 8);
  entry.method = number16(record, 10);
  entry.crc = number32(record, 16);
  entry.packed_size = number32(record, 20);
  entry.size = number32(record, 24);
  entry.local_header = number32(record, 42);
  return entry;
}

ZipDirectory refuse(ZipDirectory directory, Refusal refusal, std::string detail) {
  directory.refusal = refusal;
  directory.detail = std::move(detail);
  return directory;
}

ZipMember refuse(Refusal refusal, std::string detail, std::size_t unpacked = 0) {
  return {refusal, std::move(detail), {}, unpacked};
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

ZipMember inflated(std::string_view packed, const GunzipLimits& limits) {
  Inflater inflater(Inflater::Format::raw, limits);
  ZipMember member;
  const InflateEnd end = inflater.next(packed, member.bytes);
  const std::size_t made = member.bytes.size();
  switch (end) {
    case InflateEnd::complete:
      break;
    case InflateEnd::cut:
      return refuse(Refusal::zip_damaged, "the member ends in the middle", made);
    case InflateEnd::damaged:
      return refuse(Refusal::zip_damaged, std::string(inflater.reason()), made);
    case InflateEnd::too_large:
      return refuse(Refusal::too_large,
                    fmt::format("unpacks to more than {} bytes", limits.max_bytes), made);
    case InflateEnd::ratio:
      return refuse(Refusal::gzip_ratio,
                    fmt::format("unpacks to more than {} times its size", limits.max_ratio), made);
  }
  member.unpacked = made;
  return member;
}

ZipMember stored(std::string_view packed, const GunzipLimits& limits) {
  if (packed.size() > limits.max_bytes)
    return refuse(Refusal::too_large, fmt::format("holds more than {} bytes", limits.max_bytes));
  return {Refusal::none, {}, std::string(packed), packed.size()};
}

}  // namespace

bool looks_like_zip(std::string_view bytes) {
  return bytes.starts_with(kLocalHeader) || bytes.starts_with(kEndOfDirectory);
}

ZipDirectory read_zip_directory(std::string_view archive, std::size_t max_entries) {
  ZipDirectory directory;
  const auto end = end_of_directory(archive);
  if (!end) return refuse({}, Refusal::zip_damaged, "no end of the central directory");
  if (number16(*end, 4) != 0 || number16(*end, 6) != 0)
    return refuse({}, Refusal::zip_unsupported, "archive of several volumes");
  const std::size_t count = number16(*end, 10);
  std::size_t at = number32(*end, 16);
  if (at == 0xffffffffu || count == 0xffffu)
    return refuse({}, Refusal::zip_unsupported, "64-bit sizes");
  if (count > max_entries)
    return refuse({}, Refusal::zip_too_many_members,
                  fmt::format("more than {} members (MaximumZipMembers)", max_entries));
  std::size_t packed = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto record = record_at(archive, at, kCentralHeader, kCentralSize);
    const std::size_t name_size = record ? number16(*record, 28) : 0;
    if (!record || archive.size() - at - kCentralSize < name_size)
      return refuse(std::move(directory), Refusal::zip_damaged, "central directory is cut");
    const std::string_view name = archive.substr(at + kCentralSize, name_size);
    const ZipEntry entry = parse_entry(*record, name);
    if (!name.ends_with('/')) directory.entries.push_back(entry);
    packed += entry.packed_size;
    at += kCentralSize + name_size + number16(*record, 30) + number16(*record, 32);
  }
  // Entries that share bytes would let a small archive cost much time.
  if (packed > archive.size())
    return refuse({}, Refusal::zip_damaged, "members overlap, or the archive is cut");
  return directory;
}

ZipMember read_zip_member(std::string_view archive, const ZipEntry& entry,
                          const GunzipLimits& limits) {
  if ((entry.flags & kEncrypted) != 0) return refuse(Refusal::zip_unsupported, "encrypted");
  if (entry.method != kStored && entry.method != kDeflated)
    return refuse(Refusal::zip_unsupported, fmt::format("packed with method {}", entry.method));
  const auto local = record_at(archive, entry.local_header, kLocalHeader, kLocalSize);
  if (!local) return refuse(Refusal::zip_damaged, "no member where the directory says");
  const std::size_t begin =
      entry.local_header + kLocalSize + number16(*local, 26) + number16(*local, 28);
  if (begin > archive.size() || archive.size() - begin < entry.packed_size)
    return refuse(Refusal::zip_damaged, "the archive ends in the middle of the member");
  const std::string_view packed = archive.substr(begin, entry.packed_size);
  ZipMember member = entry.method == kStored ? stored(packed, limits) : inflated(packed, limits);
  if (member.refusal != Refusal::none) return member;
  if (member.bytes.size() != entry.size || crc_of(member.bytes) != entry.crc)
    return refuse(Refusal::zip_damaged, "wrong checksum or length", member.bytes.size());
  return member;
}

}  // namespace tlsrpt
