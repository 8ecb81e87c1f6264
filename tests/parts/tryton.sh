#!/usr/bin/env bash
# Tryton, a real ERP and warehouse from PyPI, with a database that holds what orders need; in DIR, which is kept between runs.
#
#   tryton.sh install DIR  makes the environment and the database the first time; prints NAME=VALUE facts
#
# Tests copy the database and start servers of their own from it.
set -euo pipefail
here=$(dirname "$(realpath "$0")")

MODULES=(sale sale_supply stock_split account_invoice_stock)

environment() {
  local wanted
  # Another Python makes another environment.
  wanted=$({ python3 --version && cat "$here/tryton/requirements.txt"; } 2>/dev/null | sha256sum)
  [ "$(cat "$dir/venv/made" 2>/dev/null)" = "$wanted" ] && return
  python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || {
    echo "Tryton needs Python 3.10 or newer with venv; run: apt-get install python3-venv" >&2
    exit 3
  }
  rm -rf "$dir/venv"
  mkdir -p "$dir"
  python3 -m venv "$dir/venv"
  "$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/tryton/requirements.txt" >&2 || {
    echo "Tryton cannot be installed from PyPI; is there a network, or PIP_INDEX_URL for a mirror?" >&2
    exit 3
  }
  echo "$wanted" >"$dir/venv/made"
}

database() {
  local wanted work
  # Its fiscal year is the one that it was made in.
  wanted=$({ date +%Y && cat "$here/tryton.sh" "$here/tryton/"*; } | sha256sum)
  [ "$(cat "$dir/made" 2>/dev/null)" = "$wanted" ] && return
  rm -rf "$dir/made" "$dir/seeded.sqlite" "$dir/seed.json" "$dir/making"
  mkdir "$dir/making"
  work=$dir/making
  printf '[database]\nuri = sqlite://\npath = %s\n' "$work" >"$work/trytond.conf"
  : >"$work/hub.sqlite"
  echo admin >"$work/password"
  if ! {
    TRYTONPASSFILE="$work/password" "$dir/venv/bin/trytond-admin" -c "$work/trytond.conf" -d hub --all --email admin@example.com -p &&
      "$dir/venv/bin/trytond-admin" -c "$work/trytond.conf" -d hub -u "${MODULES[@]}" --activate-dependencies &&
      # The kind of database is chosen when trytond is imported.
      TRYTOND_DATABASE_URI=sqlite:///hub "$dir/venv/bin/python" "$here/tryton/seed.py" "$work/trytond.conf" >"$dir/seed.json"
  } >"$dir/made.log" 2>&1; then
    echo "the database cannot be made; see $dir/made.log" >&2
    exit 3
  fi
  # No copy of the file: what was committed last may still stand in the log beside it.
  "$dir/venv/bin/python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("vacuum into ?", (sys.argv[2],))' \
    "$work/hub.sqlite" "$dir/seeded.sqlite"
  rm -rf "$work"
  echo "$wanted" >"$dir/made"
}

verb=${1:?install}
dir=$(realpath -m "${2:?a folder for the environment and the database}")
case $verb in
  install)
    environment
    database
    echo "ORDERHUB_TEST_TRYTON=$dir"
    ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
