#!/usr/bin/env bash
# Runs kinde-authz and Envoy as Pods of a cluster of two nodes on this machine, as docs/kubernetes.md
# tells, under load: with Kubernetes' own programs, Debian's containerd and runc, and images that are
# made here. Needs root, and the packages containerd, runc, containernetworking-plugins, nftables,
# iptables and conntrack. Some 15 minutes to build once, then about 7.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/test/kubernetes.sh
groups=kinde-authz-test # where the Pods' control groups are

# image NAME USER ENTRYPOINT FILE=PATH...
image() { python3 deploy/test/image.py "$work/images/${1//[\/:]/-}.tar" "$@"; }

# images: of the built programs, under the names that the manifests and the guide have.
images() {
  local envoy libraries=() path
  mkdir "$work/images"
  make --no-print-directory build VERSION=0.1.0
  (cd deploy/test && CGO_ENABLED=0 go build -o "$work/pause" ./pause)
  image localhost/pause:test 65532:65532 /pause "$work/pause=/pause"
  image localhost/coredns:test 0:0 /coredns "$(program coredns)=/coredns"
  for name in ghcr.io/kinde-authz/kinde-authz:0.1.0 registry.example.com/kinde-authz:0.1.0; do
    image "$name" 65532:65532 /kinde-authz bin/kinde-authz=/kinde-authz \
      "$work/issuer.crt=/etc/ssl/certs/ca-certificates.crt"
  done
  envoy=$(ENVOY_VERSION=$ENVOY_VERSION scripts/envoy)
  for path in $(ldd "$envoy" | grep -o '/[^ ]*'); do libraries+=("$path=$path"); done
  image "docker.io/envoyproxy/envoy:v$ENVOY_VERSION" 0:0 /usr/local/bin/envoy "$envoy=/usr/local/bin/envoy" \
    "${libraries[@]}"
  image docker.io/envoyproxy/gateway:test 65532:65532 /usr/local/bin/envoy-gateway \
    "$(program envoy-gateway)=/usr/local/bin/envoy-gateway"
}

# gateway_chart: the chart of Envoy Gateway, whose values are made when it is published.
gateway_chart() {
  cp -r "$(module_dir "github.com/envoyproxy/gateway@$ENVOY_GATEWAY")/charts/gateway-helm" "$work/gateway-helm"
  chmod -R u+w "$work/gateway-helm"
  sed 's|${GatewayImage}|docker.io/envoyproxy/gateway:test|; s|${GatewayImagePullPolicy}|Never|' \
    "$work/gateway-helm/values.tmpl.yaml" > "$work/gateway-helm/values.yaml"
}

# hierarchies: prints where control groups are mounted.
hierarchies() { awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts; }

control_groups() { # NODE
  local at
  for at in $(hierarchies); do
    mkdir -p "$at/$groups/$1"
    # Else all Pods together have the time of one other process: they shall not wait for others.
    [ ! -f "$at/cpu.shares" ] || echo 65536 > "$at/$groups/cpu.shares"
    [ ! -f "$at/$groups/cpu.weight" ] || echo 10000 > "$at/$groups/cpu.weight"
    [ ! -f "$at/cpuset.cpus" ] || for group in "$groups" "$groups/$1"; do
      cat "$at/cpuset.cpus" > "$at/$group/cpuset.cpus"
      cat "$at/cpuset.mems" > "$at/$group/cpuset.mems"
    done
  done
}

no_control_groups() {
  local at
  for at in $(hierarchies); do
    [ ! -d "$at/$groups" ] || find "$at/$groups" -depth -type d -exec rmdir {} + 2> /dev/null || true
  done
}

# runtime NODE SUBNET: containerd of a node, with the images.
runtime() {
  local at=$work/$1 tar
  mkdir -p "$at/cni"
  cat > "$at/containerd.toml" << TOML
version = 2
root = "$at/root"
state = "$at/state"
[grpc]
  address = "$at/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:test"
  restrict_oom_score_adj = true # where this machine does not allow to lower it
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$at/cni"
TOML
  cat > "$at/cni/pods.conflist" << JSON
{"cniVersion": "0.4.0", "name": "$1", "plugins": [{"type": "ptp", "ipam": {
  "type": "host-local", "ranges": [[{"subnet": "$2"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "$at/addresses"}}]}
JSON
  start "containerd-$1" /usr/bin/containerd --config "$at/containerd.toml"
  until_true ctr --address "$at/containerd.sock" version
  for tar in "$work"/images/*.tar; do
    ctr --address "$at/containerd.sock" --namespace k8s.io images import "$tar" > /dev/null
  done
}

# node NAME ADDRESS SUBNET
node() {
  local at=$work/$1
  runtime "$1" "$3"
  control_groups "$1"
  cat > "$at/kubelet.yaml" << YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $2
healthzBindAddress: $2
containerRuntimeEndpoint: unix://$at/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$groups/$1
failCgroupV1: false # of Debian 12 in some machines
failSwapOn: false
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: ""
podLogsDir: $at/logs
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi}
YAML
  start "kubelet-$1" "$bin/kubelet" --config "$at/kubelet.yaml" --kubeconfig "$KUBECONFIG" --root-dir "$at/kubelet" \
    --cert-dir "$at/kubelet" --hostname-override "$1" --node-ip "$2"
}

# cluster: control plane, two nodes, and DNS.
cluster() {
  api_server 10.99.0.1
  start controllers "$bin/kube-controller-manager" --kubeconfig "$KUBECONFIG" --leader-elect=false \
    --service-account-private-key-file "$work/accounts.key" --root-ca-file "$work/certs/apiserver.crt" \
    --controllers '*,-certificatesigningrequest-signing-controller'
  start scheduler "$bin/kube-scheduler" --kubeconfig "$KUBECONFIG" --leader-elect=false
  node node1 10.99.0.1 10.244.1.0/24
  node node2 10.99.0.2 10.244.2.0/24
  until_true kubectl get node/node1 node/node2
  start kube-proxy "$bin/kube-proxy" --kubeconfig "$KUBECONFIG" --hostname-override node1 --proxy-mode nftables \
    --cluster-cidr 10.244.0.0/16 --conntrack-max-per-core 0
  kubectl wait --for=condition=Ready node --all --timeout 120s > /dev/null
  kubectl apply -f deploy/test/coredns.yaml > /dev/null
  kubectl -n kube-system rollout status deployment/coredns --timeout 120s > /dev/null
}

if [ -n "${work:-}" ]; then
  bin=$work/bin PATH=$work/bin:$PATH begin=$SECONDS
  for folder in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$folder"; done
  { cat /etc/hosts; echo "10.99.0.1 yourapp.kinde.com"; } > "$work/hosts" # for the doctor
  mount --bind "$work/hosts" /etc/hosts
  network 10.99.0.1 10.99.0.2
  cluster
  echo "the cluster runs after $((SECONDS - begin)) s"
  export ENVOY_VERSION
  (cd e2e && CLUSTER=$work "$work/e2e.test" -test.run "^TestCluster$" -test.v -test.timeout 20m) || {
    kubectl get pods --all-namespaces --output wide >&2
    kubectl get events --all-namespaces --field-selector type=Warning | tail -n 40 >&2
    tail -n 3 "$work"/*.log >&2
    exit 1
  }
  kubectl version | grep Server
  /usr/bin/containerd --version
  peaks
  exit
fi

[ "$(id -u)" = 0 ] || { echo "cluster.sh: run it as root: it starts containers" >&2; exit 1; }
for command in containerd ctr runc nft iptables conntrack openssl curl; do
  command -v "$command" > /dev/null || { echo "cluster.sh: $command is needed on PATH" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"; no_control_groups' EXIT
mkdir "$work/bin"
programs "$work/bin" etcd kube-apiserver kubectl kube-controller-manager kube-scheduler kubelet kube-proxy helm
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=yourapp.kinde.com \
  -addext subjectAltName=DNS:yourapp.kinde.com -keyout "$work/issuer.key" -out "$work/issuer.crt" 2> /dev/null
images
gateway_chart
go test -c -tags deploy -o "$work/e2e.test" ./e2e
ENVOY=$(ENVOY_VERSION=$ENVOY_VERSION scripts/envoy)
export work ENVOY
isolated deploy/test/cluster.sh
