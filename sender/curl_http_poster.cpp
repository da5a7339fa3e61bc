// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_http_poster.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "sender/curl_parts.hpp"
#include "sender/curl_transfer.hpp"
#include "sender/post_guard.hpp"
#include "sender/post_target.hpp"

namespace tlsrpt::sender {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds kMaxConnectTime = seconds{30};
constexpr long kMaxIdleSeconds = 30;

/// One report on its way, in what libcurl only borrows.
struct Post {
  PostTarget target;
  std::string url;
  CurlList headers;
  CurlList resolve;  ///< null if the host is an address
  std::string_view body;
  steady_clock::time_point deadline;
  bool complete = true;  ///< false if there was no memory

  [[nodiscard]] long milliseconds_left() const {
    const auto left = deadline - steady_clock::now();
    return std::max(1L, static_cast<long>(std::chrono::ceil<milliseconds>(left).count()));
  }
};

Post make_post(PostTarget target, const std::vector<std::string>& addresses,
               std::string_view body) {
  Post post;
  post.url = fmt::format("https://{}/", target.authority());
  // Not Expect: it costs a round trip, or a second with a server that does not know it.
  post.headers = make_curl_list({"Content-Type: application/tlsrpt+gzip", "Expect:"});  // R156
  if (!parse_ip(target.host)) {
    // '+': may be forgotten, as an answer of DNS.
    const std::string entry = fmt::format("+{}:{}", target.authority(), fmt::join(addresses, ","));
    post.resolve = make_curl_list({entry.c_str()});
    post.complete = post.resolve != nullptr;
  }
  post.complete = post.complete && post.headers != nullptr;
  post.target = std::move(target);
  post.body = body;
  return post;
}

/// What came of one attempt; if it failed for the server's certificate, also why.
struct Attempt {
  HandOverResult result;
  std::string certificate_error;
};

HandOverResult temporary(std::string detail) { return {HandOver::temporary, std::move(detail)}; }

/// libcurl's text without what every one of them begins with.
std::string_view reason_of(std::string_view text) {
  for (const std::string_view prefix : {"SSL certificate problem: ", "SSL: "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  return text;
}

class CurlHttpPoster final : public HttpPoster {
 public:
  CurlHttpPoster(const PostSettings& settings, Dns& dns, const StopSignal& stop,
                 std::string authorities)
      : guard_(settings.networks),
        dns_(dns),
        stop_(stop),
        authorities_(std::move(authorities)),
        timeout_(settings.timeout),
        tolerant_(settings.tolerate_certificate_errors),
        error_(CURL_ERROR_SIZE, '\0') {}

  HandOverResult post(const std::string& uri, std::string_view body) override {
    const auto deadline = steady_clock::now() + timeout_;
    auto target = read_post_target(uri);
    if (!target) {
      HandOverResult result{HandOver::permanent, std::move(target.error().detail)};
      result.destination_refused = true;
      return result;
    }
    PostAddresses addresses = guard_.addresses_of(target->host, dns_);
    if (addresses.allowed.empty()) return std::move(addresses.refusal);
    Post post = make_post(std::move(*target), addresses.allowed, body);
    post.deadline = deadline;
    return post.complete ? deliver(post) : temporary("libcurl has no memory");
  }

  void close() override { handle_.reset(); }

 private:
  HandOverResult deliver(const Post& post) {
    Attempt first = attempt(post, /*verify=*/true);
    if (first.certificate_error.empty() || !tolerant_) return std::move(first.result);
    Attempt second = attempt(post, /*verify=*/false);  // R165
    second.result.detail +=
        fmt::format(" (certificate not verified: {})", first.certificate_error);  // R166
    return std::move(second.result);
  }

  Attempt attempt(const Post& post, bool verify) {
    if (!handle_) handle_.reset(curl_easy_init());
    if (!handle_) return {temporary("libcurl has no memory"), {}};
    curl_easy_reset(handle_.get());  // keeps the open connection
    error_.assign(CURL_ERROR_SIZE, '\0');
    options_set_ = true;
    CurlTransfer transfer{.guard = guard_,
                          .stop = stop_,
                          .host_is_address = post.resolve == nullptr,
                          .answer = {},
                          .body_deadline = {},
                          .stop_deadline = {},
                          .refused_address = {}};
    set_connection(post);
    set_tls(verify);
    set_request(post);
    if (!set_callbacks(handle_.get(), transfer) || !options_set_)
      return {temporary("libcurl lacks an option"), {}};
    return judge(curl_easy_perform(handle_.get()), transfer);
  }

  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(handle_.get(), option, value) != CURLE_OK) options_set_ = false;
  }

  void set_connection(const Post& post) {
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "https");  // R167
    set(CURLOPT_URL, post.url.c_str());
    set(CURLOPT_RESOLVE, post.resolve.get());
    set(CURLOPT_PROXY, "");  // nor one of the environment
    const long left = post.milliseconds_left();
    set(CURLOPT_TIMEOUT_MS, left);
    set(CURLOPT_CONNECTTIMEOUT_MS, std::min(left, static_cast<long>(kMaxConnectTime.count())));
    set(CURLOPT_MAXCONNECTS, 1L);  // of those that are kept
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  }

  void set_tls(bool verify) {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (!authorities_.empty()) set(CURLOPT_CAINFO, authorities_.c_str());
  }

  void set_request(const Post& post) {
    set(CURLOPT_REQUEST_TARGET, post.target.path.c_str());
    set(CURLOPT_FOLLOWLOCATION, 0L);  // R168
    set(CURLOPT_USERAGENT, "OpenTLSRPT/" OPENTLSRPT_VERSION);
    set(CURLOPT_HTTPHEADER, post.headers.get());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
    set(CURLOPT_POSTFIELDS, post.body.data());
  }

  [[nodiscard]] Attempt judge(CURLcode code, const CurlTransfer& transfer) const {
    // Whatever became of the body, or of the rest of ours: the server has decided.
    if (transfer.answer.complete()) {
      const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
      return {transfer.answer.verdict(now), {}};
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) return {{HandOver::aborted, "stopped"}, {}};
    if (!transfer.refused_address.empty()) return {refused_address(transfer.refused_address), {}};
    // libcurl has a limit of its own for one line, and calls that "out of memory".
    if (transfer.answer.header_too_large() || code == CURLE_OUT_OF_MEMORY)
      return {temporary("the header of the answer is too large"), {}};
    const std::string said = error_.front() != '\0' ? error_.c_str() : curl_easy_strerror(code);
    // The second is about a file of this machine, for which no report need be late.
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
      const std::string reason(reason_of(said));
      return {temporary("certificate not valid: " + reason), reason};
    }
    return {temporary(said), {}};
  }

  PostGuard guard_;
  Dns& dns_;
  const StopSignal& stop_;
  std::string authorities_;
  seconds timeout_;
  bool tolerant_;
  bool options_set_ = true;
  std::string error_;
  CurlHandle handle_;  // last: closing uses the others
};

}  // namespace

std::unique_ptr<HttpPoster> make_curl_http_poster(const PostSettings& settings, Dns& dns,
                                                  const StopSignal& stop, std::string authorities) {
  return std::make_unique<CurlHttpPoster>(settings, dns, stop, std::move(authorities));
}

}  // namespace tlsrpt::sender
