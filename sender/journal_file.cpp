// SPDX-License-Identifier: BSD-2-Clause
#include "sender/journal_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::uint64_t kMagic = 0x314a54505253'4c54;  // "TLSRPTJ1"
constexpr std::uint64_t kChecksumSeed = 8460;
constexpr std::size_t kHeaderWords = 6;
constexpr std::size_t kMaxBatch = std::size_t{1} << 30;

// The words of a batch: the id of a text that was there before, which came once more; or one of
// these marks, and what they say behind them.
constexpr std::uint32_t kFresh = 0xffffffff;  ///< length, bytes: the next text, once
constexpr std::uint32_t kMany = 0xfffffffe;   ///< id, 64 bits: so many more of it

std::uint64_t checksum(std::string_view bytes) { return seeded_hash(bytes, kChecksumSeed); }

using HeaderWords = std::array<std::uint64_t, kHeaderWords>;

std::string header_bytes(const JournalHeader& header) {
  HeaderWords words{kMagic, header.journal, header.number, header.from,
                    static_cast<std::uint64_t>(header.day.time_since_epoch().count())};
  std::string bytes(sizeof words, '\0');
  std::memcpy(bytes.data(), words.data(), sizeof words);
  words.back() = checksum(std::string_view(bytes).substr(0, bytes.size() - sizeof(words.back())));
  std::memcpy(bytes.data(), words.data(), sizeof words);
  return bytes;
}

std::optional<JournalHeader> parse_header(std::string_view bytes) {
  HeaderWords words{};
  if (bytes.size() < sizeof words) return std::nullopt;
  std::memcpy(words.data(), bytes.data(), sizeof words);
  const auto checked = bytes.substr(0, sizeof words - sizeof(words.back()));
  if (words[0] != kMagic || words.back() != checksum(checked)) return std::nullopt;
  const auto day = std::chrono::days(static_cast<std::int64_t>(words[4]));
  return JournalHeader{words[1], words[2], words[3], Day(day)};
}

/// Takes numbers and bytes off the front of a batch.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] bool failed() const { return failed_; }

  template <typename Word>
  Word word() {
    Word value = 0;
    const std::string_view bytes = take(sizeof value);
    if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string_view take(std::size_t size) {
    failed_ = failed_ || rest_.size() < size;
    const std::string_view bytes = failed_ ? std::string_view() : rest_.substr(0, size);
    rest_.remove_prefix(std::min(size, rest_.size()));
    return bytes;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

/// Reads batches into a segment. A text for which there is no room is counted, and so is what comes
/// of it later: its id in the file stays its own.
class BatchReader {
 public:
  explicit BatchReader(Segment& segment) : segment_(segment) {}

  /// False: the batch cannot be read.
  bool read(std::string_view batch) {
    Taker taker(batch);
    while (!taker.empty() && !taker.failed()) {
      const auto word = taker.word<std::uint32_t>();
      if (word == kFresh) {
        const auto size = taker.word<std::uint32_t>();
        if (const std::string_view text = taker.take(size); !taker.failed()) add(text);
      } else if (word == kMany) {
        const auto id = taker.word<std::uint32_t>();
        if (const auto count = taker.word<std::uint64_t>(); !taker.failed()) repeat(id, count);
      } else if (!taker.failed()) {
        repeat(word, 1);
      }
    }
    return !taker.failed();
  }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void add(std::string_view text) {
    const auto added = segment_.add(text);
    if (!added) ++lost_;
    ids_.push_back(added ? std::optional(added->id) : std::nullopt);
  }
  void repeat(std::uint32_t id, std::uint64_t count) {
    if (id < ids_.size() && ids_[id]) {
      segment_.repeat(*ids_[id], count);
    } else {
      lost_ += count;
    }
  }

  Segment& segment_;
  std::vector<std::optional<std::uint32_t>> ids_;
  std::uint64_t lost_ = 0;
};

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, "cannot write to the journal " + path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

void JournalBatch::put(std::uint32_t word) {
  bytes_.append(reinterpret_cast<const char*>(&word), sizeof word);
}

void JournalBatch::put(std::uint64_t word) {
  bytes_.append(reinterpret_cast<const char*>(&word), sizeof word);
}

void JournalBatch::add(const Segment::Added& added, std::string_view text, std::uint64_t count) {
  if (added.fresh) {
    put(kFresh);
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
    if (--count == 0) return;
  }
  if (count == 1) return put(added.id);
  put(kMany);
  put(added.id);
  put(count);
}

std::string_view JournalBatch::finish() {
  const std::string_view body = std::string_view(bytes_).substr(kFrame);
  const std::uint64_t frame[2] = {body.size(), checksum(body)};
  static_assert(sizeof frame == kFrame);
  std::memcpy(bytes_.data(), frame, sizeof frame);
  return bytes_;
}

Result<JournalFile> JournalFile::create(const std::string& path, const JournalHeader& header) {
  JournalFile file;
  file.path_ = path;
  file.fd_ =
      UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!file.fd_) return fail_errno(errno, "cannot make the journal " + path);
  if (auto written = file.append(header_bytes(header)); !written)
    return tl::unexpected(written.error());
  return file;
}

Result<void> JournalFile::append(std::string_view batch) {
  auto written = write_all(fd_.get(), batch, path_);
  bytes_ += batch.size();
  if (!written) fd_.reset();
  return written;
}

Result<JournalHeader> read_journal_header(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(sizeof(HeaderWords), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  const auto header = parse_header(bytes);
  if (!header) return fail(ErrorCode::malformed, "{} is no journal of outcomes", path);
  return *header;
}

Result<ReadJournal> read_journal_file(const std::string& path, Segment& segment) {
  const auto header = read_journal_header(path);
  if (!header) return tl::unexpected(header.error());
  ReadJournal result{*header};
  segment.begin(header->day);
  BatchReader reader(segment);
  std::ifstream file(path, std::ios::binary);
  file.seekg(sizeof(HeaderWords));
  std::string body;
  for (;;) {
    std::uint64_t frame[2] = {};
    file.read(reinterpret_cast<char*>(frame), sizeof frame);
    if (file.gcount() == 0) break;
    result.torn = file.gcount() != sizeof frame || frame[0] > kMaxBatch;
    if (result.torn) break;
    body.resize(frame[0]);
    file.read(body.data(), static_cast<std::streamsize>(body.size()));
    result.torn = static_cast<std::size_t>(file.gcount()) != body.size() ||
                  checksum(body) != frame[1] || !reader.read(body);
    if (result.torn) break;
  }
  result.lost = reader.lost();
  return result;
}

Result<void> write_journal_file(const std::string& path, const JournalHeader& header,
                                const Segment& segment) {
  constexpr std::size_t kAtOnce = 1024;  // entries
  const std::string unfinished = path + ".new";
  static_cast<void>(::unlink(unfinished.c_str()));
  auto file = JournalFile::create(unfinished, header);
  if (!file) return tl::unexpected(file.error());
  JournalBatch batch;
  const auto& entries = segment.entries();
  for (std::uint32_t id = 0; id < entries.size(); ++id) {
    batch.add({id, /*fresh=*/true}, entries[id].text, entries[id].count);
    if ((id + 1) % kAtOnce != 0 && id + 1 != entries.size()) continue;
    if (auto written = file->append(batch.finish()); !written) {
      static_cast<void>(::unlink(unfinished.c_str()));
      return written;
    }
    batch.clear();
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0)
    return fail_errno(errno, "cannot name the journal " + path);
  return {};
}

}  // namespace tlsrpt::sender
