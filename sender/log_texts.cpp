// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_texts.hpp"

#include <openssl/x509_vfy.h>

#include <charconv>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

struct CertificateText {
  std::string_view begin;
  int error;
};

/// Lower case; a text that is the beginning of another one stands behind it.
constexpr CertificateText kCertificateTexts[] = {
    {"certificate has expired", X509_V_ERR_CERT_HAS_EXPIRED},
    {"certificate not yet valid", X509_V_ERR_CERT_NOT_YET_VALID},
    {"certificate is not yet valid", X509_V_ERR_CERT_NOT_YET_VALID},
    {"hostname mismatch", X509_V_ERR_HOSTNAME_MISMATCH},
    {"certificate name mismatch", X509_V_ERR_HOSTNAME_MISMATCH},
    {"ip address mismatch", X509_V_ERR_IP_ADDRESS_MISMATCH},
    {"no matching dane tlsa records", X509_V_ERR_DANE_NO_MATCH},
    {"self-signed certificate in certificate chain", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
    {"self signed certificate in certificate chain", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
    {"self-signed certificate", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
    {"self signed certificate", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
    {"untrusted issuer", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    {"unable to get local issuer certificate", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    {"unable to get issuer certificate", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT},
    {"unable to verify the first certificate", X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE},
    {"not designated for use as a server certificate", X509_V_ERR_INVALID_PURPOSE},
    {"unsuitable certificate purpose", X509_V_ERR_INVALID_PURPOSE},
    {"unsupported certificate purpose", X509_V_ERR_INVALID_PURPOSE},
    {"certificate chain longer than limit", X509_V_ERR_CERT_CHAIN_TOO_LONG},
    {"certificate chain too long", X509_V_ERR_CERT_CHAIN_TOO_LONG},
    {"path length constraint exceeded", X509_V_ERR_PATH_LENGTH_EXCEEDED},
    {"certificate revoked", X509_V_ERR_CERT_REVOKED},
    {"certificate not trusted", X509_V_ERR_CERT_UNTRUSTED},
    {"certificate rejected", X509_V_ERR_CERT_REJECTED},
    {"certificate signature failure", X509_V_ERR_CERT_SIGNATURE_FAILURE},
    {"ee certificate key too weak", X509_V_ERR_EE_KEY_TOO_SMALL},
    {"ca certificate key too weak", X509_V_ERR_CA_KEY_TOO_SMALL},
    {"ca signature digest algorithm too weak", X509_V_ERR_CA_MD_TOO_WEAK},
    {"not trusted by local or tlsa policy", X509_V_ERR_UNSPECIFIED},
};

struct AlertText {
  std::string_view name;
  int alert;
};

/// As OpenSSL names them behind "sslv3 alert ", "tlsv1 alert ", "ssl/tls alert " or "tlsv1 ".
constexpr AlertText kAlerts[] = {
    {"unexpected message", 10},  {"handshake failure", 40},   {"bad certificate", 42},
    {"certificate expired", 45}, {"certificate unknown", 46}, {"illegal parameter", 47},
    {"unknown ca", 48},          {"access denied", 49},       {"decode error", 50},
    {"decrypt error", 51},       {"protocol version", 70},    {"insufficient security", 71},
    {"internal error", 80},      {"unrecognized name", 112},  {"no application protocol", 120},
};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

int number_at(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? number : -1;
}

/// -1: no alert of the other side.
int alert_of(std::string_view text) {
  constexpr std::string_view kNumber = "alert number ";
  if (const std::size_t at = text.find(kNumber); at != std::string_view::npos) {
    const int alert = number_at(text.substr(at + kNumber.size()));
    if (alert >= 0 && alert <= 255) return alert;
  }
  for (const std::string_view start : {"alert ", "tlsv1 "}) {
    std::size_t at = text.find(start);
    if (at == std::string_view::npos) continue;
    for (const AlertText& known : kAlerts) {
      if (text.substr(at + start.size()).starts_with(known.name)) return known.alert;
    }
  }
  return -1;
}

}  // namespace

int certificate_error(std::string_view text) {
  if (take(text, "num=")) {
    const int number = number_at(text);
    return number > 0 && number < 1000 ? number : X509_V_ERR_UNSPECIFIED;
  }
  // A fault of the local set-up.
  if (text.starts_with("external policy failure")) return 0;
  for (const CertificateText& known : kCertificateTexts) {
    if (equal_ignoring_case(text.substr(0, known.begin.size()), known.begin)) return known.error;
  }
  return X509_V_ERR_UNSPECIFIED;
}

std::string handshake_reason(std::string_view text) {
  if (const int alert = alert_of(text); alert >= 0) return reason::remote_alert(alert);
  if (holds(text, "lost connection") || holds(text, "unexpected eof") ||
      holds(text, "reset by peer") || holds(text, "Broken pipe")) {
    return std::string(reason::kConnectionClosed);
  }
  if (holds(text, "timed out") || holds(text, "timeout")) {
    return std::string(reason::kHandshakeTimeout);
  }
  if (holds(text, "unsupported protocol")) return std::string(reason::kProtocolVersion);
  return std::string(reason::kHandshakeFailure);
}

int reply_code(std::string_view text) {
  if (text.size() < 3 || (text.size() > 3 && text[3] != ' ' && text[3] != '-')) return 0;
  const int code = number_at(text.substr(0, 3));
  return code >= 200 && code <= 599 ? code : 0;
}

std::optional<LogPeer> take_peer(std::string_view text, std::string_view* after) {
  const std::size_t open = text.find_first_of("[ ,");
  if (open == std::string_view::npos || open == 0 || text[open] != '[') return std::nullopt;
  const std::size_t close = text.find(']', open);
  if (close == std::string_view::npos) return std::nullopt;
  LogPeer peer{text.substr(0, open), text.substr(open + 1, close - open - 1), {}};
  std::size_t end = close + 1;
  if (end < text.size() && text[end] == ':') {
    std::size_t last = end + 1;
    while (last < text.size() && text[last] >= '0' && text[last] <= '9') ++last;
    if (last > end + 1) {
      peer.port = text.substr(end + 1, last - end - 1);
      end = last;
    }
  }
  if (after != nullptr) *after = text.substr(end);
  return peer;
}

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

std::optional<std::string_view> take_until(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return before;
}

std::size_t address_end(std::string_view text, std::string_view end) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!quoted && text.substr(at).starts_with(end)) return at;
    if (text[at] == '"') quoted = !quoted;
    if (quoted && text[at] == '\\') ++at;
  }
  return std::string_view::npos;
}

std::string recipient_domain(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos || at + 1 >= address.size() || address[at + 1] == '[') return {};
  if (is_normal_domain(address.substr(at + 1))) return std::string(address.substr(at + 1));
  return normalize_domain(address.substr(at + 1)).value_or(std::string{});
}

}  // namespace tlsrpt::sender
