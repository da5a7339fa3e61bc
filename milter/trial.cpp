// SPDX-License-Identifier: BSD-2-Clause
#include "milter/trial.hpp"

#include "common/mbox.hpp"
#include "milter/intake_log.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxMails = 100'000;

struct NoLog final : Log {
  void write(LogLevel, std::string_view) override {}
};

/// A session wants one; nothing is taken here.
struct NoTaker final : MailTaker {
  IntakeResult take(std::string_view, const std::string&) override { return {}; }
  IntakeResult take_cut(std::string_view, std::size_t, const std::string&) override { return {}; }
  IntakeResult not_held() override { return {}; }
};

Answer answer_to(const IntakeResult& result, const SessionSettings& settings) {
  NoLog log;
  NoTaker taker;
  SpoolBudget budget(0);
  Session session(std::make_shared<const SessionSettings>(settings), taker, budget, log);
  return session.answer_to(result);
}

LogLine describe_answer(const Answer& answer) {
  LogLine line("answer");
  line.add("reply", to_word(answer.reply));
  if (!answer.code.empty()) line.add("code", answer.code).add("enhanced", answer.enhanced);
  if (!answer.text.empty()) line.add("text", answer.text);
  if (!answer.header.empty()) line.add("header", answer.header);
  return line;
}

void count(Trial& trial, Disposition disposition) {
  switch (disposition) {
    case Disposition::stored:
      ++trial.reports;
      return;
    case Disposition::refused:
    case Disposition::unverified:
    case Disposition::no_report:
      ++trial.others;
      return;
    case Disposition::dns_error:
    case Disposition::over_limit:
    case Disposition::failed:
      ++trial.to_come_again;
      return;
  }
}

}  // namespace

Trial try_mails(const std::string& name, std::string_view bytes, const SessionSettings& session,
                const IntakeSettings& intake, MessageOpener& opener, Dns& dns, const Clock& clock,
                bool explain) {
  Trial trial;
  const bool is_mbox = looks_like_mbox(bytes);
  const Mailbox mailbox =
      is_mbox ? split_mbox(bytes, kMaxMails) : Mailbox{{bytes}, /*complete=*/true};
  std::size_t number = 0;
  for (const std::string_view mail : mailbox.messages) {
    const std::string place = is_mbox ? fmt::format("{}:{}", name, ++number) : name;
    const auto print = [&](const LogLine& line, std::string_view indent) {
      trial.text += fmt::format("{}: {}{}\n", place, indent, line.text());
    };
    const IntakeResult result = examine_mail(mail, intake, opener, dns, clock);
    count(trial, result.disposition);
    for (const LogEntry& entry : describe_mail(result, {})) print(entry.line, "");
    print(describe_answer(answer_to(result, session)), "");
    if (!explain) continue;
    for (const LogLine& line : explain_mail(result, {})) print(line, "  ");
  }
  if (!mailbox.complete) {
    trial.text += fmt::format("{}: not read beyond {} mails\n", name, kMaxMails);
    ++trial.others;
  }
  return trial;
}

}  // namespace tlsrpt::milter
