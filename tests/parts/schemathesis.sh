#!/usr/bin/env bash
# Schemathesis, which asks an API what its description promises; in a Python environment of its own below DIR.
#
#   schemathesis.sh install DIR  makes the environment the first time; prints NAME=VALUE facts
set -euo pipefail

# A newer one may find more: raise it on purpose, not by chance.
version=4.32.5

verb=${1:?install}
dir=$(realpath -m "${2:?a folder for the environment}")
case $verb in
  install)
    if [ ! -x "$dir/venv/bin/schemathesis" ]; then
      python3 -c 'import venv, ensurepip' 2>/dev/null || {
        echo "Python has no venv; run: apt-get install python3-venv" >&2
        exit 3
      }
      mkdir -p "$dir"
      python3 -m venv "$dir/venv"
      "$dir/venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >&2 || {
        echo "schemathesis $version cannot be installed from PyPI; is there a network, or PIP_INDEX_URL for a mirror?" >&2
        exit 3
      }
    fi
    echo "ORDERHUB_TEST_SCHEMATHESIS=$dir/venv/bin/schemathesis"
    ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
