-- SPDX-License-Identifier: BSD-2-Clause
-- A report, to a sub-address in the second place, in one piece.
dofile(folder .. "/dialogue.lua")
local conn = open_session()
envelope(conn, "<someone@example.org>", "<TLS+x@Example.Org>")
expect(conn, SMFIR_CONTINUE, "DATA")
send_mail(conn, {60000})
expect(conn, SMFIR_ACCEPT, "end of message")
mt.disconnect(conn)
