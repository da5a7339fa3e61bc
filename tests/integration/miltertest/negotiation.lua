-- SPDX-License-Identifier: BSD-2-Clause
-- What the filter asks the MTA to leave out (milter has no peer list here).
dofile(folder .. "/dialogue.lua")
local conn = open_session()
for name, option in pairs({NOHELO = SMFIP_NOHELO, NOUNKNOWN = SMFIP_NOUNKNOWN,
                           NR_CONN = SMFIP_NR_CONN, NR_MAIL = SMFIP_NR_MAIL,
                           NR_RCPT = SMFIP_NR_RCPT, NR_HDR = SMFIP_NR_HDR,
                           SKIP = SMFIP_SKIP, HDR_LEADSPC = SMFIP_HDR_LEADSPC}) do
  check(mt.test_option(conn, option), name .. " is not asked for")
end
for name, option in pairs({NOCONNECT = SMFIP_NOCONNECT, NOMAIL = SMFIP_NOMAIL,
                           NORCPT = SMFIP_NORCPT, NOBODY = SMFIP_NOBODY, NOHDRS = SMFIP_NOHDRS,
                           NOEOH = SMFIP_NOEOH}) do
  check(not mt.test_option(conn, option), name .. " is asked for")
end
for name, action in pairs({ADDHDRS = SMFIF_ADDHDRS, CHGHDRS = SMFIF_CHGHDRS,
                           CHGBODY = SMFIF_CHGBODY, ADDRCPT = SMFIF_ADDRCPT,
                           DELRCPT = SMFIF_DELRCPT}) do
  check(not mt.test_action(conn, action), "mail could be changed: " .. name)
end
mt.disconnect(conn)
