// SPDX-License-Identifier: BSD-2-Clause
// The limit for opentlsrpt-milter on mail that is no report: a filter with the same negotiation
// that keeps nothing, looks at nothing and accepts at DATA. accepting_filter SOCKET
#include <libmilter/mfapi.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <string>

namespace {

constexpr unsigned long kSteps = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_MAIL |
                                 SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_SKIP | SMFIP_HDR_LEADSPC;

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long steps, unsigned long,
                      unsigned long, unsigned long* our_actions, unsigned long* our_steps,
                      unsigned long* reserved2, unsigned long* reserved3) {
  *our_steps = steps & kSteps;
  *our_actions = actions & SMFIF_SETSYMLIST;
  *reserved2 = *reserved3 = 0;
  std::array<char, 2> name{'i', '\0'};
  smfi_setsymlist(context, SMFIM_DATA, name.data());
  smfi_setsymlist(context, SMFIM_EOM, name.data());
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX*, char*, _SOCK_ADDR*) { return SMFIS_NOREPLY; }
sfsistat on_command(SMFICTX*, char**) { return SMFIS_NOREPLY; }
sfsistat on_data(SMFICTX*) { return SMFIS_ACCEPT; }
sfsistat on_header(SMFICTX*, char*, char*) { return SMFIS_NOREPLY; }
sfsistat on_event(SMFICTX*) { return SMFIS_CONTINUE; }
sfsistat on_body(SMFICTX*, unsigned char*, std::size_t) { return SMFIS_CONTINUE; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: accepting_filter unix:/path\n", stderr);
    return 64;
  }
  std::string name = "accepting";
  smfiDesc filter{};
  filter.xxfi_name = name.data();
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = SMFIF_SETSYMLIST;
  filter.xxfi_connect = on_connect;
  filter.xxfi_envfrom = on_command;
  filter.xxfi_envrcpt = on_command;
  filter.xxfi_header = on_header;
  filter.xxfi_eoh = on_event;
  filter.xxfi_body = on_body;
  filter.xxfi_eom = on_event;
  filter.xxfi_abort = on_event;
  filter.xxfi_close = on_event;
  filter.xxfi_data = on_data;
  filter.xxfi_negotiate = on_negotiate;
  ::umask(0);
  const bool ready = smfi_register(filter) == MI_SUCCESS && smfi_setconn(argv[1]) == MI_SUCCESS &&
                     smfi_opensocket(true) == MI_SUCCESS;
  return ready && smfi_main() == MI_SUCCESS ? 0 : 70;
}
