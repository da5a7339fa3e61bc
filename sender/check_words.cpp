// SPDX-License-Identifier: BSD-2-Clause

// The stable words of opentlsrpt-check.

#include "sender/domain_check.hpp"

namespace tlsrpt::sender {

std::string_view to_word(CheckStatus status) {
  switch (status) {
    case CheckStatus::good:
      return "good";
    case CheckStatus::defect:
      return "defect";
    case CheckStatus::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_word(MxKind kind) {
  switch (kind) {
    case MxKind::hosts:
      return "hosts";
    case MxKind::address:
      return "address";
    case MxKind::null_mx:
      return "null-mx";
    case MxKind::no_host:
      return "no-host";
    case MxKind::failed:
      break;
  }
  return "failed";
}

std::string_view to_word(TlsrptCheck::Verdict verdict) {
  switch (verdict) {
    case TlsrptCheck::Verdict::good:
      return "good";
    case TlsrptCheck::Verdict::none:
      return "none";
    case TlsrptCheck::Verdict::defective:
      return "defective";
    case TlsrptCheck::Verdict::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_word(StarttlsState state) {
  switch (state) {
    case StarttlsState::not_reached:
      return "not-reached";
    case StarttlsState::skipped:
      return "skipped";
    case StarttlsState::not_offered:
      return "not-offered";
    case StarttlsState::refused:
      return "refused";
    case StarttlsState::failed:
      return "failed";
    case StarttlsState::established:
      break;
  }
  return "established";
}

std::string_view to_word(Delivery delivery) {
  switch (delivery) {
    case Delivery::allowed:
      return "allowed";
    case Delivery::tls_only:
      return "tls-only";
    case Delivery::forbidden:
      break;
  }
  return "forbidden";
}

}  // namespace tlsrpt::sender
