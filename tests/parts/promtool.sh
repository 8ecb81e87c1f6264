#!/usr/bin/env bash
# Prometheus's own checker of metrics, rules and alerts.
#
#   promtool.sh find    prints ORDERHUB_TEST_PROMTOOL=PATH; installs Debian's package the first time
set -euo pipefail

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else
    echo "promtool is not installed and this user cannot install it; run: apt-get install prometheus" >&2
    exit 3
  fi
}

install_tool() {
  command -v promtool >/dev/null && return
  if ! command -v apt-get >/dev/null; then
    echo "promtool is not installed; put it on the PATH (it comes with Prometheus, https://prometheus.io/download)" >&2
    exit 3
  fi
  as_root apt-get update -qq
  # The package would start a server of its own.
  as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >&2
}

case "${1:-}" in
find)
  install_tool
  echo "ORDERHUB_TEST_PROMTOOL=$(command -v promtool)"
  ;;
*)
  sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
