-- SPDX-License-Identifier: BSD-2-Clause
-- The body in pieces of one byte and of odd sizes: CRLF and base64 are cut anywhere.
dofile(folder .. "/dialogue.lua")
local conn = open_session()
envelope(conn, "<tls@example.org>")
send_mail(conn, {1, 1, 1, 2, 3, 5, 7, 11, 13, 17, 1, 64})
expect(conn, SMFIR_ACCEPT, "end of message")
mt.disconnect(conn)
