// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sendmail_line.hpp"

#include "common/ascii.hpp"
#include "sender/log_texts.hpp"

namespace tlsrpt::sender {

namespace {

using Event = SendmailLine::Event;

constexpr std::size_t kMaxRecipients = 256;

/// "mx.example." without its dot; without the brackets of an address literal.
std::string_view host_of(std::string_view relay) {
  relay = relay.substr(0, relay.find(' '));
  if (relay.starts_with('[') && relay.ends_with(']')) {
    relay.remove_prefix(1);
    relay.remove_suffix(1);
  }
  if (relay.ends_with('.')) relay.remove_suffix(1);
  return relay;
}

/// The value of "name=", up to ", "; empty: it is not there. 'name' begins with ", ".
std::string_view value_of(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  return text.substr(0, text.find(", "));
}

/// As above, to the end of the line.
std::string_view rest_of(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at + name.size());
}

/// Behind "STARTTLS=client, ".
SendmailLine read_client(std::string_view text) {
  SendmailLine line;
  if (take(text, "error: connect failed")) {
    line.event = Event::handshake_failed;
    // Without SSL_error and errno, which are numbers of this machine; a timeout has no other mark.
    line.text = value_of(text, ", reason=");
    if (line.text == "unknown" && value_of(text, ", SSL_error=") == "2") line.text = "timed out";
    return line;
  }
  if (text.starts_with("cert-subject=")) {
    line.event = Event::certificate;
    // The names before it are the other side's; they are cut, but who knows.
    const std::size_t at = text.rfind(", verifymsg=");
    if (at != std::string_view::npos) line.text = text.substr(at + 12);
    return line;
  }
  if (!take(text, "relay=")) return line;
  line.host = host_of(text.substr(0, text.find(", ")));
  line.text = rest_of(text, ", warning=");
  if (!line.text.empty()) {
    line.event = Event::no_starttls;
    return line;
  }
  line.verify = value_of(text, ", verify=");
  if (!line.verify.empty()) line.event = Event::established;
  return line;
}

/// Sendmail cuts long texts in the middle: of one that is quoted nobody knows where it ends.
bool is_cut_in_quotes(std::string_view addresses) {
  return addresses.find('"') != std::string_view::npos &&
         addresses.find("...") != std::string_view::npos;
}

/// Behind "ruleset=".
SendmailLine read_rejection(std::string_view text) {
  SendmailLine line;
  const bool of_session = take(text, "tls_server, arg1=");
  if (!of_session && !take(text, "tls_rcpt, arg1=")) return line;
  const std::size_t end = address_end(text, ", relay=");
  if (end == std::string_view::npos || is_cut_in_quotes(text.substr(0, end))) return line;
  if (of_session) {
    line.verify = text.substr(0, end);
  } else {
    line.recipients.push_back(text.substr(0, end));
  }
  line.host = host_of(value_of(text.substr(end), ", relay="));
  line.text = rest_of(text.substr(end), ", reject=");
  line.event = of_session ? Event::session_rejected : Event::recipient_rejected;
  return line;
}

/// "<a@x>,b@x", as far as the list goes: behind a comma and a blank comes the next field.
/// False: where it ends is not known.
bool read_recipients(std::string_view& text, std::vector<std::string_view>& recipients) {
  const std::size_t end = address_end(text, ", ");
  if (end == std::string_view::npos) return false;
  std::string_view list = text.substr(0, end);
  if (is_cut_in_quotes(list)) return false;
  text.remove_prefix(end);
  while (!list.empty() && recipients.size() < kMaxRecipients) {
    const std::size_t comma = address_end(list, ",");
    std::string_view address = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (address.starts_with('<')) address.remove_prefix(1);
    if (address.ends_with('>')) address.remove_suffix(1);
    recipients.push_back(address);
  }
  return true;
}

/// Moves past ", ctladdr=ADDRESS (UID/GID)": the address is as good as a recipient's.
bool skip_controller(std::string_view& text) {
  if (!take(text, ", ctladdr=")) return true;
  const std::size_t end = address_end(text, ", ");
  if (end == std::string_view::npos || is_cut_in_quotes(text.substr(0, end))) return false;
  text.remove_prefix(end);
  return true;
}

/// Behind "QID: to=".
SendmailLine read_delivery(std::string_view text) {
  SendmailLine line;
  if (!read_recipients(text, line.recipients) || !skip_controller(text)) return line;
  line.mailer = value_of(text, ", mailer=");
  line.text = rest_of(text, ", stat=");
  if (line.mailer.empty() || line.text.empty()) return line;
  const std::string_view fields = text.substr(0, text.size() - line.text.size());
  line.event = Event::delivery;
  line.reply = value_of(fields, ", reply=");
  const std::string_view relay = value_of(fields, ", relay=");
  line.host = host_of(relay);
  const std::size_t open = relay.rfind('[');
  if (open != std::string_view::npos && relay.ends_with(']')) {
    line.address = relay.substr(open + 1, relay.size() - open - 2);
  }
  return line;
}

constexpr bool is_queue_id(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

SendmailLine read_sendmail_line(std::string_view text) {
  if (take(text, "STARTTLS=client, ")) return read_client(text);
  if (take(text, "ruleset=")) return read_rejection(text);
  std::size_t end = 0;
  while (end < text.size() && end < 24 && is_queue_id(text[end])) ++end;
  const std::string_view queue_id = text.substr(0, end);
  text.remove_prefix(end);
  if (end < 8 || !take(text, ": ")) return {};
  SendmailLine line;
  if (take(text, "to=")) {
    line = read_delivery(text);
  } else if (take(text, "ruleset=")) {
    line = read_rejection(text);
  }
  line.queue_id = queue_id;
  return line;
}

bool is_same_host(std::string_view whole, std::string_view maybe_cut) {
  const std::size_t dots = maybe_cut.find("...");
  if (dots == std::string_view::npos) return equal_ignoring_case(whole, maybe_cut);
  const std::string_view begin = maybe_cut.substr(0, dots);
  const std::string_view end = maybe_cut.substr(dots + 3);
  return whole.size() >= begin.size() + end.size() &&
         equal_ignoring_case(whole.substr(0, begin.size()), begin) &&
         ends_with_ignoring_case(whole, end);
}

}  // namespace tlsrpt::sender
