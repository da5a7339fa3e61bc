// SPDX-License-Identifier: BSD-2-Clause
#include "milter/http_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "common/ascii.hpp"
#include "common/ip_address.hpp"
#include "milter/client_address.hpp"
#include "milter/http_connections.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kTick = 250ms;
constexpr auto kLastBytes = 5s;                // for requests that are on their way when we end
constexpr std::size_t kHeadBytes = 16u << 10;  // the head of a request; MHD answers 431 beyond
constexpr std::size_t kStackBytes = 1u << 20;
// What nobody wants of a body is read and dropped up to this size, so that the answer surely
// arrives: a connection that is closed with bytes unread takes back what was sent.
constexpr std::uint64_t kDroppedBytes = 64u << 20;
constexpr const char* kTlsPriorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
using Daemon = std::unique_ptr<MHD_Daemon, StopDaemon>;

/// The first words that the library has, which are about a failed start; later ones are about what
/// strangers send.
class FirstWords {
 public:
  static void keep(void* closure, const char* format, va_list arguments) noexcept {
    auto& self = *static_cast<FirstWords*>(closure);
    if (self.full_.exchange(true)) return;
    std::vsnprintf(self.words_.data(), self.words_.size(), format, arguments);
  }
  /// Only once the library is silent.
  [[nodiscard]] std::string text() const {
    const std::string words(words_.data());
    return words.substr(0, words.find('\n'));
  }

 private:
  std::atomic<bool> full_{false};
  std::array<char, 256> words_{};
};

/// A daemon with its own copy of the listening descriptor: the library closes the one that it
/// has.
struct Running {
  UniqueFd listener;
  std::unique_ptr<FirstWords> words;
  Daemon daemon;
};

struct FreeResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

/// One request, from its head to its answer.
struct Exchange {
  Exchange(HttpRequest head, HttpAdmission admission, SpoolBudget& budget)
      : request(std::move(head)),
        refusal(std::move(admission.refusal)),
        body(budget, admission.max_body),
        max_read(admission.max_body + kDroppedBytes) {}

  /// False: more than anybody would send by mistake.
  bool take(std::string_view bytes) {
    read += bytes.size();
    if (!refusal) body.append(bytes);
    return read <= max_read;
  }

  HttpRequest request;
  std::optional<HttpResponse> refusal;
  SpooledMessage body;
  std::uint64_t max_read = 0;
  std::uint64_t read = 0;
};

std::string address_text(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address == nullptr) return {};
  if (address->sa_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &ipv4->sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(address);
    ::inet_ntop(AF_INET6, &ipv6->sin6_addr, text.data(), text.size());
  }
  return canonical_ip(text.data()).value_or(std::string());
}

const MHD_ConnectionInfo* info_of(MHD_Connection* connection, MHD_ConnectionInfoType type) {
  return MHD_get_connection_info(connection, type);
}

/// Null if there was no memory for one.
HttpVisit* visit_of(MHD_Connection* connection) {
  const auto* info = info_of(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == nullptr ? nullptr : static_cast<HttpVisit*>(info->socket_context);
}

std::string peer_of(MHD_Connection* connection) {
  const auto* info = info_of(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info == nullptr ? std::string() : address_text(info->client_addr);
}

void append_value(std::string& list, std::string_view value) {
  if (!list.empty()) list += ',';
  list += value;
}

MHD_Result take_field(void* closure, MHD_ValueKind, const char* name, const char* value) noexcept {
  try {
    auto& request = *static_cast<HttpRequest*>(closure);
    const std::string_view text = value == nullptr ? "" : value;
    if (equal_ignoring_case(name, "Content-Type")) request.content_type = text;
    if (equal_ignoring_case(name, "Content-Encoding")) append_value(request.content_encoding, text);
    if (equal_ignoring_case(name, "X-Forwarded-For")) append_value(request.x_forwarded_for, text);
    if (equal_ignoring_case(name, "Forwarded")) append_value(request.forwarded, text);
    if (equal_ignoring_case(name, "Content-Length")) {
      std::uint64_t length = 0;  // the library has refused what is no number
      for (const char digit : text) {
        if (digit < '0' || digit > '9') break;
        length = length > (UINT64_MAX >> 4) ? UINT64_MAX >> 4
                                            : length * 10 + static_cast<unsigned>(digit - '0');
      }
      request.content_length = length;
    }
    return MHD_YES;
  } catch (...) {
    return MHD_NO;
  }
}

bool has_field(MHD_Connection* connection, const char* name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name) != nullptr;
}

HttpRequest head_of(MHD_Connection* connection, const char* url, const char* method) {
  HttpRequest request;
  request.method = method;
  request.path = url;
  request.peer = peer_of(connection);
  MHD_get_connection_values(connection, MHD_HEADER_KIND, take_field, &request);
  return request;
}

/// Should a refusal wait until the body has been read and dropped?
bool is_body_droppable(MHD_Connection* connection, const HttpRequest& request) {
  if (has_field(connection, "Expect")) return false;  // the sender waits for a word from us
  return request.content_length.value_or(0) <= kDroppedBytes;
}

MHD_Result send_response(MHD_Connection* connection, const HttpResponse& answer, bool close) {
  std::string body = answer.body;
  const std::unique_ptr<MHD_Response, FreeResponse> response(
      MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY));
  if (!response) return MHD_NO;
  const auto add = [&](const char* name, const std::string& value) {
    return MHD_add_response_header(response.get(), name, value.c_str()) == MHD_YES;
  };
  bool added = add("Content-Type", "text/plain; charset=utf-8") && add("Cache-Control", "no-store");
  added = added && add("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : answer.fields) added = added && add(name.c_str(), value);
  if (close) added = added && add("Connection", "close");
  return added ? MHD_queue_response(connection, answer.status, response.get()) : MHD_NO;
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(UniqueFd listener, HttpServerSettings settings, HttpHandler& handler, SpoolBudget& budget)
      : listener_(std::move(listener)),
        settings_(std::move(settings)),
        handler_(handler),
        budget_(budget),
        connections_(settings_.timeout, settings_.max_per_source) {}

  Result<void> begin() {
    auto running = make_daemon();
    if (!running) return tl::unexpected(running.error());
    daemons_.push_back(std::move(*running));
    watcher_ = std::thread([this] { watch(); });
    return {};
  }

  Result<void> renew(HttpCertificate certificate) {
    if (auto usable = check_certificate(certificate); !usable) return usable;
    const std::lock_guard lock(mutex_);
    if (stopping_) return {};
    const std::optional<HttpCertificate> old = settings_.certificate;
    settings_.certificate = std::move(certificate);
    auto fresh = make_daemon();
    if (!fresh) {
      settings_.certificate = old;
      return tl::unexpected(fresh.error());
    }
    // Both listen for a moment; nobody who knocks finds the door closed.
    MHD_quiesce_daemon(daemons_.back().daemon.get());
    daemons_.push_back(std::move(*fresh));
    return {};
  }

  Drained stop(std::chrono::seconds patience) {
    const auto deadline = Steady::now() + patience;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return Drained::yes;
      stopping_ = true;
      if (!daemons_.empty()) MHD_quiesce_daemon(daemons_.back().daemon.get());
    }
    connections_.hasten(Steady::now() + kLastBytes);
    while (connections_.begun() > 0 && Steady::now() < deadline) std::this_thread::sleep_for(20ms);
    end_watch();
    stopped_ = true;
    if (connections_.begun() > 0) {
      // Ending would wait for the threads, however long the store holds them up.
      for (Running& running : daemons_) {
        static_cast<void>(running.daemon.release());
        static_cast<void>(running.listener.release());
      }
      return Drained::no;
    }
    daemons_.clear();
    return Drained::yes;
  }

  std::uint64_t take_expired() { return expired_.exchange(0); }
  std::uint64_t take_turned_away() { return turned_away_.exchange(0); }

  static MHD_Result on_accept(void* closure, const sockaddr* address, socklen_t) noexcept {
    auto& self = *static_cast<Impl*>(closure);
    try {
      if (self.connections_.has_room(self.bounded_source(address_text(address)))) return MHD_YES;
      ++self.turned_away_;
      return MHD_NO;
    } catch (...) {
      return MHD_NO;
    }
  }

  static void on_connection(void* closure, MHD_Connection* connection, void** visit,
                            MHD_ConnectionNotificationCode code) noexcept {
    auto& self = *static_cast<Impl*>(closure);
    try {
      if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        const std::unique_ptr<HttpVisit> ended(static_cast<HttpVisit*>(*visit));
        self.connections_.closed(connection);
        return;
      }
      *visit = std::make_unique<HttpVisit>().release();  // taken back when it is closed
      const auto* fd = info_of(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
      self.connections_.opened(connection, fd == nullptr ? -1 : fd->connect_fd,
                               self.bounded_source(peer_of(connection)), Steady::now());
    } catch (...) {
      // Unknown to the watch: it ends with the library's own timeout.
    }
  }

  static void on_completed(void* closure, MHD_Connection* connection, void** context,
                           MHD_RequestTerminationCode) noexcept {
    const std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(*context));
    *context = nullptr;
    static_cast<Impl*>(closure)->connections_.completed(connection, Steady::now());
  }

  static MHD_Result on_request(void* closure, MHD_Connection* connection, const char* url,
                               const char* method, const char*, const char* data, std::size_t* size,
                               void** context) noexcept {
    auto& self = *static_cast<Impl*>(closure);
    try {
      if (*context == nullptr) return self.take_head(connection, url, method, context);
      auto& exchange = *static_cast<Exchange*>(*context);
      if (*size > 0) {
        const std::string_view bytes(data, *size);
        *size = 0;
        return exchange.take(bytes) ? MHD_YES : MHD_NO;
      }
      return self.answer(connection, exchange);
    } catch (...) {
      return MHD_NO;  // the connection is closed: nothing was acknowledged
    }
  }

 private:
  /// What its connections are counted under; empty for those that are not bounded.
  [[nodiscard]] std::string bounded_source(const std::string& peer) const {
    if (peer.empty() || settings_.unbounded.contains("", peer)) return {};
    return source_key(peer);
  }

  MHD_Result take_head(MHD_Connection* connection, const char* url, const char* method,
                       void** context) {
    connections_.began(connection);
    HttpRequest request = head_of(connection, url, method);
    HttpAdmission admission = handler_.admit(request);
    auto exchange = std::make_unique<Exchange>(std::move(request), std::move(admission), budget_);
    const bool at_once = exchange->refusal && !is_body_droppable(connection, exchange->request);
    *context = exchange.get();
    const Exchange& kept = *exchange.release();  // on_completed takes it back
    return at_once ? send_response(connection, *kept.refusal, /*close=*/true) : MHD_YES;
  }

  MHD_Result answer(MHD_Connection* connection, Exchange& exchange) {
    if (exchange.refusal) return send_response(connection, *exchange.refusal, stopping_.load());
    connections_.working(connection);
    HttpVisit nothing_kept;
    HttpVisit* const visit = visit_of(connection);
    const HttpResponse response =
        handler_.answer(exchange.request, exchange.body, visit != nullptr ? *visit : nothing_kept);
    exchange.body.clear();
    connections_.answered(connection, Steady::now());
    return send_response(connection, response, stopping_.load());
  }

  Result<Running> make_daemon() {
    Running running;
    running.listener = UniqueFd(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
    if (!running.listener) return fail_errno(errno, "cannot copy the listening descriptor");
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    std::vector<MHD_OptionItem> tls;
    if (settings_.certificate) {
      flags |= MHD_USE_TLS;
      tls.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, settings_.certificate->certificate.data()});
      tls.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, settings_.certificate->key.data()});
      tls.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, priorities_.data()});
    }
    tls.push_back({MHD_OPTION_END, 0, nullptr});
    auto words = std::make_unique<FirstWords>();
    running.daemon.reset(MHD_start_daemon(
        flags, 0, on_accept, this, on_request, this, MHD_OPTION_EXTERNAL_LOGGER, FirstWords::keep,
        words.get(), MHD_OPTION_LISTEN_SOCKET, running.listener.get(), MHD_OPTION_CONNECTION_LIMIT,
        settings_.max_connections, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeadBytes, MHD_OPTION_THREAD_STACK_SIZE, kStackBytes,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, this, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, this, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls.data(),
        MHD_OPTION_END));
    if (!running.daemon) {
      static_cast<void>(running.listener.release());  // the library has closed it
      return fail(ErrorCode::io, "the HTTP server does not start: {}", words->text());
    }
    running.words = std::move(words);
    return running;
  }

  /// Ends those whose time is over, and the daemons of former certificates when their last
  /// connection is gone.
  void watch() {
    std::unique_lock lock(mutex_);
    while (!watch_ended_) {
      wake_.wait_for(lock, kTick);
      expired_ += connections_.expire(Steady::now());
      std::vector<Running> finished;
      while (daemons_.size() > 1 && !has_connections(daemons_.front().daemon.get())) {
        finished.push_back(std::move(daemons_.front()));
        daemons_.erase(daemons_.begin());
      }
      lock.unlock();
      finished.clear();
      lock.lock();
    }
  }

  static bool has_connections(MHD_Daemon* daemon) {
    const auto* info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != nullptr && info->num_connections > 0;
  }

  void end_watch() {
    {
      const std::lock_guard lock(mutex_);
      watch_ended_ = true;
    }
    wake_.notify_all();
    if (watcher_.joinable()) watcher_.join();
  }

  UniqueFd listener_;
  HttpServerSettings settings_;
  HttpHandler& handler_;
  SpoolBudget& budget_;
  std::string priorities_ = kTlsPriorities;
  HttpConnections connections_;
  std::mutex mutex_;  ///< guards daemons_, settings_.certificate and watch_ended_
  std::condition_variable wake_;
  std::vector<Running> daemons_;  ///< the last one listens
  std::thread watcher_;
  std::atomic<bool> stopping_{false};
  bool stopped_ = false;
  bool watch_ended_ = false;
  std::atomic<std::uint64_t> expired_{0};
  std::atomic<std::uint64_t> turned_away_{0};
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  // The threads of a server that could not be drained still use it.
  if (impl_->stop(0s) == Drained::no) static_cast<void>(impl_.release());
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(UniqueFd listener,
                                                      HttpServerSettings settings,
                                                      HttpHandler& handler, SpoolBudget& budget) {
  auto impl = std::make_unique<Impl>(std::move(listener), std::move(settings), handler, budget);
  if (auto begun = impl->begin(); !begun) return tl::unexpected(begun.error());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

Result<void> HttpServer::renew(HttpCertificate certificate) {
  return impl_->renew(std::move(certificate));
}

HttpServer::Drained HttpServer::stop(std::chrono::seconds patience) {
  return impl_->stop(patience);
}

std::uint64_t HttpServer::take_expired() { return impl_->take_expired(); }
std::uint64_t HttpServer::take_turned_away() { return impl_->take_turned_away(); }

Result<void> check_certificate(const HttpCertificate& certificate) {
  FirstWords words;
  const auto refuse = [](void*, MHD_Connection*, const char*, const char*, const char*, const char*,
                         std::size_t*, void**) { return MHD_NO; };
  const Daemon daemon(
      MHD_start_daemon(MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0, nullptr,
                       nullptr, refuse, nullptr, MHD_OPTION_EXTERNAL_LOGGER, FirstWords::keep,
                       &words, MHD_OPTION_HTTPS_MEM_CERT, certificate.certificate.c_str(),
                       MHD_OPTION_HTTPS_MEM_KEY, certificate.key.c_str(), MHD_OPTION_END));
  if (daemon) return {};
  return fail(ErrorCode::crypto,
              "they cannot be used together: are both PEM files, and is it the key of the "
              "certificate? {}",
              words.text());
}

std::string http_library_version() { return MHD_get_version(); }

}  // namespace tlsrpt::milter
