// SPDX-License-Identifier: BSD-2-Clause
#include "sender/tls_client.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/ip_network.hpp"

namespace tlsrpt::sender {

namespace {

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown reason";
}

tl::unexpected<Error> fail_openssl(std::string_view what) {
  return fail(ErrorCode::crypto, "{}: {}", what, openssl_reason());
}

// OpenSSL's own BIO for sockets lets a connection that the server has closed raise SIGPIPE.

int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool may_succeed_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int write_socket(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto done = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (done < 0 && may_succeed_later()) BIO_set_retry_write(bio);
  return static_cast<int>(done);
}

int read_socket(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  const auto done = ::recv(fd_of(bio), buffer, static_cast<std::size_t>(size), 0);
  if (done < 0 && may_succeed_later()) BIO_set_retry_read(bio);
  if (done == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(done);
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

std::unique_ptr<BIO_METHOD, OpenSslFree> make_socket_method() {
  std::unique_ptr<BIO_METHOD, OpenSslFree> method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket"));
  if (!method) return nullptr;
  BIO_meth_set_write(method.get(), &write_socket);
  BIO_meth_set_read(method.get(), &read_socket);
  BIO_meth_set_ctrl(method.get(), &control_socket);
  return method;
}

/// The name or address that the certificate must bear.
bool expect_host(SSL* session, const std::string& host) {
  if (!parse_ip(host)) return SSL_set1_host(session, host.c_str()) == 1;
  return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
}

/// SSL_set_tlsext_host_name, whose macro has a cast that this house's warnings forbid.
void send_host_name(SSL* session, std::string host) {
  SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
}

}  // namespace

Result<TlsClient> TlsClient::create(Certificate certificate) {
  TlsClient client;
  client.certificate_ = certificate;
  client.socket_ = make_socket_method();
  client.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = client.context_.get();
  if (!client.socket_ || context == nullptr) return fail_openssl("cannot begin TLS");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);  // RFC 8996
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one system call for a record, not two
  if (certificate == Certificate::valid) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_set_default_verify_paths(context) != 1) {
      return fail_openssl("cannot read the system's certificates");
    }
  }
  return client;
}

Result<TlsSession> TlsClient::begin(int fd, const std::string& host) const {
  std::unique_ptr<SSL, OpenSslFree> session(SSL_new(context_.get()));
  BIO* bio = session ? BIO_new(socket_.get()) : nullptr;
  if (bio == nullptr) return fail_openssl("cannot begin TLS");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  if (certificate_ == Certificate::valid && !expect_host(session.get(), host)) {
    return fail_openssl("cannot verify certificates for " + host);
  }
  if (!parse_ip(host)) send_host_name(session.get(), host);
  SSL_set_connect_state(session.get());
  if (observer_) observer_(session.get());
  return TlsSession(std::move(session));
}

IoAttempt TlsSession::judge(int result, std::size_t bytes) {
  using enum IoAttempt::State;
  const int system_error = errno;
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_NONE:
      return {done, bytes};
    case SSL_ERROR_WANT_READ:
      return {wants_read};
    case SSL_ERROR_WANT_WRITE:
      return {wants_write};
    case SSL_ERROR_ZERO_RETURN:
      return {closed};
    case SSL_ERROR_SYSCALL:
      if (system_error == 0) return {closed};
      return {failed, 0, std::generic_category().message(system_error)};
    default:  // of an int: the others are faults of the protocol
      break;
  }
  const long verdict = SSL_get_verify_result(session_.get());
  std::string reason = openssl_reason();
  if (verdict != X509_V_OK && SSL_get_verify_mode(session_.get()) != SSL_VERIFY_NONE) {
    reason = X509_verify_cert_error_string(verdict);
  }
  return {failed, 0, std::move(reason)};
}

IoAttempt TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  return judge(SSL_do_handshake(session_.get()), 0);
}

IoAttempt TlsSession::read(std::span<char> buffer) {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int result = SSL_read_ex(session_.get(), buffer.data(), buffer.size(), &bytes);
  return judge(result, bytes);
}

IoAttempt TlsSession::write(std::string_view data) {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int result = SSL_write_ex(session_.get(), data.data(), data.size(), &bytes);
  return judge(result, bytes);
}

void TlsSession::shut_down() {
  ERR_clear_error();
  // After a fatal error OpenSSL forbids it and says so.
  if (SSL_shutdown(session_.get()) < 0) ERR_clear_error();
}

}  // namespace tlsrpt::sender
