// SPDX-License-Identifier: BSD-2-Clause
#include "common/failure_advice.hpp"

#include <algorithm>
#include <array>

namespace tlsrpt {

namespace {

struct Entry {
  std::string_view policy_type;  ///< empty: any
  std::string_view result_type;
  std::string_view reason;  ///< the reason code begins so; empty: any
  FailureAdvice advice;
};

// The first that fits counts, so the special ones stand before the general ones.
constexpr std::array kEntries = {
    Entry{"tlsa",
          "starttls-not-supported",
          "",
          {"The MX has TLSA records, which make TLS a duty, but did not let the sender begin TLS. "
           "Senders that follow DANE do not deliver to it.",
           "Switch STARTTLS on, with a certificate and key that the server can read, and see that "
           "no firewall removes it; or take the TLSA records away until it works."}},
    Entry{"sts",
          "starttls-not-supported",
          "",
          {"The MTA-STS policy makes TLS a duty, but the MX did not let the sender begin TLS.",
           "Switch STARTTLS on for every MX that the policy names, and see that no firewall "
           "removes it; use mode testing until then."}},
    Entry{"",
          "starttls-not-supported",
          "smtp-starttls-reply-code-",
          {"The MX offers STARTTLS, but refuses it when a sender asks for it, so mail goes in "
           "clear.",
           "Look into the log of the mail server: most often it cannot read its key or "
           "certificate."}},
    Entry{"",
          "starttls-not-supported",
          "",
          {"The MX does not offer STARTTLS, so mail to it goes in clear.",
           "Switch STARTTLS on, and see that no firewall or mail filter removes it from the "
           "answer to EHLO."}},
    Entry{"tlsa",
          "certificate-host-mismatch",
          "",
          {"A TLSA record of usage 2 vouches for the authority, but the certificate does not bear "
           "the name of the MX.",
           "Get a certificate with the MX host name as subjectAltName, or publish a record 3 1 1 "
           "of the server's own key, for which no name counts."}},
    Entry{"",
          "certificate-host-mismatch",
          "",
          {"The certificate does not bear the name of the MX host as subjectAltName. The common "
           "name does not count.",
           "Get a certificate whose subjectAltName has the exact name in the MX record, or name "
           "another host there that the certificate does cover."}},
    Entry{"tlsa",
          "certificate-expired",
          "",
          {"The certificate, or one in its chain, has expired, and a TLSA record of usage 2 "
           "demands valid ones.",
           "Renew the certificate and make the mail server load it; keep the authority, or "
           "publish the new TLSA record beforehand."}},
    Entry{"",
          "certificate-expired",
          "",
          {"The certificate of the MX, or one in its chain, has expired.",
           "Renew it and make the mail server load it: many servers read a new certificate only "
           "when they are reloaded."}},
    Entry{"tlsa",
          "certificate-not-trusted",
          "",
          {"The certificate does not lead to what a TLSA record vouches for.",
           "Compare the TLSA records with the key that the server uses now. Send the whole chain, "
           "and publish the record of a new key before the server uses it."}},
    Entry{"",
          "certificate-not-trusted",
          "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT",
          {"The certificate of the MX is self-signed, which nobody can trust.",
           "Install a certificate of a public authority; self-signed ones are good enough for "
           "DANE only."}},
    Entry{"",
          "certificate-not-trusted",
          "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT",
          {"The sender does not know who issued the certificate: an intermediate certificate is "
           "not sent, or the authority is not a public one.",
           "Let the mail server send the full chain (fullchain.pem, not cert.pem), of a public "
           "authority."}},
    Entry{"",
          "certificate-not-trusted",
          "X509_V_ERR_CERT_NOT_YET_VALID",
          {"The certificate of the MX is not valid yet.",
           "Look at the clock of the machine that made it, or wait; until then use the one "
           "before."}},
    Entry{"",
          "certificate-not-trusted",
          "X509_V_ERR_INVALID_PURPOSE",
          {"The certificate is not made for servers: its extended key usage lacks serverAuth.",
           "Get a certificate for TLS servers."}},
    Entry{"",
          "certificate-not-trusted",
          "",
          {"The certificate of the MX, or its chain, cannot be trusted; the reason code says why.",
           "Install a certificate of a public authority, with its full chain."}},
    Entry{"sts",
          "validation-failure",
          "mx-not-in-sts-policy",
          {"The MTA-STS policy does not name this MX host, so in mode enforce senders pass over "
           "it.",
           "Add the host to the mx lines of the policy and change the id in the TXT record, or "
           "take the host out of the MX records."}},
    Entry{"",
          "validation-failure",
          "tls-handshake-timeout",
          {"The MX agreed to STARTTLS, and then did not answer.",
           "Look for a firewall that drops large or unknown packets, and at the load of the mail "
           "server."}},
    Entry{"",
          "validation-failure",
          "tls-connection-closed",
          {"The MX agreed to STARTTLS, and then closed the connection.",
           "Look into the log of the mail server: most often it cannot read its key or "
           "certificate, or a proxy before it does not know TLS."}},
    Entry{"",
          "validation-failure",
          "tls-protocol-version",
          {"The MX speaks only versions of TLS that are too old.", "Enable TLS 1.2 and 1.3."}},
    Entry{
        "",
        "validation-failure",
        "tls-remote-alert-70",
        {"The MX refuses the versions of TLS that senders use today.", "Enable TLS 1.2 and 1.3."}},
    Entry{"",
          "validation-failure",
          "tls-remote-alert-40",
          {"The MX found nothing that both sides can do, most often no cipher.",
           "Enable the usual ciphers for TLS 1.2 and 1.3, and see that the key fits them."}},
    Entry{"no-policy-found",
          "validation-failure",
          "ede-",
          {"DNSSEC says that the MX records are forged, so that a validating sender cannot find "
           "the mail server.",
           "Repair the signatures of the zone, or its DS record at the parent."}},
    Entry{"tlsa",
          "validation-failure",
          "",
          {"TLS with the MX failed, and its TLSA records make it a duty, so nothing was "
           "delivered.",
           "Look into the log of the mail server for the same time and address; the reason code "
           "says what the sender saw."}},
    Entry{"",
          "validation-failure",
          "",
          {"TLS with the MX failed for another reason than its certificate.",
           "Look into the log of the mail server for the same time and address; the reason code "
           "says what the sender saw."}},
    Entry{"",
          "sts-policy-fetch-error",
          "http-status-404",
          {"The TXT record announces an MTA-STS policy, but the web server does not have it.",
           "Put it at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, or remove the TXT record at "
           "_mta-sts.DOMAIN."}},
    Entry{"",
          "sts-policy-fetch-error",
          "redirect",
          {"The web server answers with a redirection, which senders must not follow.",
           "Serve the policy itself at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, with "
           "status 200."}},
    Entry{"",
          "sts-policy-fetch-error",
          "wrong-media-type",
          {"The policy does not come as text/plain.",
           "Let the web server send mta-sts.txt with Content-Type: text/plain."}},
    Entry{"",
          "sts-policy-fetch-error",
          "no-address",
          {"The policy host mta-sts.DOMAIN has no address.",
           "Publish its A or AAAA record, or remove the TXT record at _mta-sts.DOMAIN."}},
    Entry{"",
          "sts-policy-fetch-error",
          "",
          {"The TXT record announces an MTA-STS policy, but it could not be fetched.",
           "See that https://mta-sts.DOMAIN/.well-known/mta-sts.txt answers with status 200 from "
           "everywhere; the reason code says what stood in the way."}},
    Entry{"",
          "sts-policy-invalid",
          "",
          {"The file mta-sts.txt could be fetched, but is no valid policy.",
           "It needs the lines version: STSv1, mode, max_age and, unless the mode is none, at "
           "least one mx, each a name or *. and a name."}},
    Entry{"",
          "sts-webpki-invalid",
          "",
          {"The certificate of the web server mta-sts.DOMAIN is not valid for it, so the policy "
           "is not believed.",
           "Install a certificate of a public authority for the name mta-sts.DOMAIN, with its "
           "full chain, and renew it in time."}},
    Entry{"",
          "tlsa-invalid",
          "all-tlsa-unusable",
          {"No TLSA record of the MX can be used: only usages 2 and 3, selectors 0 and 1, and "
           "matching types 0 to 2 with data of the right length count for mail.",
           "Publish a record 3 1 1: the SHA-256 digest of the server's public key."}},
    Entry{"",
          "tlsa-invalid",
          "",
          {"No TLSA record fits the certificate of the MX, most likely since its key was "
           "changed. Senders that follow DANE do not deliver to it.",
           "Publish the record 3 1 1 of the present key at once. Next time publish that of the "
           "new key two TTLs before the server uses it, or keep the key."}},
    Entry{"",
          "dnssec-invalid",
          "timeout",
          {"The TLSA records of the MX could not be looked up in time. Senders that follow DANE "
           "must not deliver then.",
           "See that all name servers of the zone answer questions for TLSA records."}},
    Entry{"",
          "dnssec-invalid",
          "",
          {"The TLSA records or addresses of the MX could not be looked up, or DNSSEC says that "
           "they are forged. Senders that follow DANE must not deliver then.",
           "Repair the signatures of the zone of the MX host, or its DS record, and see that its "
           "name servers answer questions for TLSA records."}},
    Entry{"",
          "dane-required",
          "",
          {"The sender demands DANE of you, by its own configuration, and found no TLSA records.",
           "Sign your zones and publish TLSA records for each MX, or ask the sender to give up "
           "its demand."}}};

}  // namespace

FailureAdvice advise(std::string_view policy_type, std::string_view result_type,
                     std::string_view reason_code) {
  const auto* found = std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& entry) {
    return (entry.policy_type.empty() || entry.policy_type == policy_type) &&
           entry.result_type == result_type && reason_code.starts_with(entry.reason);
  });
  return found == kEntries.end() ? FailureAdvice{} : found->advice;
}

std::string for_domain(std::string_view sentence, std::string_view domain) {
  constexpr std::string_view kPlace = "DOMAIN";
  std::string text;
  for (std::size_t at = sentence.find(kPlace); at != std::string_view::npos;
       at = sentence.find(kPlace)) {
    text.append(sentence.substr(0, at)).append(domain);
    sentence.remove_prefix(at + kPlace.size());
  }
  return text.append(sentence);
}

}  // namespace tlsrpt
