-- SPDX-License-Identifier: BSD-2-Clause
-- A client on the PeerList is let through at CONNECT, another one is not.
dofile(folder .. "/dialogue.lua")
local conn = open_session("192.0.2.7")
expect(conn, SMFIR_ACCEPT, "CONNECT")
check(not mt.test_option(conn, SMFIP_NR_CONN), "CONNECT could not be answered")
mt.disconnect(conn)
conn = open_session("192.0.2.8")
expect(conn, SMFIR_CONTINUE, "CONNECT")
envelope(conn, "<tls@example.org>")
send_mail(conn, {60000})
expect(conn, SMFIR_ACCEPT, "end of message")
mt.disconnect(conn)
