// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_mail_transport.hpp"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

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

using Deadline = std::chrono::steady_clock::time_point;

/// The sockets that libcurl has open. Before it lets go of a connection it waits minutes for the
/// answer to QUIT; shutting the socket down ends that.
class Sockets {
 public:
  static curl_socket_t open(void* user, curlsocktype, curl_sockaddr* address) {
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    static_cast<Sockets*>(user)->fds_.push_back(fd);
    return fd;
  }
  static int close(void* user, curl_socket_t fd) {
    std::erase(static_cast<Sockets*>(user)->fds_, fd);
    return ::close(fd);
  }
  void shut_down() const {
    for (const int fd : fds_) ::shutdown(fd, SHUT_RDWR);
  }

 private:
  std::vector<int> fds_;
};

/// What libcurl's callbacks see of one transfer.
struct Transfer {
  std::string_view rest;   ///< of the message
  std::string_view whole;  ///< for a rewind
  Deadline deadline;
  const StopRequested* stop = nullptr;
  const Sockets* sockets = nullptr;
  std::string last_reply;    ///< last line the server sent
  std::string last_refusal;  ///< last line with a 4xx or 5xx
  bool timed_out = false;
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
  if (text.starts_with('4') || text.starts_with('5')) transfer.last_refusal = transfer.last_reply;
  return size * count;
}

/// Called about once a second; anything but 0 aborts the transfer.
int check_end(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.timed_out = std::chrono::steady_clock::now() >= transfer.deadline;
  if (!transfer.timed_out && !(*transfer.stop)()) return 0;
  transfer.sockets->shut_down();
  return 1;
}

class CurlMailTransport final : public MailTransport {
 public:
  CurlMailTransport(const SmtpSettings& settings, StopRequested stop)
      : stop_(std::move(stop)), error_(CURL_ERROR_SIZE, '\0'), timeout_(settings.timeout) {
    const bool brackets = settings.relays.front().host.find(':') != std::string::npos;
    // The path of an smtp URL is the name for EHLO.
    url_ = fmt::format("smtp://{}{}{}:{}/{}", brackets ? "[" : "", settings.relays.front().host,
                       brackets ? "]" : "", settings.relays.front().port, settings.ehlo_name);
  }

  HandOverResult hand_over(const Envelope& envelope, std::string_view message) override {
    const HandOverResult result = try_once(envelope, message, CURLUSESSL_TRY);
    if (!tls_failed_) return result;
    return try_once(envelope, message, CURLUSESSL_NONE);  // R138
  }

  void close() override { handle_.reset(); }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(handle_.get(), option, value) != CURLE_OK) options_set_ = false;
  }

  void set_connection(curl_usessl use_ssl) {
    curl_easy_reset(handle_.get());  // keeps the open connection
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    const auto seconds = static_cast<long>(timeout_.count());
    set(CURLOPT_CONNECTTIMEOUT, std::min(seconds, kMaxConnectSeconds));
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(CURLOPT_OPENSOCKETFUNCTION, &Sockets::open);
    set(CURLOPT_OPENSOCKETDATA, &sockets_);
    set(CURLOPT_CLOSESOCKETFUNCTION, &Sockets::close);
    set(CURLOPT_CLOSESOCKETDATA, &sockets_);
    set(CURLOPT_USE_SSL, static_cast<long>(use_ssl));
    set(CURLOPT_SSL_VERIFYPEER, 0L);  // R136: a report about broken TLS must get through it
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }

  void set_transfer(Transfer& transfer) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &read_message);
    set(CURLOPT_READDATA, &transfer);
    set(CURLOPT_SEEKFUNCTION, &rewind_message);
    set(CURLOPT_SEEKDATA, &transfer);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.whole.size()));
    set(CURLOPT_HEADERFUNCTION, &keep_reply);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &check_end);
    set(CURLOPT_XFERINFODATA, &transfer);
  }

  HandOverResult try_once(const Envelope& envelope, std::string_view message, curl_usessl use_ssl) {
    tls_failed_ = false;
    options_set_ = true;
    error_.assign(CURL_ERROR_SIZE, '\0');
    if (!handle_) handle_.reset(curl_easy_init());
    const std::string sender = fmt::format("<{}>", envelope.sender);
    const std::string recipient = fmt::format("<{}>", envelope.recipient);
    const std::unique_ptr<curl_slist, ListFree> recipients(
        curl_slist_append(nullptr, recipient.c_str()));
    if (!handle_ || !recipients) return {HandOver::temporary, "libcurl has no memory"};
    Transfer transfer;
    transfer.rest = transfer.whole = message;
    transfer.deadline = std::chrono::steady_clock::now() + timeout_;
    transfer.stop = &stop_;
    transfer.sockets = &sockets_;
    set_connection(use_ssl);
    set_transfer(transfer);
    set(CURLOPT_MAIL_FROM, sender.c_str());
    set(CURLOPT_MAIL_RCPT, recipients.get());
    if (!options_set_) return {HandOver::temporary, "libcurl lacks an option"};
    return judge(curl_easy_perform(handle_.get()), transfer);
  }

  HandOverResult judge(CURLcode code, const Transfer& transfer) {
    if (code == CURLE_OK) return {HandOver::accepted, transfer.last_reply};
    if (transfer.timed_out) return {HandOver::temporary, "timeout"};
    if (code == CURLE_ABORTED_BY_CALLBACK) return {HandOver::aborted, "stopped"};
    long reply_code = 0;  // of the reply that ended the transfer
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &reply_code);
    // 220 answers STARTTLS; what a server says behind it, before TLS has begun, is a weird reply.
    tls_failed_ = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_USE_SSL_FAILED ||
                  (code == CURLE_WEIRD_SERVER_REPLY && reply_code == 220);
    if (reply_code >= 400 && !transfer.last_refusal.empty()) {
      return {reply_code >= 500 ? HandOver::permanent : HandOver::temporary, transfer.last_refusal};
    }
    const char* said = error_.front() != '\0' ? error_.c_str() : curl_easy_strerror(code);
    return {HandOver::temporary, said};
  }

  StopRequested stop_;
  std::string error_;
  std::string url_;
  std::chrono::seconds timeout_;
  bool options_set_ = true;
  bool tls_failed_ = false;
  Sockets sockets_;
  std::unique_ptr<CURL, EasyCleanup> handle_;  // last: closing uses the others
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

std::unique_ptr<MailTransport> make_curl_mail_transport(const SmtpSettings& settings,
                                                        StopRequested stop) {
  return std::make_unique<CurlMailTransport>(settings, std::move(stop));
}

}  // namespace tlsrpt::sender
