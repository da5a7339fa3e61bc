// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_message.hpp"

#include "common/report_mail.hpp"
#include "sender/report_builder.hpp"

namespace tlsrpt::sender {

Result<std::string> make_report_message(const StoredReport& report, const std::string& recipient,
                                        const std::string& message_token,
                                        const ReporterIdentity& identity,
                                        const std::vector<SigningKey>& keys) {
  ReportMail mail;
  mail.from = identity.from;
  mail.to = recipient;
  mail.report_domain = report.domain;
  mail.submitter = identity.submitter;
  mail.report_id = report.report_id;
  mail.date_range = date_range_of(report.day);
  mail.gzipped_report = report.gzipped;
  mail.text = report.summary;
  mail.date = report.created;
  mail.message_token = message_token;
  const auto message = compose_report_mail(mail);
  if (!message) return message;
  std::string signatures;
  for (const SigningKey& key : keys) {
    SignSettings sign;
    sign.domain = identity.submitter;
    sign.selector = key.selector;
    sign.signed_headers = report_mail_signed_headers();
    sign.timestamp = report.created;
    const auto signature = dkim_sign(*message, key.key, sign);
    if (!signature) return tl::unexpected(signature.error().context("DKIM signature"));
    signatures += *signature;
  }
  return signatures + *message;
}

}  // namespace tlsrpt::sender
