// SPDX-License-Identifier: BSD-2-Clause
#include "sender/post_target.hpp"

#include <algorithm>
#include <charconv>

#include "common/rua.hpp"

namespace tlsrpt::sender {

namespace {

/// Of an authority that parse_rua accepted; the default stands where none does.
std::uint16_t port_of(std::string_view authority) {
  PostTarget target;
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool in_address = bracket != std::string_view::npos && colon < bracket;
  if (colon != std::string_view::npos && !in_address)
    std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), target.port);
  return target.port;
}

}  // namespace

std::string PostTarget::authority() const {
  const bool brackets = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

Result<PostTarget> read_post_target(std::string_view uri) {
  const auto rua = parse_rua(uri);
  if (!rua) return tl::unexpected<Error>(rua.error());
  if (rua->scheme != Rua::Scheme::https) return fail(ErrorCode::unsupported, "not an https: URI");
  std::string_view rest = rua->uri;
  rest.remove_prefix(rest.find("//") + 2);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view path = rest.substr(end);
  const bool rooted = path.starts_with('/');  // if not: RFC 9112 section 3.2.1
  return PostTarget{rua->host, port_of(rest.substr(0, end)),
                    fmt::format("{}{}", rooted ? "" : "/", path)};
}

}  // namespace tlsrpt::sender
