#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# opendkim-testmsg without the network: it asks the system's resolver, so it runs in namespaces
# of its own where that is an unbound with our records.
#
#   opendkim_peer.sh DIRECTORY
#
# DIRECTORY holds records.conf (local-data lines) and *.eml; each X.eml gets an X.out with what
# opendkim-testmsg said, and its exit code as last line.
set -eu
if [ "${2:-}" != inside ]; then
  exec unshare --map-root-user --net --mount --pid --fork --kill-child "$0" "$1" inside
fi
cd "$1"
ip link set lo up
echo 'nameserver 127.0.0.1' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
cat >unbound.conf <<CONF
server:
  interface: 127.0.0.1
  port: 53
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "$1"
  pidfile: "$1/unbound.pid"
  use-syslog: no
  logfile: "$1/unbound.log"
  module-config: "iterator"
  local-zone: "." static
  include: "$1/records.conf"
remote-control:
  control-enable: no
CONF
unbound -c unbound.conf &
unbound_pid=$!
tries=0
until grep -q 'start of service' unbound.log 2>/dev/null; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then
    echo "unbound does not start" >&2
    exit 1
  fi
  sleep 0.1
done
for message in *.eml; do
  code=0
  opendkim-testmsg -t "$1" <"$message" >"${message%.eml}.out" 2>&1 || code=$?
  echo "$code" >>"${message%.eml}.out"
done
kill "$unbound_pid"
