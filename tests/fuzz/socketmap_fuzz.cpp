// SPDX-License-Identifier: BSD-2-Clause

// What a stranger says at the policy socket: netstrings, requests, keys.

#include "sender/netstring.hpp"
#include "sender/policy_answer.hpp"
#include "sender/socketmap.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

void check_text(const std::string& text) {
  NetstringReader again(kMaxSocketmapRequest);
  again.add(write_netstring(text));
  const auto taken = again.take();
  fuzz::require(taken && *taken && **taken == text, "a netstring reads back");
  const auto request = parse_socketmap_request(text);
  if (request) {
    fuzz::require(request->map + " " + request->key == text, "a request is its map and key");
    const auto domain = policy_domain_of(request->key);
    fuzz::require(!domain || policy_domain_of(*domain) == domain, "a domain is normalised");
  }
  if (const auto reply = parse_socketmap_reply(text)) {
    fuzz::require(parse_socketmap_reply(to_text(*reply)) == reply, "a reply reads back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  NetstringReader whole(kMaxSocketmapRequest);
  NetstringReader bytes(kMaxSocketmapRequest);
  whole.add(text);
  std::size_t fed = 0;
  for (;;) {
    const auto taken = whole.take();
    if (taken && *taken) check_text(**taken);
    auto slow = bytes.take();
    while (slow && !*slow && fed < text.size()) {
      bytes.add(text.substr(fed++, 1));
      slow = bytes.take();
    }
    fuzz::require(taken.has_value() == slow.has_value(), "pieces are read like the whole");
    if (!taken) break;
    fuzz::require(*taken == *slow, "pieces hold the same netstrings");
    if (!*taken) break;
  }
  return 0;
}
