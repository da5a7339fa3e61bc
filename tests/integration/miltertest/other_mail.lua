-- SPDX-License-Identifier: BSD-2-Clause
-- Mail to others is accepted at DATA: neither header nor body is sent.
dofile(folder .. "/dialogue.lua")
local conn = open_session()
for _ = 1, 3 do
  envelope(conn, "<someone@example.org>", "<tlsx@example.org>")
  expect(conn, SMFIR_ACCEPT, "DATA")
end
mt.disconnect(conn)
