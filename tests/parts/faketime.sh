#!/usr/bin/env bash
# A library that makes one program see another time than the machine has.
#
#   faketime.sh find    prints ORDERHUB_TEST_FAKETIME=PATH; installs Debian's package the first time
set -euo pipefail

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else
    echo "libfaketime is not installed and this user cannot install it; run: apt-get install libfaketime" >&2
    exit 3
  fi
}

library() {
  local found
  for found in /usr/lib/*/faketime/libfaketime.so.1 /usr/lib/faketime/libfaketime.so.1; do
    if [ -f "$found" ]; then echo "$found"; return; fi
  done
  return 1
}

install_library() {
  library >/dev/null && return
  if ! command -v apt-get >/dev/null; then
    echo "libfaketime is not installed; install your system's package of it (https://github.com/wolfcw/libfaketime)" >&2
    exit 3
  fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libfaketime >&2
}

case "${1:-}" in
find)
  install_library
  echo "ORDERHUB_TEST_FAKETIME=$(library)"
  ;;
*)
  sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
