# To be sourced at the root of the project: programs that are built where they are not there, and
# what api.sh and cluster.sh have in common. These run in namespaces of processes, mounts and
# networks of their own: of the machine only control groups are touched, and all ends with the
# first process in them.
. deploy/versions
. scripts/built.sh
istio=$(sed -n 's/^require istio.io.istio //p' e2e/istio-xds/go.mod)

# kubernetes_program NAME OUT: the module replaces its parts by folders that it lacks, so they are
# taken as they are published.
kubernetes_program() {
  local version=v0.${KUBERNETES#v1.} info=k8s.io/component-base/version go_mod
  go_mod=$(module_dir "k8s.io/kubernetes@$KUBERNETES")/go.mod
  go_build k8s.io/kubernetes "$KUBERNETES" "k8s.io/kubernetes/cmd/$1" \
    "-X $info.gitVersion=$KUBERNETES -X $info.gitMajor=1 -X $info.gitMinor=$(cut -d. -f2 <<< "$KUBERNETES")" \
    "$(sed -nE "s#^\s+(k8s.io/[^ ]+) => ./staging/.*#replace \1 => \1 $version#p" "$go_mod")" "$2"
}
etcd_program() { go_build go.etcd.io/etcd/server/v3 "$ETCD" go.etcd.io/etcd/server/v3 "" "" "$1"; }

# program NAME: prints the path of a program, which is built where it is not there.
program() {
  local helm
  helm=$(sed -nE 's/^\s*helm.sh\/helm\/v4 (v[0-9.]+)$/\1/p' deploy/test/go.mod)
  case $1 in
    etcd) built etcd "$ETCD" 60 etcd_program ;;
    helm) built helm "$helm" 120 go_install "helm.sh/helm/v4/cmd/helm@$helm" ;;
    coredns) built coredns "$COREDNS" 180 go_install "github.com/coredns/coredns@$COREDNS" ;;
    envoy-gateway)
      built envoy-gateway "$ENVOY_GATEWAY" 440 go_install "github.com/envoyproxy/gateway/cmd/envoy-gateway@$ENVOY_GATEWAY"
      ;;
    # The first has most of what the others are made of.
    kube-apiserver) built kube-apiserver "$KUBERNETES" 700 kubernetes_program kube-apiserver ;;
    *) built "$1" "$KUBERNETES" 120 kubernetes_program "$1" ;;
  esac
}

# programs FOLDER NAME...: links to programs.
programs() {
  local name path
  for name in "${@:2}"; do
    path=$(program "$name") || return
    ln -s "$path" "$1/$name"
  done
}

# isolated SCRIPT: runs it in namespaces of its own, and ends it with this one.
isolated() {
  unshare --net --mount --pid --fork --kill-child --mount-proc "$@" &
  local inside=$!
  trap 'kill -KILL $inside' INT TERM
  wait $inside
}

# What follows is for inside.
declare -A pids

# start NAME COMMAND...: its log is in $work/NAME.log.
start() {
  "${@:2}" > "$work/$1.log" 2>&1 < /dev/null &
  pids[$1]=$!
}

# until_true COMMAND...: within 60 s.
until_true() {
  for _ in $(seq 300); do "$@" > /dev/null 2>&1 && return; sleep 0.2; done
  echo "$(basename "$0"): still not true: $*" >&2
  return 1
}

# network NODE...: a network with the addresses of nodes. The first has the API server.
network() {
  ip link set lo up
  for address in "$@"; do ip addr add "$address/32" dev lo; done
  ip route add default dev lo # the API server looks for its address there
}

# api_server ADDRESS: starts etcd and the API server, and writes the kubeconfig of who may do all.
api_server() {
  local certs=$work/certs
  mkdir "$certs"
  openssl genrsa -out "$work/accounts.key" 2048 2> /dev/null
  openssl rsa -in "$work/accounts.key" -pubout -out "$work/accounts.pub" 2> /dev/null
  echo 'token,admin,admin,system:masters' > "$work/tokens.csv"
  start etcd "$bin/etcd" --data-dir "$work/etcd" --unsafe-no-fsync
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --cert-dir "$certs" \
    --advertise-address "$1" --service-cluster-ip-range 10.96.0.0/16 --token-auth-file "$work/tokens.csv" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$work/accounts.pub" \
    --service-account-signing-key-file "$work/accounts.key" --authorization-mode Node,RBAC --allow-privileged \
    --enable-admission-plugins NodeRestriction --kubelet-preferred-address-types InternalIP
  export KUBECONFIG=$work/kubeconfig
  cat > "$KUBECONFIG" << YAML
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$1:6443", certificate-authority: $certs/apiserver.crt}}]
users: [{name: admin, user: {token: token}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
YAML
  until_true kubectl get --raw /readyz
}

# custom_resources: of Gateway API, Envoy Gateway, Istio, cert-manager and the Prometheus Operator.
custom_resources() {
  kubectl apply --server-side -f "$gateway_crds/gatewayapi-crds.yaml" -f "$gateway_crds/generated" \
    -f "$istio_crds" -f "$cert_manager_crds" \
    -f "${prometheus_crds}_servicemonitors.yaml" -f "${prometheus_crds}_prometheusrules.yaml" > /dev/null
  kubectl wait --for=condition=Established crd --all --timeout 60s > /dev/null
}

# peaks: prints the most memory that each program had.
peaks() {
  local name
  for name in "${!pids[@]}"; do
    awk -v name="$name" '/^VmHWM/ {printf "%s %d MiB at most\n", name, $2 / 1024}' "/proc/${pids[$name]}/status" || true
  done | sort
}
