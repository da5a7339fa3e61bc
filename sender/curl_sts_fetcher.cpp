// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_sts_fetcher.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "common/domain_name.hpp"
#include "sender/curl_parts.hpp"
#include "sender/reason_code.hpp"
#include "sender/sts_answer.hpp"

namespace tlsrpt::sender {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

PolicyProblem fetch_error(std::string_view reason_code, std::string detail) {
  return {"sts-policy-fetch-error", std::string(reason_code), std::move(detail)};
}

PolicyProblem own_fault(std::string_view reason_code, std::string detail) {
  return {"", std::string(reason_code), std::move(detail)};
}

/// The addresses that may be connected to, or why there are none.
tl::expected<std::vector<std::string>, PolicyProblem> addresses_of(const std::string& host,
                                                                   Dns& dns,
                                                                   const PostGuard& guard) {
  const auto aaaa = dns.aaaa(host);
  const auto a = dns.a(host);
  std::vector<std::string> allowed;
  std::string refused;
  for (const auto* answer : {&aaaa, &a}) {
    for (const std::string& text : answer->records) {
      const auto address = parse_ip(text);
      if (!address || !guard.allows(*address)) {
        refused = text;
      } else if (allowed.size() < PostGuard::kMaxAddresses) {
        allowed.push_back(text);
      }
    }
  }
  if (!allowed.empty()) return allowed;
  for (const auto* answer : {&a, &aaaa}) {
    if (answer->status == DnsStatus::failed)
      return tl::unexpected(
          fetch_error("dns-failure", fmt::format("{}: {}", host, answer->detail)));
  }
  if (refused.empty())
    return tl::unexpected(fetch_error("no-address", fmt::format("{} has no address", host)));
  return tl::unexpected(fetch_error("address-not-public", refused_address(refused).detail));
}

/// One fetch, as libcurl's callbacks see it. None of them may throw.
struct Transfer {
  const PostGuard& guard;
  const StopSignal& stop;
  const std::string& host;
  StsAnswer answer;
  std::string refused_address{};
  bool out_of_memory = false;
};

Transfer& transfer_of(void* user) { return *static_cast<Transfer*>(user); }

template <typename Work>
bool guarded(Transfer& transfer, Work work) noexcept {
  try {
    return work();
  } catch (const std::exception&) {
    transfer.out_of_memory = true;
    return false;
  }
}

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* given) {
  Transfer& transfer = transfer_of(user);
  curl_socket_t opened = CURL_SOCKET_BAD;
  guarded(transfer, [&] {
    opened = open_guarded_socket(transfer.guard, *given, transfer.refused_address);
    return true;
  });
  return opened;
}

/// No name may get here, since all were asked of our own resolver.
int start_resolver(void*, void*, void*) { return 1; }

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  Transfer& transfer = transfer_of(user);
  const std::size_t length = size * count;
  return guarded(transfer, [&] { return transfer.answer.take_header({data, length}); }) ? length
                                                                                        : 0;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  Transfer& transfer = transfer_of(user);
  const std::size_t length = size * count;
  // 0 would be taken as success for nothing at all.
  if (length == 0) return 0;
  return guarded(transfer, [&] { return transfer.answer.take_body({data, length}); }) ? length : 0;
}

/// Called about once a second and at every step; anything but 0 aborts the transfer.
int check_end(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return transfer_of(user).stop.requested() ? 1 : 0;
}

/// OpenSSL compares the name itself, so that it never falls back to the subject, as libcurl would
/// for a certificate without DNS-ID (R263), and says which check has failed.
CURLcode set_name_check(CURL*, void* context, void* user) {
  constexpr unsigned kFlags =
      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  const std::string& host = transfer_of(user).host;
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(static_cast<SSL_CTX*>(context));
  X509_VERIFY_PARAM_set_hostflags(parameters, kFlags);
  const bool done = X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size()) == 1;
  return done ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

PolicyProblem certificate_problem(CURL* handle, std::string said) {
  long error = X509_V_OK;
  curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &error);
  // The certificate has passed OpenSSL and not libcurl, which only looks for the name then.
  if (error == X509_V_OK) error = X509_V_ERR_HOSTNAME_MISMATCH;
  return {"sts-webpki-invalid", reason::x509(static_cast<int>(error)), std::move(said)};
}

PolicyProblem connection_problem(CURL* handle, std::string said) {
  long number = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
  const bool refused = number == ECONNREFUSED;
  return fetch_error(refused ? "connection-refused" : "connection-failed", std::move(said));
}

PolicyProblem problem_of(CURLcode code, CURL* handle, std::string said) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return certificate_problem(handle, std::move(said));
    case CURLE_COULDNT_CONNECT:
      return connection_problem(handle, std::move(said));
    case CURLE_OPERATION_TIMEDOUT:
      return fetch_error("timeout", std::move(said));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return fetch_error(reason::kHandshakeFailure, std::move(said));
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return fetch_error("connection-closed", std::move(said));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_BAD_CONTENT_ENCODING:
      return fetch_error("bad-http-answer", std::move(said));
    // libcurl has a limit of its own for one line of the header, and calls that "out of memory".
    case CURLE_OUT_OF_MEMORY:
      return fetch_error("too-large", std::move(said));
    case CURLE_SSL_CACERT_BADFILE:
      return own_fault("no-trust-store", std::move(said));
    default:
      return own_fault("libcurl", std::move(said));
  }
}

class Request {
 public:
  Request(const StsFetcherSettings& settings, Transfer& transfer)
      : settings_(settings),
        transfer_(transfer),
        handle_(curl_easy_init()),
        error_(CURL_ERROR_SIZE, '\0') {}

  tl::expected<StsPolicy, PolicyProblem> perform(const std::vector<std::string>& addresses,
                                                 milliseconds time) {
    if (!handle_) return tl::unexpected(own_fault("libcurl", "libcurl has no memory"));
    const std::string resolve =
        fmt::format("{}:{}:{}", transfer_.host, settings_.port, fmt::join(addresses, ","));
    const CurlList list = make_curl_list({resolve.c_str()});
    set(CURLOPT_RESOLVE, list.get());
    set_connection(time);
    set_tls();
    set_callbacks();
    if (list == nullptr || !all_set_)
      return tl::unexpected(own_fault("libcurl", "libcurl lacks an option, or memory"));
    return judge(curl_easy_perform(handle_.get()));
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    all_set_ = curl_easy_setopt(handle_.get(), option, value) == CURLE_OK && all_set_;
  }

  void set_connection(milliseconds time) {
    const std::string url = fmt::format("https://{}:{}/.well-known/mta-sts.txt", transfer_.host,
                                        settings_.port);  // R260; libcurl copies it
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROXY, "");  // nor one of the environment
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, "OpenTLSRPT/" OPENTLSRPT_VERSION);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(time.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(time.count()));
    set(CURLOPT_FORBID_REUSE, 1L);
  }

  void set_tls() {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    set(CURLOPT_SSL_CTX_FUNCTION, &set_name_check);
    set(CURLOPT_SSL_CTX_DATA, &transfer_);
    if (!settings_.authorities.empty()) {
      set(CURLOPT_CAINFO, settings_.authorities.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // in place of the system's
    }
  }

  void set_callbacks() {
    set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(CURLOPT_OPENSOCKETDATA, &transfer_);
    set(CURLOPT_RESOLVER_START_FUNCTION, &start_resolver);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &transfer_);
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &transfer_);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &check_end);
    set(CURLOPT_XFERINFODATA, &transfer_);
  }

  tl::expected<StsPolicy, PolicyProblem> judge(CURLcode code) {
    if (transfer_.stop.requested() && code != CURLE_OK)
      return tl::unexpected(own_fault("stopped", "stopped"));
    if (transfer_.out_of_memory) return tl::unexpected(own_fault("libcurl", "no memory"));
    if (transfer_.answer.problem()) return tl::unexpected(*transfer_.answer.problem());
    if (!transfer_.refused_address.empty())
      return tl::unexpected(
          fetch_error("address-not-public", refused_address(transfer_.refused_address).detail));
    if (code == CURLE_OK) return read_sts_policy(transfer_.answer.body(), settings_.limits);
    std::string said = error_.front() != '\0' ? error_.c_str() : curl_easy_strerror(code);
    return tl::unexpected(problem_of(code, handle_.get(), std::move(said)));
  }

  const StsFetcherSettings& settings_;
  Transfer& transfer_;
  CurlHandle handle_;
  std::string error_;
  bool all_set_ = true;
};

class CurlStsFetcher final : public StsFetcher {
 public:
  CurlStsFetcher(StsFetcherSettings settings, Dns& dns, const StopSignal& stop)
      : settings_(std::move(settings)), guard_(settings_.networks), dns_(dns), stop_(stop) {}

  tl::expected<StsPolicy, PolicyProblem> fetch(const std::string& domain) override {
    const auto deadline = steady_clock::now() + settings_.timeout;
    const std::string host = sts_host(domain);
    if (!is_normal_domain(host))
      return tl::unexpected(fetch_error("no-address", "no name of a host: " + host));
    const auto addresses = addresses_of(host, dns_, guard_);
    if (!addresses) return tl::unexpected(addresses.error());
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    Transfer transfer{.guard = guard_,
                      .stop = stop_,
                      .host = host,
                      .answer = StsAnswer(settings_.limits.max_bytes)};
    return Request(settings_, transfer).perform(*addresses, std::max(left, milliseconds{1}));
  }

 private:
  StsFetcherSettings settings_;
  PostGuard guard_;
  Dns& dns_;
  const StopSignal& stop_;
};

}  // namespace

std::unique_ptr<StsFetcher> make_curl_sts_fetcher(StsFetcherSettings settings, Dns& dns,
                                                  const StopSignal& stop) {
  return std::make_unique<CurlStsFetcher>(std::move(settings), dns, stop);
}

}  // namespace tlsrpt::sender
