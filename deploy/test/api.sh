#!/usr/bin/env bash
# Has a real API server, with etcd and the custom resources of Gateway API, Envoy Gateway, Istio,
# cert-manager and the Prometheus Operator, check every manifest and the chart: it admits each
# object as it would, strictly, and stores none. Needs the right to make namespaces (root). Some
# 10 minutes to build once, then half a minute.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/test/kubernetes.sh

if [ -n "${work:-}" ]; then
  bin=$work/bin PATH=$work/bin:$PATH
  network 10.99.0.1
  api_server 10.99.0.1
  custom_resources
  (cd deploy/test && "$work/deploy.test" -test.run '^TestAPIServer$' -test.v)
  kubectl version | grep Server
  peaks
  exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
programs "$work/bin" etcd kube-apiserver kubectl
(cd deploy/test && go test -c -tags deploy -o "$work/deploy.test" .)
gateway_crds=$(module_dir "github.com/envoyproxy/gateway@$ENVOY_GATEWAY")/charts/gateway-helm/charts/crds/crds
istio_crds=$(module_dir "istio.io/istio@$istio")/manifests/charts/base/files/crd-all.gen.yaml
cert_manager_crds=$(module_dir "github.com/cert-manager/cert-manager@v$CERT_MANAGER_VERSION")/deploy/crds
prometheus_crds=$(module_dir "github.com/prometheus-operator/prometheus-operator@$PROMETHEUS_OPERATOR")
prometheus_crds+=/example/prometheus-operator-crd/monitoring.coreos.com
export work gateway_crds istio_crds cert_manager_crds prometheus_crds
isolated deploy/test/api.sh
