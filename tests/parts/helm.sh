#!/usr/bin/env bash
# Helm and kubeconform, built from Go modules, and the schemas of Kubernetes, into DIR; and the check of the chart with them.
#
#   tests/parts/helm.sh build DIR     once; needs Go, a minute or two
#   tests/parts/helm.sh check DIR     lints and renders every case of tests/data/chart, checks what comes out against the schemas
#
# Without Go nothing is checked and the exit code is 3, so that whoever calls it can say so.
set -euo pipefail
cd "$(dirname "$0")/../.."
helm_version=v3.22.0 kubeconform_version=v0.8.0 kubernetes_version=v1.36.3

go_there() { command -v go >/dev/null || { echo "missing: go (https://go.dev/dl)" >&2; exit 3; }; }

build() {
  local dir=$1
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [ ! -x "$dir/helm" ]; then
    go_there
    GOBIN=$dir CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "helm.sh/helm/v3/cmd/helm@$helm_version"
  fi
  if [ ! -x "$dir/kubeconform" ]; then
    go_there
    GOBIN=$dir CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform_version"
  fi
  if [ ! -d "$dir/schemas" ]; then
    go_there
    local module
    module=$(cd /tmp && go mod download -json "k8s.io/kubernetes@$kubernetes_version" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
    python3 tests/parts/kubernetes_schemas.py "$module/api/openapi-spec/swagger.json" "$dir/schemas.new"
    mv "$dir/schemas.new" "$dir/schemas"
  fi
}

case ${1:-} in
  build) build "$2" ;;
  check)
    build "$2"
    exec python3 tests/parts/chart.py "$(cd "$2" && pwd)" charts/orderhub tests/data/chart
    ;;
  *) echo "usage: helm.sh build|check DIR" >&2; exit 2 ;;
esac
