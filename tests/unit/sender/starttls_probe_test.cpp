// SPDX-License-Identifier: BSD-2-Clause
#include "sender/starttls_probe.hpp"

#include <gtest/gtest.h>

#include "sender/reason_code.hpp"
#include "tests/unit/sender/scripted_server.hpp"
#include "tests/unit/sender/test_certificates.hpp"

namespace tlsrpt::sender {
namespace {

using Script = ScriptedServer::Script;

const std::string kMx = "mx.example";

/// The server's side of TLS, with what is said under it.
struct TlsServer {
  const Identity& identity;
  int max_version = TLS1_3_VERSION;
  std::string sni{};  // that the client sent

  /// Through the socket; "" if no TLS came about.
  std::string run(int fd, std::string_view answer) {
    const TestOwned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), max_version);
    SSL_CTX_set_security_level(context.get(), 0);
    const TestOwned<SSL> session(SSL_new(context.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return {};
    const char* name = SSL_get_servername(session.get(), TLSEXT_NAMETYPE_host_name);
    sni = name != nullptr ? name : "";
    std::array<char, 512> buffer{};
    const int size = SSL_read(session.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (!answer.empty()) {
      SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
      SSL_read(session.get(), buffer.data() + 256, 256);  // QUIT
    }
    return {buffer.data(), static_cast<std::size_t>(std::max(size, 0))};
  }
};

struct StarttlsProbe : ::testing::Test {
  Identity root = make_identity({.common_name = "Root", .is_authority = true});
  Identity mx = make_identity({.names = {kMx}, .issuer = &root});
  TrustStore store{X509_STORE_new()};
  ProbeTarget target;
  std::chrono::milliseconds time{kTestPatience};

  StarttlsProbe() {
    X509_STORE_add_cert(store.get(), root.certificate.get());
    target.domain = "rcpt.example";
    target.mx_host = kMx;
  }

  ProbeResult probe(const Script& script) {
    ScriptedServer server({script});
    target.address = server.relay().host;
    target.port = static_cast<std::uint16_t>(server.relay().port);
    const Patience patience{std::chrono::steady_clock::now() + time, kNoStop};
    ProbeResult result = probe_starttls(target, {"probe.example", store.get()}, patience);
    lines = server.finish();
    return result;
  }

  std::vector<std::string> lines;
};

/// Up to the answer to STARTTLS.
void offer(Peer& peer) {
  peer.begin({"STARTTLS"});
  peer.lines.push_back(peer.line());
  peer.say("220 go on\r\n");
}

TEST_F(StarttlsProbe, good_session) {  // R278
  TlsServer tls{mx};
  const ProbeResult result = probe([&](Peer& peer) {
    offer(peer);
    peer.lines.push_back(tls.run(peer.fd(), "250 scripted.example\r\n"));
  });
  const ObservedSession& session = result.session;
  EXPECT_EQ(session.starttls, StarttlsState::established);
  EXPECT_EQ(session.domain, "rcpt.example");
  EXPECT_EQ(session.mx_host, kMx);
  EXPECT_EQ(session.receiving_ip, "127.0.0.1");
  EXPECT_EQ(session.sending_ip, "127.0.0.1");
  EXPECT_EQ(session.receiving_helo, "scripted.example");
  EXPECT_TRUE(session.pkix.complete);
  EXPECT_EQ(session.pkix.errors, std::vector<int>{});
  EXPECT_FALSE(session.dane.complete);
  EXPECT_EQ(result.tls_version, "TLSv1.3");
  EXPECT_EQ(result.ehlo_lines, (std::vector<std::string>{"scripted.example", "STARTTLS", "HELP"}));
  EXPECT_EQ(tls.sni, kMx);
  EXPECT_EQ(lines,
            (std::vector<std::string>{"EHLO probe.example", "STARTTLS", "EHLO probe.example\r\n"}));
}

TEST_F(StarttlsProbe, dane_and_trust_store_are_judged_apart) {  // R314
  const Identity own = make_identity({.names = {"other.example"}});
  target.dane.status = DaneStatus::usable;
  target.dane.base_domain = "base.example";
  target.dane.usable = target.dane.records = {tlsa_of(own, 3, 1, 1)};
  TlsServer tls{own};
  const ProbeResult result = probe([&](Peer& peer) {
    offer(peer);
    tls.run(peer.fd(), "250 scripted.example\r\n");
  });
  EXPECT_TRUE(result.session.dane.complete);
  EXPECT_EQ(result.session.dane.errors, std::vector<int>{});
  EXPECT_EQ(result.session.pkix.errors.size(), 2u);  // self-signed, wrong name
  EXPECT_EQ(tls.sni, "base.example");
}

TEST_F(StarttlsProbe, a_server_that_leaves_after_the_handshake_has_done_tls) {
  TlsServer tls{mx};
  const ProbeResult result = probe([&](Peer& peer) {
    offer(peer);
    tls.run(peer.fd(), "");
  });
  EXPECT_EQ(result.session.starttls, StarttlsState::established);
}

TEST_F(StarttlsProbe, not_reached) {  // R292
  const std::vector<Script> scripts = {[](Peer& peer) { peer.say("421 too busy\r\n"); },
                                       [](Peer& peer) { peer.say("554 go away\r\n"); },
                                       [](Peer&) {},
                                       [](Peer& peer) { peer.say("this is no SMTP\r\n"); },
                                       [](Peer& peer) {
                                         peer.say("220 hello\r\n");
                                         peer.line();
                                         peer.say("450 later\r\n");
                                       }};
  for (const Script& script : scripts) {
    const ProbeResult result = probe(script);
    EXPECT_EQ(result.session.starttls, StarttlsState::not_reached);
    EXPECT_NE(result.trouble, "");
  }
}

TEST_F(StarttlsProbe, not_offered) {  // R286
  EXPECT_EQ(probe([](Peer& peer) { peer.begin(); }).session.starttls, StarttlsState::not_offered);
  const ProbeResult old = probe([](Peer& peer) {
    peer.say("220 old\r\n");
    peer.line();
    peer.say("500 what?\r\n");
    peer.lines.push_back(peer.line());
    peer.say("250 old.example\r\n");
  });
  EXPECT_EQ(old.session.starttls, StarttlsState::not_offered);
  EXPECT_EQ(lines, std::vector<std::string>{"HELO probe.example"});
}

TEST_F(StarttlsProbe, refused) {
  const ProbeResult result = probe([](Peer& peer) {
    peer.begin({"STARTTLS"});
    peer.line();
    peer.say("454 no key\r\n");
  });
  EXPECT_EQ(result.session.starttls, StarttlsState::refused);
  EXPECT_EQ(result.session.reason_code, "smtp-starttls-reply-code-454");
}

TEST_F(StarttlsProbe, handshakes_that_fail_are_told_apart) {  // R290
  const auto reason = [&](const Script& behind) {
    const ProbeResult result = probe([&](Peer& peer) {
      offer(peer);
      behind(peer);
    });
    EXPECT_EQ(result.session.starttls, StarttlsState::failed);
    EXPECT_EQ(result.session.pkix, Verification{});
    return result.session.reason_code;
  };
  EXPECT_EQ(reason([](Peer& peer) { peer.say("this is no TLS at all\r\n"); }),
            reason::kHandshakeFailure);
  EXPECT_EQ(reason([](Peer&) {}), reason::kConnectionClosed);
  EXPECT_EQ(reason([](Peer& peer) {
              peer.say(std::string_view("\x15\x03\x03\x00\x02\x02\x28", 7));
              peer.wait_for_end();
            }),
            "tls-remote-alert-40-handshake-failure");
  time = std::chrono::milliseconds(300);
  EXPECT_EQ(reason([](Peer& peer) { peer.wait_for_end(); }), reason::kHandshakeTimeout);
}

TEST_F(StarttlsProbe, old_versions_of_tls_are_a_failed_handshake) {  // R279
  TlsServer tls{mx, TLS1_1_VERSION};
  const ProbeResult result = probe([&](Peer& peer) {
    offer(peer);
    tls.run(peer.fd(), "");
  });
  EXPECT_EQ(result.session.starttls, StarttlsState::failed);
  EXPECT_EQ(result.session.reason_code, "tls-remote-alert-70-protocol-version");
}

TEST_F(StarttlsProbe, text_in_clear_behind_the_answer_to_starttls) {
  const ProbeResult result = probe([](Peer& peer) {
    peer.begin({"STARTTLS"});
    peer.line();
    peer.say("220 go on\r\n250 injected\r\n");
    peer.wait_for_end();
  });
  EXPECT_EQ(result.session.starttls, StarttlsState::failed);
  EXPECT_EQ(result.session.reason_code, reason::kHandshakeFailure);
}

}  // namespace
}  // namespace tlsrpt::sender
