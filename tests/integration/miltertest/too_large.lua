-- SPDX-License-Identifier: BSD-2-Clause
-- More than MaximumMessageSize: the rest is not wanted.
dofile(folder .. "/dialogue.lua")
local conn = open_session()
envelope(conn, "<tls@example.org>")
send_header(conn, read_mail())
local skipped = false
for _ = 1, 20 do
  mt.bodystring(conn, string.rep("x", 16000))
  if mt.getreply(conn) == SMFIR_SKIP then skipped = true break end
end
check(skipped, "SKIP was expected")
mt.eom(conn)
expect(conn, SMFIR_ACCEPT, "end of message")
mt.disconnect(conn)
