// SPDX-License-Identifier: BSD-2-Clause
#include "sender/certificate_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/sender/test_certificates.hpp"

namespace tlsrpt::sender {
namespace {

using Errors = std::vector<int>;

const std::string kMx = "mx.rcpt.example";

struct CertificateCheck : ::testing::Test {
  Identity root = make_identity({.common_name = "Root", .is_authority = true});
  Identity other_root = make_identity({.common_name = "Other", .is_authority = true});
  TrustStore store{X509_STORE_new()};

  CertificateCheck() { X509_STORE_add_cert(store.get(), root.certificate.get()); }

  CertificateVerdict verdict(const Identity& leaf, const std::vector<const Identity*>& others = {},
                             const DanePolicy* dane = nullptr,
                             const std::vector<std::string>& names = {}) const {
    STACK_OF(X509)* chain = sk_X509_new_null();
    sk_X509_push(chain, leaf.certificate.get());
    for (const Identity* one : others) sk_X509_push(chain, one->certificate.get());
    CertificateVerdict result = check_certificate(chain, store.get(), {kMx, dane, names});
    sk_X509_free(chain);
    return result;
  }

  Errors pkix(const Identity& leaf, const std::vector<const Identity*>& others = {}) const {
    const Verification seen = verdict(leaf, others).pkix;
    EXPECT_TRUE(seen.complete);
    Errors sorted = seen.errors;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

  /// With these records, as find_dane_policy would choose them.
  Errors dane(const Identity& leaf, const std::vector<TlsaRecord>& records,
              const std::vector<const Identity*>& others = {},
              const std::vector<std::string>& names = {}) const {
    DanePolicy policy;
    policy.status = DaneStatus::usable;
    policy.base_domain = kMx;
    policy.records = policy.usable = records;
    const Verification seen = verdict(leaf, others, &policy, names).dane;
    EXPECT_TRUE(seen.complete);
    return seen.errors;
  }

  [[nodiscard]] Identity leaf(IdentityWishes wishes = {}) const {
    if (wishes.names.empty()) wishes.names = {kMx};
    if (wishes.issuer == nullptr) wishes.issuer = &root;
    return make_identity(wishes);
  }
};

TEST_F(CertificateCheck, good) {
  EXPECT_EQ(pkix(leaf()), Errors{});
  EXPECT_FALSE(verdict(leaf()).dane.complete);  // nobody asked
}

TEST_F(CertificateCheck, expired_and_not_yet_valid) {  // R287, R289
  EXPECT_EQ(pkix(leaf({.ends = -3600})), Errors{X509_V_ERR_CERT_HAS_EXPIRED});
  EXPECT_EQ(pkix(leaf({.begins = 3600})), Errors{X509_V_ERR_CERT_NOT_YET_VALID});
}

TEST_F(CertificateCheck, every_fault_is_listed) {  // R322
  EXPECT_EQ(pkix(leaf({.names = {"other.example"}, .ends = -3600})),
            (Errors{X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH}));
}

TEST_F(CertificateCheck, names) {  // R277, R288
  EXPECT_EQ(pkix(leaf({.names = {"other.example"}})), Errors{X509_V_ERR_HOSTNAME_MISMATCH});
  EXPECT_EQ(pkix(leaf({.names = {"*.rcpt.example"}})), Errors{});
  EXPECT_EQ(pkix(leaf({.names = {"m*.rcpt.example"}})), Errors{X509_V_ERR_HOSTNAME_MISMATCH});
  // The common name alone counts for nothing.
  EXPECT_EQ(pkix(make_identity({.common_name = kMx, .issuer = &root})),
            Errors{X509_V_ERR_HOSTNAME_MISMATCH});
}

TEST_F(CertificateCheck, untrusted) {  // R289
  EXPECT_EQ(pkix(make_identity({.names = {kMx}})), Errors{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT});
  const Identity foreign = leaf({.issuer = &other_root});
  EXPECT_EQ(pkix(foreign), Errors{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY});
  EXPECT_EQ(pkix(foreign, {&other_root}), Errors{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN});
}

TEST_F(CertificateCheck, intermediate_that_is_not_sent) {
  const Identity middle =
      make_identity({.common_name = "Middle", .issuer = &root, .is_authority = true});
  const Identity below = leaf({.issuer = &middle});
  EXPECT_EQ(pkix(below), Errors{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY});
  EXPECT_EQ(pkix(below, {&middle}), Errors{});
}

TEST_F(CertificateCheck, purpose_and_name_constraints) {  // R289
  EXPECT_EQ(pkix(leaf({.usage = "clientAuth"})), Errors{X509_V_ERR_INVALID_PURPOSE});
  const Identity narrow = make_identity({.common_name = "Narrow",
                                         .issuer = &root,
                                         .is_authority = true,
                                         .name_constraints = "permitted;DNS:elsewhere.example"});
  EXPECT_EQ(pkix(leaf({.issuer = &narrow}), {&narrow}), Errors{X509_V_ERR_PERMITTED_VIOLATION});
}

TEST_F(CertificateCheck, dane_ee_looks_at_nothing_but_the_record) {  // R306, R307
  const Identity odd = make_identity({.names = {"other.example"}, .ends = -3600});
  for (const std::uint8_t selector : {std::uint8_t{0}, std::uint8_t{1}}) {
    for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
      EXPECT_EQ(dane(odd, {tlsa_of(odd, 3, selector, type)}), Errors{});
    }
  }
}

TEST_F(CertificateCheck, dane_without_a_match) {  // R305
  const Identity mx = leaf();
  EXPECT_EQ(dane(mx, {tlsa_of(other_root, 3, 1, 1)}), Errors{X509_V_ERR_DANE_NO_MATCH});
  EXPECT_EQ(dane(mx, {tlsa_of(other_root, 2, 0, 1)}, {&root}), Errors{X509_V_ERR_DANE_NO_MATCH});
  EXPECT_EQ(dane(mx, {tlsa_of(other_root, 2, 0, 1), tlsa_of(other_root, 3, 1, 1)}, {&root}),
            Errors{X509_V_ERR_DANE_NO_MATCH});
}

TEST_F(CertificateCheck, one_match_is_enough) {
  const Identity mx = leaf();
  EXPECT_EQ(dane(mx, {tlsa_of(other_root, 3, 1, 1), tlsa_of(mx, 3, 1, 1)}), Errors{});
}

TEST_F(CertificateCheck, dane_ta_wants_name_and_date) {  // R308, R310
  const std::vector<TlsaRecord> anchor = {tlsa_of(other_root, 2, 0, 1)};
  const auto below = [&](IdentityWishes wishes) {
    wishes.issuer = &other_root;
    return leaf(std::move(wishes));
  };
  EXPECT_EQ(dane(below({}), anchor, {&other_root}), Errors{});
  EXPECT_EQ(dane(below({.ends = -3600}), anchor, {&other_root}),
            Errors{X509_V_ERR_CERT_HAS_EXPIRED});
  const Identity next_hop = below({.names = {"rcpt.example"}});
  EXPECT_EQ(dane(next_hop, anchor, {&other_root}), Errors{X509_V_ERR_HOSTNAME_MISMATCH});
  EXPECT_EQ(dane(next_hop, anchor, {&other_root}, {"rcpt.example"}), Errors{});
}

TEST_F(CertificateCheck, dane_ta_takes_the_common_name_if_there_is_no_other) {  // R309
  const std::vector<TlsaRecord> anchor = {tlsa_of(other_root, 2, 0, 1)};
  EXPECT_EQ(dane(make_identity({.common_name = kMx, .issuer = &other_root}), anchor, {&other_root}),
            Errors{});
  EXPECT_EQ(
      dane(make_identity({.common_name = kMx, .names = {"other.example"}, .issuer = &other_root}),
           anchor, {&other_root}),
      Errors{X509_V_ERR_HOSTNAME_MISMATCH});
}

TEST_F(CertificateCheck, a_weaker_digest_does_not_count_beside_a_stronger_one) {  // R313
  const Identity mx = leaf();
  EXPECT_EQ(dane(mx, {tlsa_of(mx, 3, 1, 1), tlsa_of(other_root, 3, 1, 2)}),
            Errors{X509_V_ERR_DANE_NO_MATCH});
}

TEST_F(CertificateCheck, view) {
  const Identity mx = make_identity({.common_name = "cn", .names = {kMx, "b"}, .issuer = &root});
  const CertificateView view = verdict(mx).view;
  EXPECT_EQ(view.names, (std::vector<std::string>{kMx, "b"}));
  EXPECT_EQ(view.common_name, "cn");
  EXPECT_EQ(view.issuer, "CN=Root");
  EXPECT_EQ(view.not_after - view.not_before, std::chrono::days(2));
  EXPECT_EQ(view.key_record, tlsa_of(mx, 3, 1, 1));
}

TEST(TrustFile, one_that_cannot_be_read_is_an_error) {
  EXPECT_EQ(load_trust_store("/nonexistent.pem").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tlsrpt::sender
