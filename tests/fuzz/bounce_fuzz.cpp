// SPDX-License-Identifier: BSD-2-Clause

// Mail that claims to come back: whatever it holds, what is read of it is small and of one line.

#include "sender/bounce.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

/// Small, so that a short input reaches each of them.
BounceLimits small_limits() {
  BounceLimits limits;
  limits.max_message_bytes = 64u << 10;
  limits.max_header_bytes = 2048;
  limits.max_parts = 8;
  limits.max_depth = 4;
  limits.max_status_bytes = 4096;
  limits.max_group_bytes = 1024;
  limits.max_recipients = 4;
  limits.max_text = 100;
  return limits;
}

void check_text(std::string_view text, std::size_t max_text) {
  fuzz::require(text.size() <= max_text, "texts are bounded");
  for (const char c : text)
    fuzz::require(static_cast<unsigned char>(c) >= ' ' && c != '\x7f', "texts have no controls");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BounceLimits limits = small_limits();
  const auto bounce = read_bounce(fuzz::as_text(data, size), limits);
  if (!bounce) {
    fuzz::require(!bounce.error().detail.empty(), "a refusal says why");
    return 0;
  }
  check_text(bounce->message_id, limits.max_text);
  fuzz::require(!bounce->recipients.empty(), "a bounce is about somebody");
  fuzz::require(bounce->recipients.size() <= limits.max_recipients, "recipients are bounded");
  for (const RecipientStatus& recipient : bounce->recipients) {
    fuzz::require(recipient.status.size() >= 5 && recipient.status.size() <= 9, "a status is one");
    check_text(recipient.final_recipient, limits.max_text);
    check_text(recipient.original_recipient, limits.max_text);
    check_text(recipient.diagnostic, limits.max_text);
  }
  return 0;
}
