// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Zip archives for tests, right or wrong in one chosen field.

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt {

struct ZipTestMember {
  std::string name;
  std::string content;
  std::uint16_t method = 8;
  std::uint16_t flags = 0;
  std::uint32_t size_lie = 0;         ///< added to the size that is stated
  std::uint32_t packed_size_lie = 0;  ///< added to the packed size that is stated
  std::uint32_t crc_lie = 0;
};

inline std::string zip_number(std::uint64_t value, int octets) {
  std::string out;
  for (int i = 0; i < octets; ++i) {
    out += static_cast<char>(value & 0xffu);
    value >>= 8;
  }
  return out;
}

inline std::string raw_deflate(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string input(bytes);
  std::string out(deflateBound(&stream, input.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string build_zip(const std::vector<ZipTestMember>& members) {
  std::string archive;
  std::string directory;
  for (const ZipTestMember& member : members) {
    const std::string packed = member.method == 8 ? raw_deflate(member.content) : member.content;
    const std::uint64_t crc =
        crc32_z(0, reinterpret_cast<const Bytef*>(member.content.data()), member.content.size());
    const std::string middle =
        zip_number(20, 2) + zip_number(member.flags, 2) + zip_number(member.method, 2) +
        zip_number(0, 4) + zip_number(crc + member.crc_lie, 4) +
        zip_number(packed.size() + member.packed_size_lie, 4) +
        zip_number(member.content.size() + member.size_lie, 4) + zip_number(member.name.size(), 2);
    directory += "PK\x01\x02" + zip_number(20, 2) + middle + zip_number(0, 2 + 2 + 2 + 2 + 4) +
                 zip_number(archive.size(), 4) + member.name;
    archive += "PK\x03\x04" + middle + zip_number(0, 2) + member.name + packed;
  }
  const std::size_t offset = archive.size();
  return archive + directory + "PK\x05\x06" + zip_number(0, 4) + zip_number(members.size(), 2) +
         zip_number(members.size(), 2) + zip_number(directory.size(), 4) + zip_number(offset, 4) +
         zip_number(0, 2);
}

}  // namespace tlsrpt
