#!/usr/bin/env bash
# Runs both Compose files: the local stack, then the one for production with an issuer of
# the test beside it, whose replicas are replaced one after the other under requests, by
# the commands of docs/envoy.md. Needs Docker with its Compose plugin, and ports 8080 and
# 8081. BUILD=--no-build takes images that are there already. About a minute, and the time
# to build.
set -euo pipefail
cd "$(dirname "$0")/../.."
docker compose version > /dev/null || { echo "compose.sh: Docker and its Compose plugin are needed" >&2; exit 1; }
build=${BUILD:---build}

work=$(mktemp -d)
clean_up() {
  status=$?
  { local_stack down --timeout 2; production down --timeout 2; } > /dev/null 2>&1 || true
  rm -rf "$work"
  exit $status
}
local_stack() { docker compose --project-name kinde-authz-local -f docker-compose.yml -f "$work/files.yml" "$@"; }
production() {
  docker compose --project-name kinde-authz-production --env-file "$work/env" -f deploy/compose/docker-compose.yml \
    -f "$work/files.yml" -f "$work/issuer.yml" "$@"
}

# No more open files than this machine may give.
files=$(ulimit -Hn)
[ "$files" != unlimited ] && [ "$files" -lt 32768 ] || files=32768
echo "services: {envoy: {ulimits: {nofile: $files}}}" > "$work/files.yml"
sed -e 's|^\(KINDE_DOMAIN\)=.*|\1=http://issuer:9100|; s|^\(KINDE_AUDIENCE\)=.*|\1=https://api.example.com|' \
  -e 's|^\(KINDE_ALLOWED_ORGS\)=.*|\1=org_acme|; s|^\(LISTEN\)=.*|\1=127.0.0.1:8081|' \
  -e 's|^\(AGENT_IMAGE\)=.*|\1=kinde-authz-local-agent|' deploy/compose/.env.example > "$work/env"
cat > "$work/issuer.yml" << 'YAML'
services:
  kinde-authz-1: &insecure {environment: {KINDE_AUTHZ_INSECURE_HTTP: "true"}, labels: {round: "${ROUND:-1}"}}
  kinde-authz-2: *insecure
  agent: {command: [agent]}
  issuer: {image: kinde-authz-local-issuer, command: [issuer, --url, "http://issuer:9100"], networks: [authz]}
YAML
trap clean_up EXIT
trap 'echo "compose.sh: line $LINENO: $BASH_COMMAND" >&2' ERR

# ask PORT WANT [ARG...]: sends a request, and wants that status.
ask() {
  local port=$1 want=$2 got; shift 2
  got=$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$@" \
    "http://localhost:$port/") || true
  [ "$got" = "$want" ] || { echo "compose.sh: status $got, want $want" >&2; return 1; }
}
token() { "$1" exec -T issuer /kinde-dev token --issuer http://issuer:9100; }

local_stack up --detach --wait $build
ask 8080 200 --header "Authorization: Bearer $(token local_stack)"
ask 8080 401
local_stack down --timeout 2

production up --detach --wait $build
bearer="Authorization: Bearer $(token production)"
ask 8081 200 --header "$bearer"
ask 8081 401
(
  export ROUND=2
  production up --detach --wait --no-deps --no-build kinde-authz-1
  production up --detach --wait --no-deps --no-build kinde-authz-2
) &
replaced=$!
requests=0
while kill -0 $replaced 2> /dev/null; do ask 8081 200 --header "$bearer"; requests=$((requests + 1)); done
wait $replaced
[ "$(docker ps --quiet --filter label=round=2 | wc -l)" = 2 ]
production stop kinde-authz-1 kinde-authz-2
ask 8081 503 --header "$bearer"
docker version --format 'Docker {{.Server.Version}}'
docker compose version
echo "Both Compose files work: $requests requests while both replicas were replaced, and none was lost."
