#!/usr/bin/env bash
# One private PostgreSQL server for the tests; all of its state lives in DIR, its port is a free loopback one.
#
#   postgres.sh install    the Debian package, without its system cluster
#   postgres.sh start DIR  makes the server the first time, keeps its data later; prints NAME=VALUE facts
#   postgres.sh kill DIR   SIGKILL to all of its processes, data kept
#   postgres.sh stop DIR   orderly, data kept
set -euo pipefail

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else
    echo "PostgreSQL is not installed and this user cannot install it; run: apt-get install postgresql" >&2
    exit 3
  fi
}

# The server refuses to run as root; the package made the user `postgres`, who cannot see every folder.
as_owner() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

# The programs of the newest version there is.
programs() { find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -1 | xargs -r dirname; }

install_server() {
  [ -n "$(programs)" ] && return
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common >&2
  # Or the package makes a cluster `main`, and starts it.
  as_root sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

make_server() {
  local port
  port=$(free_port)
  if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
  as_owner "$bin/initdb" -D "$dir/data" -U orderhub --auth=trust -E UTF8 --locale=C.UTF-8 --no-instructions >"$dir/initdb.log" 2>&1
  # Durable, as orders are; no socket file, whose path may be too long; room for tests that run at once.
  as_owner tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 300
log_min_messages = warning
CONF
  echo "$port" >"$dir/port"
}

postmaster() { head -1 "$dir/data/postmaster.pid" 2>/dev/null || true; }

# A zombie is gone: SIGKILLed processes stay in the table until they are reaped.
alive() { [ -n "$1" ] && grep -Eqs '^State:[[:space:]]+[^ZX]' "/proc/$1/status"; }

start() {
  install_server
  bin=$(programs)
  mkdir -p "$dir"
  # The folders above may be closed to the server's user.
  if [ "$(id -u)" = 0 ]; then chmod go+x "$(dirname "$dir")"; fi
  [ -f "$dir/port" ] || make_server
  if ! alive "$(postmaster)"; then
    # -w waits until connections are taken, recovery included.
    as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 120 start >/dev/null
  fi
  echo "ORDERHUB_TEST_POSTGRES=postgres://orderhub@127.0.0.1:$(cat "$dir/port")/postgres"
}

stop() {
  bin=$(programs)
  if alive "$(postmaster)"; then as_owner "$bin/pg_ctl" -D "$dir/data" -m fast -w stop >/dev/null; fi
}

kill_server() {
  local pid process
  pid=$(postmaster)
  alive "$pid" || return 0
  local all=("$pid")
  read -ra children <"/proc/$pid/task/$pid/children" || true
  all+=("${children[@]}")
  kill -KILL "${all[@]}" 2>/dev/null || true
  for process in "${all[@]}"; do
    while alive "$process"; do sleep 0.01; done
  done
  # A process that nobody has reaped yet would be taken for a running server.
  rm -f "$dir/data/postmaster.pid"
}

verb=${1:?install, start, kill or stop}
if [ "$verb" = install ]; then install_server; exit; fi
dir=$(realpath -m "${2:?a folder for the server}")
case $verb in
  start) start ;;
  kill) kill_server ;;
  stop) stop ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
