// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sendmail_transport.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "common/ascii.hpp"
#include "sender/child_process.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxDetail = 512;
// sysexits(3)
constexpr int kDataError = 65;
constexpr int kNoUser = 67;
constexpr int kNoHost = 68;
constexpr int kCannotRun = 126;  // how shells and their kin say it
constexpr int kNotFound = 127;

std::string with_lf(std::string_view message) {
  std::string text;
  text.reserve(message.size());
  while (!message.empty()) {
    const std::size_t end = message.find("\r\n");
    text += message.substr(0, end);
    if (end == std::string_view::npos) break;
    text += '\n';
    message.remove_prefix(end + 2);
  }
  return text;
}

/// "/usr/sbin/sendmail: exit status 75: what it said", in one line.
std::string describe(const std::string& path, const ChildEnd& end) {
  std::string said(trim_blanks(end.output));
  for (char& c : said) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::string text =
      fmt::format("{}: {} {}{}{}", path, end.status < 128 ? "exit status" : "signal",
                  end.status < 128 ? end.status : end.status - 128,
                  end.ended_by_us ? " after a timeout" : "", said.empty() ? "" : ": ");
  text += said;
  return text.substr(0, kMaxDetail);
}

class SendmailTransport final : public MailTransport {
 public:
  SendmailTransport(const SmtpSettings& settings, const StopSignal& stop)
      : path_(settings.sendmail_path), timeout_(settings.timeout), stop_(stop) {}

  HandOverResult hand_over(const Envelope& envelope, std::string_view message) override {
    const Patience patience{std::chrono::steady_clock::now() + timeout_, stop_.fd()};
    const auto end =
        run_child({path_, "-t", "-i", "-f", envelope.sender}, with_lf(message), patience);
    if (!end) return trouble(end.error().detail);
    if (end->ended_by_us && end->status != 0 && stop_.requested()) {
      return {HandOver::aborted, "stopped"};
    }
    return judge(*end);
  }

  void close() override {}

 private:
  static HandOverResult trouble(std::string detail) {
    return {.verdict = HandOver::temporary, .detail = std::move(detail), .server_trouble = true};
  }

  [[nodiscard]] HandOverResult judge(const ChildEnd& end) const {
    std::string detail = describe(path_, end);
    switch (end.status) {
      case 0:
        return {HandOver::accepted, std::move(detail)};
      case kNoUser:
      case kNoHost:
        return {.verdict = HandOver::permanent,
                .detail = std::move(detail),
                .destination_refused = true};
      case kDataError:
        return {HandOver::permanent, std::move(detail)};
      case kCannotRun:
      case kNotFound:
        return trouble(std::move(detail));
      default:
        return {HandOver::temporary, std::move(detail)};
    }
  }

  std::string path_;
  std::chrono::seconds timeout_;
  const StopSignal& stop_;
};

}  // namespace

std::unique_ptr<MailTransport> make_sendmail_transport(const SmtpSettings& settings,
                                                       const StopSignal& stop) {
  return std::make_unique<SendmailTransport>(settings, stop);
}

}  // namespace tlsrpt::sender
