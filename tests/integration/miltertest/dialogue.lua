-- SPDX-License-Identifier: BSD-2-Clause
-- What the scripts share. Given by the caller: socket, mail (a file with CRLF line ends).

function check(condition, what)
  if not condition then error(what) end
end

function expect(conn, wanted, stage)
  local reply = mt.getreply(conn)
  if reply ~= wanted then
    error(stage .. ": the filter answered '" .. string.char(reply) .. "', not '" ..
          string.char(wanted) .. "'")
  end
end

-- A connection after CONNECT; address may be nil for 198.51.100.1.
function open_session(address)
  local conn = mt.connect(socket, 40, 0.25)
  check(conn ~= nil, "no connection to " .. socket)
  check(mt.conninfo(conn, "client.test", address or "198.51.100.1") == nil, "conninfo failed")
  return conn
end

function envelope(conn, ...)
  check(mt.mailfrom(conn, "<tlsrpt@sender.example>") == nil, "mailfrom failed")
  for _, recipient in ipairs({...}) do
    mt.macro(conn, SMFIC_RCPT, "i", "QUEUEID")
    check(mt.rcptto(conn, recipient) == nil, "rcptto failed")
  end
  check(mt.data(conn) == nil, "data failed")
end

function read_mail()
  local file = assert(io.open(mail, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The header as an MTA hands it over: folded with bare LF. mt.header puts the one blank behind the
-- colon itself once HDR_LEADSPC is negotiated, so every field of the mail must have it.
function send_header(conn, text)
  local head = text:sub(1, text:find("\r\n\r\n", 1, true) + 1)
  local unfolded = head:gsub("\r\n([ \t])", "\n%1")
  for name, value in unfolded:gmatch("([^:\r\n]+): ([^\r]*)\r\n") do
    check(mt.header(conn, name, value) == nil, "header failed")
  end
  check(mt.eoh(conn) == nil, "eoh failed")
end

-- The body in pieces of the given sizes, the last of them again and again.
function send_body(conn, text, sizes)
  local at = text:find("\r\n\r\n", 1, true) + 4
  local number = 1
  while at <= #text do
    local size = sizes[number] or sizes[#sizes]
    number = number + 1
    check(mt.bodystring(conn, text:sub(at, at + size - 1)) == nil, "bodystring failed")
    if mt.getreply(conn) == SMFIR_SKIP then return end
    at = at + size
  end
end

function send_mail(conn, sizes)
  local text = read_mail()
  send_header(conn, text)
  send_body(conn, text, sizes)
  check(mt.eom(conn) == nil, "eom failed")
end
