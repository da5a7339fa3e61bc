// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where a recorded log and the datagrams about the same servers do not say the same, and why: what
// a log cannot tell, and what a datagram does not.

#include <string_view>

namespace tlsrpt::sender {

struct RecordedDifference {
  std::string_view mta;
  std::string_view scenario;
  std::string_view log;        ///< results, sorted: policy type, policy domain, result type
  std::string_view datagrams;  ///< as above
  std::string_view why;
};

inline constexpr std::string_view kNames =
    "our name for it is the one of RFC 8460, section 4.3, and of RFC 8461; Postfix has another";
inline constexpr std::string_view kDaneWins = "Sendmail lets DANE win, Postfix its policy map";
inline constexpr std::string_view kUnusable =
    "that no TLSA record is usable is reported; Postfix takes usages 0 and 1 for no policy";
inline constexpr std::string_view kHalf =
    "a host with TLSA records of a domain that is not signed: no log tells that they matched";
inline constexpr std::string_view kLocal = "a policy of the operator alone, in a policy map";
inline constexpr std::string_view kSocket = "the datagram was lost";
inline constexpr std::string_view kNextHop =
    "another next hop by a transport map: a log does not tell";
inline constexpr std::string_view kNoTls =
    "a destination without TLS by the operator's own rule looks like a server without STARTTLS";
inline constexpr std::string_view kClear =
    "Postfix 3.10 sends no datagram if it goes on without TLS";
inline constexpr std::string_view kResumed =
    "Postfix 3.10 sends no datagram about a resumed TLS session, which is a session as well";
inline constexpr std::string_view kRequired = "\"TLS-Required: no\" is not logged";
inline constexpr std::string_view kOneAttempt = "recorded once; the datagrams are of two attempts";
inline constexpr std::string_view kSkipped =
    "Postfix 3.10 sends no datagram about a host that the policy does not name";
inline constexpr std::string_view kProblem =
    "nobody told Postfix about a policy that could not be had";
inline constexpr std::string_view kTesting =
    "the policy plugin hides policies of mode testing from Postfix";
inline constexpr std::string_view kOneError = "Postfix 3.7 logs one error of several";
inline constexpr std::string_view kUnnamed =
    "Sendmail logs a failed handshake without the host, so that no policy can be told";
inline constexpr std::string_view kStricter = "Sendmail refused what Postfix accepts";
inline constexpr std::string_view kChainOnly =
    "verify=OK is about the chain: whether the name matches is not logged";
inline constexpr std::string_view kOtherCause =
    "Sendmail took a host for one that the policy does not name";
inline constexpr std::string_view kNoCause =
    "Sendmail logs at LogLevel 9 that it refused, and not why";

inline constexpr RecordedDifference kRecordedDifferences[] = {
    {"postfix-3.7", "dane-mismatch", "tlsa mx1.dane-mismatch.signed.test tlsa-invalid",
     "tlsa mx1.dane-mismatch.signed.test certificate-not-trusted", kNames},
    {"postfix-3.7", "dane-mixed-mx",
     "no-policy-found dane-mixed-mx.signed.test ok | tlsa mx1.dane-mixed-mx.signed.test "
     "tlsa-invalid",
     "no-policy-found dane-mixed-mx.signed.test ok | tlsa mx1.dane-mixed-mx.signed.test "
     "certificate-not-trusted",
     kNames},
    {"postfix-3.7", "dane-reuse-mismatch", "tlsa mx1.dane-reuse-mismatch.signed.test tlsa-invalid",
     "tlsa mx1.dane-reuse-mismatch.signed.test certificate-not-trusted", kNames},
    {"postfix-3.7", "dane-unusable", "tlsa mx1.dane-unusable.signed.test tlsa-invalid",
     "no-policy-found dane-unusable.signed.test ok", kUnusable},
    {"postfix-3.7", "dane-unusable-nostarttls",
     "tlsa mx1.dane-unusable-nostarttls.signed.test starttls-not-supported | tlsa "
     "mx1.dane-unusable-nostarttls.signed.test tlsa-invalid",
     "no-policy-found dane-unusable-nostarttls.signed.test starttls-not-supported", kUnusable},
    {"postfix-3.7", "half-dane", "", "tlsa mxhalf.signed.test ok", kHalf},
    {"postfix-3.7", "hand-fetch-expired", "no-policy-found hand-fetch-expired.plain.test ok",
     "sts hand-fetch-expired.plain.test sts-policy-fetch-error", kLocal},
    {"postfix-3.7", "hand-fetch-may", "no-policy-found hand-fetch-may.plain.test ok",
     "sts hand-fetch-may.plain.test ok", kLocal},
    {"postfix-3.7", "hand-fetcherror", "no-policy-found hand-fetcherror.plain.test ok",
     "sts hand-fetcherror.plain.test sts-policy-fetch-error", kLocal},
    {"postfix-3.7", "hand-minimal", "no-policy-found hand-minimal.plain.test ok",
     "sts hand-minimal.plain.test ok", kLocal},
    {"postfix-3.7", "hand-ok", "no-policy-found hand-ok.plain.test ok", "sts hand-ok.plain.test ok",
     kLocal},
    {"postfix-3.7", "hand-otherdomain", "no-policy-found hand-otherdomain.plain.test ok",
     "sts parent.plain.test ok", kLocal},
    {"postfix-3.7", "hand-policyinvalid", "no-policy-found hand-policyinvalid.plain.test ok",
     "sts hand-policyinvalid.plain.test sts-policy-invalid", kLocal},
    {"postfix-3.7", "hand-valfail", "no-policy-found hand-valfail.plain.test ok",
     "sts hand-valfail.plain.test validation-failure", kLocal},
    {"postfix-3.7", "hand-webpki", "no-policy-found hand-webpki.plain.test ok",
     "sts hand-webpki.plain.test sts-webpki-invalid", kLocal},
    {"postfix-3.7", "np-deadsock", "no-policy-found np-deadsock.plain.test ok", "", kSocket},
    {"postfix-3.7", "np-hsfail-fallback",
     "no-policy-found np-hsfail-fallback.plain.test validation-failure",
     "no-policy-found np-hsfail-fallback.plain.test validation-failure | no-policy-found "
     "np-hsfail-fallback.plain.test validation-failure",
     kOneAttempt},
    {"postfix-3.7", "np-multirecv",
     "no-policy-found np-multirecv.plain.test ok | no-policy-found np-multirecv.plain.test ok | "
     "no-policy-found np-multirecv.plain.test ok | no-policy-found np-multirecv.plain.test ok",
     "no-policy-found np-multirecv.plain.test ok | no-policy-found np-multirecv.plain.test ok | "
     "no-policy-found np-multirecv.plain.test ok",
     kResumed},
    {"postfix-3.7", "np-nexthop-mx", "no-policy-found np-nexthop-mx.plain.test ok", "", kNextHop},
    {"postfix-3.7", "np-nexthop-other", "no-policy-found np-nexthop-other.plain.test ok",
     "no-policy-found np-hub.plain.test ok", kNextHop},
    {"postfix-3.7", "np-none", "no-policy-found np-none.plain.test starttls-not-supported", "",
     kNoTls},
    {"postfix-3.7", "np-nostarttls",
     "no-policy-found np-nostarttls.plain.test starttls-not-supported", "", kClear},
    {"postfix-3.7", "np-permsock", "no-policy-found np-permsock.plain.test ok", "", kSocket},
    {"postfix-3.7", "np-starttls454",
     "no-policy-found np-starttls454.plain.test starttls-not-supported", "", kClear},
    {"postfix-3.7", "np-tlsrequired-no", "no-policy-found np-tlsrequired-no.plain.test ok", "",
     kRequired},
    {"postfix-3.7", "np-toolong-name", "no-policy-found np-toolong-name.plain.test ok", "",
     kSocket},
    {"postfix-3.7", "np-verify", "no-policy-found np-verify.plain.test ok",
     "no-policy-found np-verify.plain.test validation-failure", kLocal},
    {"postfix-3.7", "sts-2mx-oneinpolicy",
     "sts sts-2mx-oneinpolicy.plain.test ok | sts sts-2mx-oneinpolicy.plain.test "
     "validation-failure",
     "sts sts-2mx-oneinpolicy.plain.test ok", kSkipped},
    {"postfix-3.7", "sts-404",
     "no-policy-found sts-404.plain.test ok | sts sts-404.plain.test sts-policy-fetch-error",
     "no-policy-found sts-404.plain.test ok", kProblem},
    {"postfix-3.7", "sts-cache-ok",
     "sts sts-cache-ok.plain.test ok | sts sts-cache-ok.plain.test ok",
     "sts sts-cache-ok.plain.test ok", kResumed},
    {"postfix-3.7", "sts-expired-wronghost",
     "sts sts-expired-wronghost.plain.test certificate-host-mismatch",
     "sts sts-expired-wronghost.plain.test certificate-expired", kOneError},
    {"postfix-3.7", "sts-httpbadcert",
     "no-policy-found sts-httpbadcert.plain.test ok | sts sts-httpbadcert.plain.test "
     "sts-webpki-invalid",
     "no-policy-found sts-httpbadcert.plain.test ok", kProblem},
    {"postfix-3.7", "sts-httprefused",
     "no-policy-found sts-httprefused.plain.test ok | sts sts-httprefused.plain.test "
     "sts-policy-fetch-error",
     "no-policy-found sts-httprefused.plain.test ok", kProblem},
    {"postfix-3.7", "sts-invalid",
     "no-policy-found sts-invalid.plain.test ok | sts sts-invalid.plain.test sts-policy-invalid",
     "no-policy-found sts-invalid.plain.test ok", kProblem},
    {"postfix-3.7", "sts-mxmismatch", "sts sts-mxmismatch.plain.test validation-failure", "",
     kSkipped},
    {"postfix-3.7", "sts-mxmismatch-off", "sts sts-mxmismatch-off.plain.test validation-failure",
     "sts sts-mxmismatch-off.plain.test certificate-host-mismatch", kNames},
    {"postfix-3.7", "sts-mxmismatch-san", "sts sts-mxmismatch-san.plain.test validation-failure",
     "", kSkipped},
    {"postfix-3.7", "sts-nointermediate",
     "sts sts-nointermediate.plain.test certificate-not-trusted",
     "sts sts-nointermediate.plain.test validation-failure", kNames},
    {"postfix-3.7", "sts-retry", "sts sts-retry.plain.test certificate-expired",
     "sts sts-retry.plain.test certificate-expired | sts sts-retry.plain.test certificate-expired",
     kOneAttempt},
    {"postfix-3.7", "sts-testing", "sts sts-testing.plain.test certificate-not-trusted",
     "no-policy-found sts-testing.plain.test ok", kTesting},
    {"postfix-3.7", "sts-untrusted", "sts sts-untrusted.plain.test certificate-not-trusted",
     "sts sts-untrusted.plain.test validation-failure", kNames},
    {"postfix-3.7", "sts-untrusted-chain",
     "sts sts-untrusted-chain.plain.test certificate-not-trusted",
     "sts sts-untrusted-chain.plain.test validation-failure", kNames},
    {"postfix-3.7", "sts-wrongeku", "sts sts-wrongeku.plain.test certificate-not-trusted",
     "sts sts-wrongeku.plain.test validation-failure", kNames},
    {"sendmail-8.18", "dane-and-sts", "tlsa mx1.dane-and-sts.signed.test ok",
     "sts dane-and-sts.signed.test ok", kDaneWins},
    {"sendmail-8.18", "dane-bad-and-sts", "tlsa mx1.dane-bad-and-sts.signed.test tlsa-invalid",
     "sts dane-bad-and-sts.signed.test ok", kDaneWins},
    {"sendmail-8.18", "dane-mismatch", "tlsa mx1.dane-mismatch.signed.test tlsa-invalid",
     "tlsa mx1.dane-mismatch.signed.test certificate-not-trusted", kNames},
    {"sendmail-8.18", "dane-mixed-mx",
     "no-policy-found dane-mixed-mx.signed.test ok | tlsa mx1.dane-mixed-mx.signed.test "
     "tlsa-invalid",
     "no-policy-found dane-mixed-mx.signed.test ok | tlsa mx1.dane-mixed-mx.signed.test "
     "certificate-not-trusted",
     kNames},
    {"sendmail-8.18", "dane-ta-expired", "tlsa mx1.dane-ta-expired.signed.test tlsa-invalid",
     "tlsa mx1.dane-ta-expired.signed.test certificate-expired", kNoCause},
    {"sendmail-8.18", "dane-ta-wronghost", "tlsa mx1.dane-ta-wronghost.signed.test tlsa-invalid",
     "tlsa mx1.dane-ta-wronghost.signed.test certificate-host-mismatch", kNoCause},
    {"sendmail-8.18", "dane-unusable", "tlsa mx1.dane-unusable.signed.test tlsa-invalid",
     "no-policy-found dane-unusable.signed.test ok", kUnusable},
    {"sendmail-8.18", "dane-unusable-nostarttls",
     "tlsa mx1.dane-unusable-nostarttls.signed.test starttls-not-supported | tlsa "
     "mx1.dane-unusable-nostarttls.signed.test tlsa-invalid",
     "no-policy-found dane-unusable-nostarttls.signed.test starttls-not-supported", kUnusable},
    {"sendmail-8.18", "half-dane", "", "tlsa mxhalf.signed.test ok", kHalf},
    {"sendmail-8.18", "np-2mx", "no-policy-found np-2mx.plain.test ok",
     "no-policy-found np-2mx.plain.test ok | no-policy-found np-2mx.plain.test validation-failure",
     kUnnamed},
    {"sendmail-8.18", "np-multirecv",
     "no-policy-found np-multirecv.plain.test ok | no-policy-found np-multirecv.plain.test ok | "
     "no-policy-found np-multirecv.plain.test ok | no-policy-found np-multirecv.plain.test ok",
     "no-policy-found np-multirecv.plain.test ok | no-policy-found np-multirecv.plain.test ok | "
     "no-policy-found np-multirecv.plain.test ok",
     kResumed},
    {"sendmail-8.18", "np-nostarttls",
     "no-policy-found np-nostarttls.plain.test starttls-not-supported", "", kClear},
    {"sendmail-8.18", "np-starttls454",
     "no-policy-found np-starttls454.plain.test starttls-not-supported", "", kClear},
    {"sendmail-8.18", "np-tls11", "no-policy-found np-tls11.plain.test validation-failure",
     "no-policy-found np-tls11.plain.test ok", kStricter},
    {"sendmail-8.18", "sts-2mx-fail", "sts sts-2mx-fail.plain.test certificate-not-trusted",
     "sts sts-2mx-fail.plain.test certificate-expired | sts sts-2mx-fail.plain.test ok", kNoCause},
    {"sendmail-8.18", "sts-2mx-oneinpolicy",
     "sts sts-2mx-oneinpolicy.plain.test validation-failure",
     "sts sts-2mx-oneinpolicy.plain.test ok", kSkipped},
    {"sendmail-8.18", "sts-404",
     "no-policy-found sts-404.plain.test ok | sts sts-404.plain.test sts-policy-fetch-error",
     "no-policy-found sts-404.plain.test ok", kProblem},
    {"sendmail-8.18", "sts-cnonly", "sts sts-cnonly.plain.test certificate-host-mismatch",
     "sts sts-cnonly.plain.test ok", kStricter},
    {"sendmail-8.18", "sts-expired-wronghost",
     "sts sts-expired-wronghost.plain.test certificate-not-trusted",
     "sts sts-expired-wronghost.plain.test certificate-expired", kNoCause},
    {"sendmail-8.18", "sts-goodint", "", "sts sts-goodint.plain.test ok", kChainOnly},
    {"sendmail-8.18", "sts-httpbadcert",
     "no-policy-found sts-httpbadcert.plain.test ok | sts sts-httpbadcert.plain.test "
     "sts-webpki-invalid",
     "no-policy-found sts-httpbadcert.plain.test ok", kProblem},
    {"sendmail-8.18", "sts-httprefused",
     "no-policy-found sts-httprefused.plain.test ok | sts sts-httprefused.plain.test "
     "sts-policy-fetch-error",
     "no-policy-found sts-httprefused.plain.test ok", kProblem},
    {"sendmail-8.18", "sts-invalid",
     "no-policy-found sts-invalid.plain.test ok | sts sts-invalid.plain.test sts-policy-invalid",
     "no-policy-found sts-invalid.plain.test ok", kProblem},
    {"sendmail-8.18", "sts-ipv6", "sts sts-ipv6.plain.test certificate-not-trusted",
     "sts sts-ipv6.plain.test certificate-expired", kNoCause},
    {"sendmail-8.18", "sts-manypatterns", "",
     "sts sts-manypatterns.plain.test certificate-host-mismatch", kOtherCause},
    {"sendmail-8.18", "sts-mxmismatch", "sts sts-mxmismatch.plain.test validation-failure", "",
     kSkipped},
    {"sendmail-8.18", "sts-mxmismatch-san", "sts sts-mxmismatch-san.plain.test validation-failure",
     "", kSkipped},
    {"sendmail-8.18", "sts-nointermediate",
     "sts sts-nointermediate.plain.test certificate-not-trusted",
     "sts sts-nointermediate.plain.test validation-failure", kNames},
    {"sendmail-8.18", "sts-ok", "", "sts sts-ok.plain.test ok", kChainOnly},
    {"sendmail-8.18", "sts-retry", "sts sts-retry.plain.test certificate-not-trusted",
     "sts sts-retry.plain.test certificate-expired | sts sts-retry.plain.test certificate-expired",
     kNoCause},
    {"sendmail-8.18", "sts-testing", "sts sts-testing.plain.test certificate-not-trusted",
     "no-policy-found sts-testing.plain.test ok", kTesting},
    {"sendmail-8.18", "sts-testing-strict-ok", "", "sts sts-testing-strict-ok.plain.test ok",
     kChainOnly},
    {"sendmail-8.18", "sts-untrusted", "sts sts-untrusted.plain.test certificate-not-trusted",
     "sts sts-untrusted.plain.test validation-failure", kNames},
    {"sendmail-8.18", "sts-untrusted-chain",
     "sts sts-untrusted-chain.plain.test certificate-not-trusted",
     "sts sts-untrusted-chain.plain.test validation-failure", kNames},
    {"sendmail-8.18", "sts-weakkey", "sts sts-weakkey.plain.test certificate-not-trusted",
     "sts sts-weakkey.plain.test ok", kStricter},
    {"sendmail-8.18", "sts-wildcard", "", "sts sts-wildcard.plain.test ok", kChainOnly},
    {"sendmail-8.18", "sts-wildcardcert",
     "sts sts-wildcardcert.plain.test certificate-host-mismatch",
     "sts sts-wildcardcert.plain.test ok", kStricter},
    {"sendmail-8.18", "sts-wrongeku", "sts sts-wrongeku.plain.test certificate-not-trusted",
     "sts sts-wrongeku.plain.test validation-failure", kNames},
    {"sendmail-8.18-loglevel14", "dane-mismatch", "tlsa mx1.dane-mismatch.signed.test tlsa-invalid",
     "tlsa mx1.dane-mismatch.signed.test certificate-not-trusted", kNames},
    {"sendmail-8.18-loglevel14", "sts-ok", "", "sts sts-ok.plain.test ok", kChainOnly},
};

}  // namespace tlsrpt::sender
