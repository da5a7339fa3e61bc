// SPDX-License-Identifier: BSD-2-Clause

// What a confined reader that a stranger took over may answer to the process that asked it.

#include "common/outcome_codec.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tlsrpt;
  const auto opened = decode_opened(fuzz::as_text(data, size));
  if (!opened) return 0;
  fuzz::require(!opened->outcomes.empty(), "there is an outcome");
  for (const ReadOutcome& outcome : opened->outcomes) {
    // Words and JSON are made of them later; unknown values must not have come through.
    for (const std::string& word : outcome.flags.words()) {
      fuzz::require(!word.empty(), "every flag has a word");
    }
    fuzz::require(outcome.accepted() == to_word(outcome.refusal).empty(),
                  "every refusal has a word");
    write_report(outcome.report);
  }
  const std::string encoded = encode_opened(*opened);
  const auto again = decode_opened(encoded);
  fuzz::require(again && encode_opened(*again) == encoded, "what was decoded reads back equal");
  return 0;
}
