// SPDX-License-Identifier: BSD-2-Clause
// When our own word about a certificate is asked for, and what it changes.
#include "sender/certificate_witness.hpp"

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

namespace tlsrpt::sender {
namespace {

ObservedSession trusted() {
  ObservedSession session;
  session.domain = "a.example";
  session.mx_host = "mx.a.example";
  session.receiving_ip = "192.0.2.1";
  session.starttls = StarttlsState::established;
  return session;
}

AppliedPolicies sts(StsMode mode) {
  AppliedPolicies applied;
  applied.tlsrpt_record = "v=TLSRPTv1; rua=mailto:r@a.example";
  applied.sts.policy = StsPolicy{};
  applied.sts.policy->mode = mode;
  applied.sts.policy->mx = {"*.a.example"};
  return applied;
}

TEST(CertificateWitness, may_speak_where_nobody_has) {
  EXPECT_TRUE(is_open_to_witness(trusted()));
  ObservedSession dane = trusted();
  dane.dane.complete = true;  // Sendmail: TRUSTED
  EXPECT_TRUE(is_open_to_witness(dane));
  ObservedSession untrusted = trusted();
  untrusted.pkix.errors = {X509_V_ERR_UNSPECIFIED};
  EXPECT_TRUE(is_open_to_witness(untrusted));
}

TEST(CertificateWitness, is_silent_where_the_log_tells_enough) {
  ObservedSession verified = trusted();
  verified.demanded_only = verified.pkix.complete = verified.dane.complete = true;
  EXPECT_FALSE(is_open_to_witness(verified));
  ObservedSession refused = trusted();
  refused.demanded_only = true;
  refused.pkix.errors = refused.dane.errors = {X509_V_ERR_UNSPECIFIED};
  EXPECT_FALSE(is_open_to_witness(refused)) << "the MTA's own verdict";
  ObservedSession expired = trusted();
  expired.pkix.errors = {X509_V_ERR_CERT_HAS_EXPIRED};
  EXPECT_FALSE(is_open_to_witness(expired));
  ObservedSession clear = trusted();
  clear.starttls = StarttlsState::not_offered;
  EXPECT_FALSE(is_open_to_witness(clear));
  ObservedSession nameless = trusted();
  nameless.mx_host.clear();
  EXPECT_FALSE(is_open_to_witness(nameless));
  ObservedSession nowhere = trusted();
  nowhere.receiving_ip.clear();
  EXPECT_FALSE(is_open_to_witness(nowhere));
}

TEST(CertificateWitness, is_wanted_for_a_policy_in_force_that_names_the_host) {
  EXPECT_TRUE(wants_witness(sts(StsMode::enforce), "mx.a.example"));
  EXPECT_TRUE(wants_witness(sts(StsMode::testing), "mx.a.example"));
  EXPECT_FALSE(wants_witness(sts(StsMode::none), "mx.a.example"));
  EXPECT_FALSE(wants_witness(sts(StsMode::enforce), "mx.b.example"));
  EXPECT_FALSE(wants_witness(AppliedPolicies{}, "mx.a.example"));
  AppliedPolicies unreported = sts(StsMode::enforce);
  unreported.tlsrpt_record.clear();
  EXPECT_FALSE(wants_witness(unreported, "mx.a.example"));
}

TEST(CertificateWitness, decides_what_the_log_left_open) {
  ObservedSession good = trusted();
  add_witness({{}, true}, good);
  EXPECT_EQ(good.pkix, (Verification{{}, true}));
  ObservedSession bad = trusted();
  add_witness({{X509_V_ERR_HOSTNAME_MISMATCH}, true}, bad);
  EXPECT_EQ(bad.pkix.errors, std::vector{X509_V_ERR_HOSTNAME_MISMATCH});
}

TEST(CertificateWitness, explains_what_the_mta_found_and_never_excuses_it) {
  ObservedSession explained = trusted();
  explained.pkix.errors = {X509_V_ERR_UNSPECIFIED};
  ObservedSession unexplained = explained;
  add_witness({{X509_V_ERR_CERT_HAS_EXPIRED}, true}, explained);
  EXPECT_EQ(explained.pkix.errors, std::vector{X509_V_ERR_CERT_HAS_EXPIRED});
  add_witness({{}, true}, unexplained);
  EXPECT_EQ(unexplained.pkix.errors, std::vector{X509_V_ERR_UNSPECIFIED});
  EXPECT_FALSE(unexplained.pkix.complete);
}

}  // namespace
}  // namespace tlsrpt::sender
