// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bounce.hpp"

#include <algorithm>
#include <initializer_list>

#include "common/ascii.hpp"
#include "common/message.hpp"
#include "common/mime_walker.hpp"
#include "common/transfer_encoding.hpp"

namespace tlsrpt::sender {

namespace {

/// The first part of one of these types, or null.
const MimePart* find_part(const MimeMessage& message,
                          std::initializer_list<std::string_view> types) {
  const auto found =
      std::find_if(message.parts.begin(), message.parts.end(), [types](const MimePart& part) {
        return std::find(types.begin(), types.end(), part.media_type) != types.end();
      });
  return found == message.parts.end() ? nullptr : &*found;
}

/// "<LEFT@RIGHT>", or the first word if some server lost the brackets; "" if that is too long.
std::string read_message_id(std::string_view value, std::size_t max_bytes) {
  const std::string_view text = trim_blanks(value);
  const std::size_t open = text.find('<');
  const std::size_t close = text.find('>', std::min(open, text.size()));
  const bool bracketed = open != std::string_view::npos && close != std::string_view::npos;
  const std::string_view id =
      bracketed ? text.substr(open + 1, close - open - 1) : text.substr(0, text.find(' '));
  if (id.empty() || id.size() + 2 > max_bytes) return {};
  return fmt::format("<{}>", in_one_line(id, id.size()));
}

std::string message_id_of(const HeaderSection& header, std::string_view field,
                          const BounceLimits& limits) {
  return read_message_id(header.value_of(field).value_or(""), limits.max_text);
}

/// Of the returned message, of which only the header is looked at.
std::string returned_message_id(const MimeMessage& message, const BounceLimits& limits) {
  const MimePart* part =
      find_part(message, {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers",
                          "message/global", "message/global-headers"});
  if (part == nullptr) return {};
  // No encoding makes four octets and more of each, so that this has the header.
  const std::string_view encoded = part->body.substr(0, 4 * limits.max_header_bytes);
  const std::string text = decode_transfer(part->encoding, encoded);
  const HeaderSection header =
      split_header(without_junk_before_header(text), limits.max_header_bytes);
  return message_id_of(header, "Message-ID", limits);
}

/// Why there is no delivery status in it.
Error no_notification(const MimeMessage& message) {
  if (message.too_many_parts || message.too_deep || message.headers_too_large)
    return {ErrorCode::limit_exceeded, "no delivery status within the limits of a message"};
  const bool of_qmail =
      std::any_of(message.parts.begin(), message.parts.end(), [](const MimePart& part) {
        return trim_blanks(part.body).starts_with("Hi. This is the qmail-send program");
      });
  if (of_qmail) return {ErrorCode::unsupported, "a bounce of qmail, which is text for people only"};
  const auto type = parse_parameters(message.header.value_of("Content-Type").value_or(""));
  if (type.value == "multipart/report")
    return {ErrorCode::unsupported, fmt::format("no delivery status, but a report of type \"{}\"",
                                                type.parameter("report-type"))};
  return {ErrorCode::unsupported, "no delivery status notification (RFC 3464)"};
}

}  // namespace

Result<Bounce> read_bounce(std::string_view message, const BounceLimits& limits) {
  if (message.size() > limits.max_message_bytes)
    return fail(ErrorCode::limit_exceeded, "message over {} bytes", limits.max_message_bytes);
  const MimeMessage opened = walk_mime(message, {limits.max_header_bytes, limits.max_parts,
                                                 limits.max_depth, /*open_messages=*/false});
  const MimePart* status =
      find_part(opened, {"message/delivery-status", "message/global-delivery-status"});
  if (status == nullptr) return tl::unexpected(no_notification(opened));
  const std::string text = decode_transfer(status->encoding, status->body);
  if (text.size() > limits.max_status_bytes)
    return fail(ErrorCode::limit_exceeded, "delivery status over {} bytes",
                limits.max_status_bytes);
  Bounce bounce;
  bounce.recipients = read_delivery_status(text, limits);
  if (bounce.recipients.empty())
    return fail(ErrorCode::malformed, "the delivery status speaks of no recipient");
  bounce.message_id = returned_message_id(opened, limits);
  if (bounce.message_id.empty())
    bounce.message_id = message_id_of(opened.header, "In-Reply-To", limits);
  return bounce;
}

}  // namespace tlsrpt::sender
