// SPDX-License-Identifier: BSD-2-Clause
#include "sender/exim_line.hpp"

#include <algorithm>

#include "sender/log_texts.hpp"

namespace tlsrpt::sender {

namespace {

using Event = EximLine::Event;

constexpr bool is_base62(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// "1vXy3k-0000Ab-1D" or, since 4.97, "1vXy3k-00000000Abc-1DeF"; 0: none.
std::size_t id_size(std::string_view text) {
  for (const std::size_t middle : {std::size_t{11}, std::size_t{6}}) {
    const std::size_t last = middle == 11 ? 4 : 2;
    const std::size_t size = 6 + 1 + middle + 1 + last;
    if (text.size() <= size || text[size] != ' ' || text[6] != '-' || text[7 + middle] != '-') {
      continue;
    }
    bool fits = true;
    for (std::size_t at = 0; at < size; ++at) {
      fits = fits && (at == 6 || at == 7 + middle || is_base62(text[at]));
    }
    if (fits) return size;
  }
  return 0;
}

/// "MX [IP]:PORT rest", "MX DS [IP]* rest"; false if no address stands there.
bool take_host(std::string_view& text, EximLine& line) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']', open);
  if (open == std::string_view::npos || close == std::string_view::npos || open > 300) return false;
  line.host = text.substr(0, open);
  line.host = line.host.substr(0, line.host.find(' '));
  line.address = text.substr(open + 1, close - open - 1);
  text.remove_prefix(close + 1);
  if (text.size() > 1 && text[0] == ':' && text[1] >= '0' && text[1] <= '9') {
    std::size_t end = 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    line.port = text.substr(1, end - 1);
    text.remove_prefix(end);
  }
  line.on_old_connection = take(text, "*");
  line.is_smtp = true;
  return true;
}

/// Moves past a quoted text, in which quotes of strangers have a backslash before them.
void skip_quoted(std::string_view& text) {
  std::size_t at = text.find('"') + 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  text.remove_prefix(std::min(at + 1, text.size()));
}

/// Moves past "<ADDRESS> ", behind its first bracket.
void skip_address(std::string_view& text) {
  const std::size_t end = address_end(text, "> ");
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
}

void note_field(std::string_view word, EximLine& line) {
  if (word.starts_with("X=")) line.encrypted = true;
  if (word.starts_with("CV=")) line.verified = word.substr(3);
  if (word.starts_with("PS=")) line.protocol = word.substr(3);
  if ((word.starts_with("R=") || word.starts_with("T=")) &&
      word.find("smarthost") != std::string_view::npos) {
    line.smarthost = true;
  }
}

/// "[IP] ", "H=MX [IP] ": and not a reply or a subject that holds the words behind it.
bool is_peer_alone(std::string_view text) {
  return text.find_first_of("<\"") == std::string_view::npos &&
         text.find(": ") == std::string_view::npos;
}

/// Behind the arrow: the recipient, then fields "NAME=VALUE", of which quoted ones are strangers'.
void read_fields(std::string_view text, EximLine& line) {
  const std::size_t end = address_end(text, " ");
  line.recipient = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  // "alias <user@domain> R=…": the address that was expanded.
  if (take(text, "<")) skip_address(text);
  // Nothing but texts of the other side comes behind its DN.
  bool behind_name = false;
  while (!text.empty()) {
    if (take(text, "F=<") || take(text, "P=<")) {
      skip_address(text);
      continue;
    }
    if (text.starts_with("C=\"")) return;
    if (!behind_name && take(text, "H=")) {
      const std::string_view before = text;
      if (!take_host(text, line)) text = before;
      // Deferred: the reason comes behind the host.
      if (take(text, ": ")) {
        line.text = text;
        return;
      }
    } else if (take(text, "defer (")) {
      if (take_until(text, ")") && take(text, ": ")) {
        line.text = text;
        return;
      }
      continue;
    } else if (text.starts_with("DN=\"")) {
      skip_quoted(text);
      behind_name = true;
    }
    const std::string_view word = text.substr(0, text.find(' '));
    if (!behind_name) note_field(word, line);
    if (word.ends_with(':') && line.event != Event::delivered && line.event != Event::also) {
      text.remove_prefix(word.size());
      take(text, " ");
      line.text = text;
      return;
    }
    text.remove_prefix(word.size());
    take(text, " ");
  }
}

}  // namespace

EximLine read_exim_line(std::string_view text) {
  EximLine line;
  if (text.starts_with('[')) {  // "[pid] "
    std::string_view rest = text;
    if (take_until(rest, "] ") && id_size(rest) > 0) text = rest;
  }
  const std::size_t size = id_size(text);
  if (size == 0) return line;
  line.id = text.substr(0, size);
  text.remove_prefix(size + 1);
  if (text.starts_with("[") && text.substr(0, 20).find("] ") != std::string_view::npos &&
      text.find(" SSL verify error: ") == std::string_view::npos) {
    take_until(text, "] ");
  }
  if (take(text, "=> ")) {
    line.event = Event::delivered;
    read_fields(text, line);
  } else if (take(text, "-> ")) {
    line.event = Event::also;
    read_fields(text, line);
  } else if (take(text, "== ")) {
    line.event = Event::deferred;
    read_fields(text, line);
  } else if (take(text, "** ")) {
    line.event = Event::bounced;
    read_fields(text, line);
  } else if (text == "Completed") {
    line.event = Event::completed;
  } else if (const std::size_t at = text.find("SSL verify error: ");
             at != std::string_view::npos && is_peer_alone(text.substr(0, at))) {
    // Verification of callouts and of clients is somebody else's session.
    if (text.find("(during ", at) != std::string_view::npos) return line;
    std::string_view peer = text.substr(0, at);
    take(peer, "H=");
    if (!take_host(peer, line)) return line;
    line.event = Event::verify_error;
    line.text = text.substr(at + 18);
    if (take_until(line.text, " error=")) line.text = line.text.substr(0, line.text.find(" cert="));
  } else if (const std::size_t clear = text.find(": delivering unencrypted to H=");
             clear != std::string_view::npos &&
             (text.starts_with("TLS ") || text.starts_with("DANE "))) {
    line.text = text.substr(0, clear);
    std::string_view peer = text.substr(clear + 30);
    if (take_host(peer, line)) line.event = Event::went_clear;
  } else if (take(text, "H=")) {
    // "H=HELO [IP] Warning: …" is about a client that sends mail to us.
    if (!take_host(text, line) || !is_peer_alone(line.host)) return line;
    if (!take(text, ": ") && !text.starts_with(" TLS error on connection")) return line;
    line.text = text;
    line.event = Event::host_failed;
  }
  return line;
}

}  // namespace tlsrpt::sender
