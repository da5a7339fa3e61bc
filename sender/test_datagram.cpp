// SPDX-License-Identifier: BSD-2-Clause
#include "sender/test_datagram.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "sender/outcome_socket.hpp"
#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::milliseconds kPause{100};

std::string advice(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such socket; start the collector, or mend the path";
    case ECONNREFUSED:
      return "nobody listens any more; start the collector";
    case EACCES:
      return fmt::format(
          "user {} may not write to it, or not pass one of its folders; see OutcomeSocketGroup "
          "and OutcomeSocketMode",
          ::geteuid());
    case EAGAIN:
      return "its queue is full; the collector does not read, or net.unix.max_dgram_qlen is small";
    case EPROTOTYPE:
      return "it is no datagram socket";
    default:
      return "";
  }
}

}  // namespace

std::string test_domain() { return fmt::format("test-{:016x}.opentlsrpt.invalid", random_seed()); }

Result<void> send_test_datagram(const std::string& socket_path, const std::string& domain) {
  if (const auto problem = check_socket_path(socket_path)) {
    return fail(ErrorCode::invalid_argument, "{}", *problem);
  }
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(errno, "cannot make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  const std::string text = fmt::format(
      R"({{"dpv": "1","d": "{0}","pr": "","policies":[{{"policy-type":9,"policy-domain": "{0}",)"
      R"("t":0,"f":0}}]}})",
      domain);
  if (::sendto(fd.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    const int error = errno;
    Error failed = fail_errno(error, "cannot send to " + socket_path).value();
    if (const std::string hint = advice(error); !hint.empty()) failed.detail += ": " + hint;
    return tl::unexpected(std::move(failed));
  }
  return {};
}

Result<bool> wait_until_counted(OutboundStore& store, const std::string& domain,
                                std::chrono::steady_clock::time_point end) {
  const SystemClock clock;
  const Day first = clock.today();
  for (;;) {
    for (const Day day : {first, clock.today()}) {
      const auto loaded = store.load(day, domain);
      if (!loaded) return tl::unexpected(loaded.error());
      if (!loaded->policies.empty()) return true;
    }
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tlsrpt::sender
