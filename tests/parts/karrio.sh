#!/usr/bin/env bash
# Karrio, a real TMS from PyPI, on SQLite; in DIR, which is kept between runs.
#
#   karrio.sh install DIR  makes the environment and an empty database the first time (some minutes); prints NAME=VALUE facts
#   karrio.sh start DIR    starts a server of its own database in DIR/server, on a free loopback port; prints where and with which key
#   karrio.sh stop DIR     ends it
#
# Tests need `install` alone: they copy the database and start servers of their own from it. CARRIER_URL=… for `start` is where its carrier
# `dhl_universal` asks.
set -euo pipefail
here=$(dirname "$(realpath "$0")")

environment() {
  local wanted
  # Another Python makes another environment.
  wanted=$({ python3 --version && cat "$here/karrio/requirements.txt"; } 2>/dev/null | sha256sum)
  [ "$(cat "$dir/venv/made" 2>/dev/null)" = "$wanted" ] && return
  python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "Karrio needs Python 3.11 or newer with venv; run: apt-get install python3-venv" >&2
    exit 3
  }
  rm -rf "$dir/venv"
  mkdir -p "$dir"
  python3 -m venv "$dir/venv"
  # All of it is named: left to find versions by itself, pip tries hundreds.
  "$dir/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/karrio/requirements.txt" >&2 || {
    echo "Karrio cannot be installed from PyPI; is there a network, or PIP_INDEX_URL for a mirror?" >&2
    exit 3
  }
  echo "$wanted" >"$dir/venv/made"
}

karrio() { KARRIO_DIR=$1 "$dir/venv/bin/python" "$here/karrio/serve.py" "${@:2}"; }

database() {
  local wanted work
  wanted=$(cat "$here/karrio.sh" "$here/karrio/"* | sha256sum)
  [ "$(cat "$dir/made" 2>/dev/null)" = "$wanted" ] && return
  rm -rf "$dir/made" "$dir/seeded.sqlite" "$dir/facts" "$dir/making"
  work=$dir/making
  mkdir "$work"
  if ! {
    karrio "$work" migrate &&
      karrio "$work" shell -c "$(cat "$here/karrio/seed.py")" | tee "$work/seeded" && grep ^KARRIO_TOKEN= "$work/seeded" >"$dir/facts"
  } >"$dir/made.log" 2>&1; then
    echo "the database cannot be made; see $dir/made.log" >&2
    exit 3
  fi
  # No copy of the file: what was committed last may still stand in the log beside it.
  "$dir/venv/bin/python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("vacuum into ?", (sys.argv[2],))' \
    "$work/karrio.sqlite3" "$dir/seeded.sqlite"
  rm -rf "$work"
  echo "$wanted" >"$dir/made"
}

alive() { [ -f "$dir/server/pid" ] && grep -Eqs '^State:[[:space:]]+[^ZX[:space:]]' "/proc/$(cat "$dir/server/pid")/status"; }

start() {
  local port _
  if ! alive; then
    mkdir -p "$dir/server"
    [ -f "$dir/server/karrio.sqlite3" ] || cp "$dir/seeded.sqlite" "$dir/server/karrio.sqlite3"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "KARRIO_URL=http://127.0.0.1:$port" >"$dir/server/facts"
    KARRIO_DIR=$dir/server setsid "$dir/venv/bin/python" "$here/karrio/serve.py" runserver --noreload "127.0.0.1:$port" \
      </dev/null >>"$dir/server/server.log" 2>&1 &
    echo $! >"$dir/server/pid"
    for _ in $(seq 600); do
      curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$port/" 2>/dev/null && break
      alive || break
      sleep 0.1
    done
    alive || { echo "Karrio does not run; see $dir/server/server.log" >&2; exit 3; }
  fi
  cat "$dir/server/facts" "$dir/facts"
  echo "KARRIO_PID=$(cat "$dir/server/pid")"
}

stop() {
  local _
  alive || return 0
  kill "$(cat "$dir/server/pid")" 2>/dev/null || true
  for _ in $(seq 200); do
    alive || break
    sleep 0.05
  done
  rm -f "$dir/server/pid"
}

verb=${1:?install, start or stop}
dir=$(realpath -m "${2:?a folder for the environment and the database}")
case $verb in
  install)
    environment
    database
    echo "ORDERHUB_TEST_KARRIO=$dir"
    ;;
  start)
    environment
    database
    start
    ;;
  stop) stop ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
