// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_mail_transport.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr long kMaxConnectSeconds = 30;
constexpr long kMaxIdleSeconds = 30;
constexpr std::size_t kMaxReply = 512;

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// What libcurl's callbacks see of one transfer.
struct Transfer {
  std::string_view rest;   ///< of the message
  std::string_view whole;  ///< for a rewind
  std::string last_reply;  ///< last line the server sent
  const StopRequested* stop = nullptr;
};

std::size_t read_message(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t given = std::min(size * count, transfer.rest.size());
  std::memcpy(buffer, transfer.rest.data(), given);
  transfer.rest.remove_prefix(given);
  return given;
}

int rewind_message(void* user, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::size_t>(offset) > transfer.whole.size())
    return CURL_SEEKFUNC_FAIL;
  transfer.rest = transfer.whole.substr(static_cast<std::size_t>(offset));
  return CURL_SEEKFUNC_OK;
}

std::size_t keep_reply(char* line, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view text(line, size * count);
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  transfer.last_reply = text.substr(0, kMaxReply);
  return size * count;
}

int check_stop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<const Transfer*>(user);
  return (*transfer.stop)() ? 1 : 0;
}

class CurlMailTransport final : public MailTransport {
 public:
  CurlMailTransport(CURL* handle, const SmtpSettings& settings, StopRequested stop)
      : handle_(handle), stop_(std::move(stop)), error_(CURL_ERROR_SIZE, '\0') {
    const bool brackets = settings.host.find(':') != std::string::npos;
    // The path of an smtp URL is the name for EHLO.
    url_ = fmt::format("smtp://{}{}{}:{}/{}", brackets ? "[" : "", settings.host,
                       brackets ? "]" : "", settings.port, settings.ehlo_name);
    timeout_ = static_cast<long>(settings.timeout.count());
  }

  HandOverResult hand_over(const Envelope& envelope, std::string_view message) override {
    HandOverResult result = try_once(envelope, message, CURLUSESSL_TRY);
    if (!tls_failed_) return result;
    return try_once(envelope, message, CURLUSESSL_NONE);  // R138
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(handle_.get(), option, value) != CURLE_OK) options_set_ = false;
  }

  void set_connection(curl_usessl use_ssl) {
    CURL* handle = handle_.get();
    curl_easy_reset(handle);  // keeps the open connection
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, std::min(timeout_, kMaxConnectSeconds));
    set(CURLOPT_TIMEOUT, timeout_);
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(CURLOPT_USE_SSL, static_cast<long>(use_ssl));
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }

  void set_transfer(Transfer& transfer) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, read_message);
    set(CURLOPT_READDATA, &transfer);
    set(CURLOPT_SEEKFUNCTION, rewind_message);
    set(CURLOPT_SEEKDATA, &transfer);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.whole.size()));
    set(CURLOPT_HEADERFUNCTION, keep_reply);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, check_stop);
    set(CURLOPT_XFERINFODATA, &transfer);
  }

  HandOverResult try_once(const Envelope& envelope, std::string_view message, curl_usessl use_ssl) {
    tls_failed_ = false;
    options_set_ = true;
    error_.assign(CURL_ERROR_SIZE, '\0');
    const std::string sender = fmt::format("<{}>", envelope.sender);
    const std::string recipient = fmt::format("<{}>", envelope.recipient);
    const std::unique_ptr<curl_slist, ListFree> recipients(
        curl_slist_append(nullptr, recipient.c_str()));
    Transfer transfer{message, message, {}, &stop_};
    set_connection(use_ssl);
    set_transfer(transfer);
    set(CURLOPT_MAIL_FROM, sender.c_str());
    set(CURLOPT_MAIL_RCPT, recipients.get());
    if (!options_set_ || !recipients) return {HandOver::temporary, "libcurl lacks an option"};
    return judge(curl_easy_perform(handle_.get()), transfer);
  }

  HandOverResult judge(CURLcode code, const Transfer& transfer) {
    if (code == CURLE_OK) return {HandOver::accepted, transfer.last_reply};
    if (code == CURLE_ABORTED_BY_CALLBACK) return {HandOver::aborted, "stopped"};
    tls_failed_ = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_USE_SSL_FAILED;
    const std::string_view said(error_.c_str());
    std::string detail(said.empty() ? std::string_view(curl_easy_strerror(code)) : said);
    long reply_code = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &reply_code);
    if (reply_code < 400 || transfer.last_reply.empty()) return {HandOver::temporary, detail};
    return {reply_code >= 500 ? HandOver::permanent : HandOver::temporary, transfer.last_reply};
  }

  std::unique_ptr<CURL, EasyCleanup> handle_;
  StopRequested stop_;
  std::string error_;
  std::string url_;
  long timeout_ = 0;
  bool options_set_ = true;
  bool tls_failed_ = false;
};

}  // namespace

Result<CurlLibrary> CurlLibrary::start() {
  if (const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return fail(ErrorCode::internal, "cannot start libcurl: {}", curl_easy_strerror(code));
  }
  return CurlLibrary();
}

CurlLibrary::~CurlLibrary() {
  if (started_) curl_global_cleanup();
}

Result<std::unique_ptr<MailTransport>> make_curl_mail_transport(const SmtpSettings& settings,
                                                                StopRequested stop) {
  CURL* handle = curl_easy_init();
  if (handle == nullptr) return fail(ErrorCode::internal, "libcurl gives no handle");
  return std::make_unique<CurlMailTransport>(handle, settings, std::move(stop));
}

}  // namespace tlsrpt::sender
