// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_mail.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "common/base64.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kPreferredLine = 78;  // RFC 5322 section 2.1.1
constexpr std::size_t kEncodedLine = 76;    // RFC 2045 sections 6.7 and 6.8

/// The first 'digits' hex digits of the SHA-256 of the texts, each ended by a NUL.
Result<std::string> digest(std::initializer_list<std::string_view> texts, std::size_t digits) {
  std::string input;
  for (const std::string_view text : texts) input.append(text).push_back('\0');
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (EVP_Digest(input.data(), input.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1)
    return fail(ErrorCode::crypto, "OpenSSL cannot compute SHA-256");
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", hash[i]);
  return hex.substr(0, digits);
}

/// FNV-1a, for a name that only has to differ between the reports of one day.
std::string short_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3u;
  }
  return fmt::format("{:016x}", hash);
}

bool is_dot_atom(std::string_view text) {
  constexpr std::string_view kSpecials = "!#$%&'*+-/=?^_`{|}~";
  bool dot_allowed = false;
  for (const char c : text) {
    const bool atext = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kSpecials.find(c) != std::string_view::npos;
    if (!atext && !(c == '.' && dot_allowed)) return false;
    dot_allowed = c != '.';
  }
  return dot_allowed;
}

bool is_report_id(std::string_view id) {
  const std::size_t at = id.find('@');
  return id.size() <= kMaxReportId && at != std::string_view::npos &&
         is_dot_atom(id.substr(0, at)) && is_dot_atom(id.substr(at + 1));
}

/// "NAME TOKEN TOKEN...", folded between tokens where a line would get too long. The first token
/// stays beside the name: a line of the name alone upsets some readers.
std::string header_field(std::string_view name, std::initializer_list<std::string_view> tokens) {
  std::string field = fmt::format("{}:", name);
  std::size_t line = field.size();
  bool first = true;
  for (const std::string_view token : tokens) {
    if (!first && line + 1 + token.size() > kPreferredLine) {
      field += "\r\n";
      line = 0;
    }
    field += ' ';
    field += token;
    line += 1 + token.size();
    first = false;
  }
  return field + "\r\n";
}

bool is_printable(char c) { return (c >= ' ' && c <= '~') || c == '\t'; }

/// True if a line survives any transport as it is: MTAs trim blanks at the end, mailboxes
/// put '>' before "From ", and "=_" begins our boundary.
bool is_safe_line(std::string_view line) {
  return line.size() <= kPreferredLine && std::all_of(line.begin(), line.end(), is_printable) &&
         !line.ends_with(' ') && !line.ends_with('\t') && !line.starts_with("From ") &&
         !line.starts_with('.') && line.find("=_") == std::string_view::npos;
}

template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_quoted_printable(std::string& out, std::string_view line) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool starts_badly = i == 0 && (c == '.' || line.starts_with("From "));
    const bool plain =
        is_printable(c) && c != '=' && !starts_badly && !(last && (c == ' ' || c == '\t'));
    const std::size_t width = plain ? 1 : 3;
    if (column + width + (last ? 0 : 1) > kEncodedLine) {
      out += "=\r\n";
      column = 0;
    }
    if (plain)
      out += c;
    else
      out += fmt::format("={:02X}", static_cast<unsigned char>(c));
    column += width;
  }
  out += "\r\n";
}

struct EncodedText {
  std::string_view encoding = "7bit";
  std::string body;  ///< CRLF line ends
};

EncodedText encode_text(std::string_view text) {
  EncodedText result;
  for_each_line(text, [&result](std::string_view line) {
    if (!is_safe_line(line)) result.encoding = "quoted-printable";
  });
  for_each_line(text, [&result](std::string_view line) {
    if (result.encoding == "7bit")
      result.body.append(line).append("\r\n");
    else
      append_quoted_printable(result.body, line);
  });
  return result;
}

std::string wrapped_base64(std::string_view bytes) {
  const std::string encoded = base64_encode(bytes);
  std::string out;
  out.reserve(encoded.size() + encoded.size() / kEncodedLine * 2 + 2);
  for (std::size_t at = 0; at < encoded.size(); at += kEncodedLine)
    out.append(encoded, at, kEncodedLine).append("\r\n");
  return out;
}

/// The mail with its domains in their normal spelling, or why it cannot be written.
Result<ReportMail> checked(const ReportMail& mail) {
  if (!is_plain_address(mail.from))
    return fail(ErrorCode::invalid_argument, "'{}' cannot stand in From", mail.from);
  if (!is_plain_address(mail.to))
    return fail(ErrorCode::invalid_argument, "'{}' cannot stand in To", mail.to);
  if (!is_report_id(mail.report_id))
    return fail(ErrorCode::invalid_argument, "report id '{}' is not dot-atom@dot-atom",
                mail.report_id);
  if (!mail.message_token.empty() && !is_dot_atom(mail.message_token))
    return fail(ErrorCode::invalid_argument, "'{}' cannot stand in Message-ID", mail.message_token);
  ReportMail result = mail;
  for (std::string* domain : {&result.report_domain, &result.submitter}) {
    auto normal = normalize_domain(*domain);
    if (!normal) return tl::unexpected(normal.error().context("TLS-Report-* header"));
    *domain = std::move(*normal);
  }
  return result;
}

std::string compose_header(const ReportMail& mail, std::string_view from_domain,
                           std::string_view message_digest, std::string_view boundary) {
  const std::string report_id = fmt::format("<{}>", mail.report_id);
  const std::string message_id = mail.message_token.empty()
                                     ? fmt::format("<tlsrpt.{}@{}>", message_digest, from_domain)
                                     : fmt::format("<{}@{}>", mail.message_token, from_domain);
  const std::string boundary_parameter = fmt::format("boundary=\"{}\"", boundary);
  return header_field("From", {mail.from}) + header_field("To", {mail.to}) +
         header_field("Date", {format_rfc5322(mail.date)}) +
         header_field("Message-ID", {message_id}) +
         header_field("Subject", {"Report", "Domain:", mail.report_domain,
                                  "Submitter:", mail.submitter, "Report-ID:", report_id}) +
         header_field("TLS-Report-Domain", {mail.report_domain}) +
         header_field("TLS-Report-Submitter", {mail.submitter}) +
         header_field("TLS-Required", {"No"}) + header_field("Auto-Submitted", {"auto-generated"}) +
         header_field("MIME-Version", {"1.0"}) +
         header_field("Content-Type",
                      {"multipart/report;", "report-type=\"tlsrpt\";", boundary_parameter});
}

}  // namespace

std::string report_filename(const ReportMail& mail) {
  const auto seconds = [](Seconds time) {
    return std::max<Seconds::rep>(0, time.time_since_epoch().count());
  };
  return fmt::format("{}!{}!{}!{}!{}.json.gz", normal_or_same(mail.submitter),
                     normal_or_same(mail.report_domain), seconds(mail.date_range.start_datetime),
                     seconds(mail.date_range.end_datetime), short_hash(mail.report_id));
}

Result<std::string> compose_report_mail(const ReportMail& unchecked) {
  const auto mail = checked(unchecked);
  if (!mail) return tl::unexpected(mail.error());
  const auto from_domain = domain_of_address(mail->from);
  if (!from_domain)
    return fail(ErrorCode::invalid_argument, "'{}' cannot stand in From", mail->from);
  // Same report and destination, same identifiers: a retry carries the same bytes (R147).
  const auto message_digest = digest({mail->report_id, mail->to}, 32);
  if (!message_digest) return tl::unexpected(message_digest.error());
  // "=_" is part of neither encoding, nor of text that encode_text() leaves alone.
  const std::string boundary = "=_tlsrpt_" + *message_digest;

  const EncodedText text = encode_text(mail->text);
  const std::string filename = report_filename(*mail);
  std::string out = compose_header(*mail, *from_domain, *message_digest, boundary);
  out += fmt::format("\r\n--{}\r\n", boundary);
  out += header_field("Content-Type", {"text/plain;", "charset=utf-8"});
  out += header_field("Content-Transfer-Encoding", {text.encoding});
  out += fmt::format("\r\n{}\r\n--{}\r\n", text.body, boundary);
  out += header_field("Content-Type",
                      {"application/tlsrpt+gzip;", fmt::format("name=\"{}\"", filename)});
  out += header_field("Content-Disposition",
                      {"attachment;", fmt::format("filename=\"{}\"", filename)});
  out += header_field("Content-Transfer-Encoding", {"base64"});
  out += fmt::format("\r\n{}--{}--\r\n", wrapped_base64(mail->gzipped_report), boundary);
  return out;
}

std::vector<std::string> report_mail_signed_headers() {
  // Those named twice are signed once more than they occur, so that a second one breaks the
  // signature (R189).
  return {"From",
          "From",
          "To",
          "Subject",
          "Date",
          "Message-ID",
          "MIME-Version",
          "Content-Type",
          "TLS-Report-Domain",
          "TLS-Report-Domain",
          "TLS-Report-Submitter",
          "TLS-Report-Submitter",
          "TLS-Required",
          "Auto-Submitted"};
}

}  // namespace tlsrpt
