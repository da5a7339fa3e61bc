// SPDX-License-Identifier: BSD-2-Clause

// The words of the ledger's states, in the database and in output.

#include <array>
#include <utility>

#include "common/ascii.hpp"
#include "sender/ledger.hpp"

namespace tlsrpt::sender {

namespace {

template <typename State, std::size_t size>
using Words = std::array<std::pair<State, std::string_view>, size>;

constexpr Words<PlanState, 8> kPlanWords = {{{PlanState::planned, "planned"},
                                             {PlanState::no_record, "no-record"},
                                             {PlanState::invalid_record, "invalid-record"},
                                             {PlanState::no_usable_rua, "no-usable-rua"},
                                             {PlanState::skipped, "skipped"},
                                             {PlanState::excluded, "excluded"},
                                             {PlanState::too_old, "too-old"},
                                             {PlanState::dns_failure, "dns-failure"}}};
constexpr Words<DeliveryState, 10> kDeliveryWords = {{{DeliveryState::waiting, "waiting"},
                                                      {DeliveryState::sending, "sending"},
                                                      {DeliveryState::deferred, "deferred"},
                                                      {DeliveryState::delivered, "delivered"},
                                                      {DeliveryState::failed, "failed"},
                                                      {DeliveryState::expired, "expired"},
                                                      {DeliveryState::bounced, "bounced"},
                                                      {DeliveryState::suppressed, "suppressed"},
                                                      {DeliveryState::excluded, "excluded"},
                                                      {DeliveryState::unsupported, "unsupported"}}};

template <typename State, std::size_t size>
std::string_view word_of(const Words<State, size>& words, State state) {
  for (const auto& [one, word] : words) {
    if (one == state) return word;
  }
  return "";
}

template <typename State, std::size_t size>
std::optional<State> state_of(const Words<State, size>& words, std::string_view word) {
  for (const auto& [state, one] : words) {
    if (one == word) return state;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_word(Rua::Scheme scheme) {
  switch (scheme) {
    case Rua::Scheme::mailto:
      return "mailto";
    case Rua::Scheme::https:
      return "https";
  }
  return "";
}

Rua::Scheme DeliveryKey::scheme() const {
  constexpr std::string_view kHttps = "https:";
  return lower_case(std::string_view(destination).substr(0, kHttps.size())) == kHttps
             ? Rua::Scheme::https
             : Rua::Scheme::mailto;
}

std::string_view to_word(PlanState state) { return word_of(kPlanWords, state); }
std::optional<PlanState> plan_state(std::string_view word) { return state_of(kPlanWords, word); }
std::string_view to_word(DeliveryState state) { return word_of(kDeliveryWords, state); }
std::optional<DeliveryState> delivery_state(std::string_view word) {
  return state_of(kDeliveryWords, word);
}

}  // namespace tlsrpt::sender
