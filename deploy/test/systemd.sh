#!/usr/bin/env bash
# Runs the commands of docs/envoy.md, as they stand there, under a real systemd: in a
# container of systemd-nspawn whose files are those of this machine and whose changes
# are thrown away. Needs root. systemd-nspawn is unpacked from Debian where there is
# none on PATH, under .tools/; nothing is installed in the system. About 80 s.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "systemd.sh: run it as root: it starts a systemd" >&2; exit 1; }
command -v curl openssl >/dev/null || { echo "systemd.sh: curl and openssl are needed on PATH" >&2; exit 1; }

make --no-print-directory build
ENVOY=$(scripts/envoy) go test -tags deploy -count=1 -run '^TestSystemdUnits$' ./e2e
envoy=$(readlink -f "$(scripts/envoy)")
nspawn=$(command -v systemd-nspawn || true)
if [ -z "$nspawn" ]; then
  nspawn=$PWD/.tools/nspawn/usr/bin/systemd-nspawn
  if [ ! -x "$nspawn" ]; then
    mkdir -p .tools/nspawn
    (cd .tools/nspawn && apt-get download -qq systemd-container && dpkg -x systemd-container_*.deb .)
  fi
fi

work=$(mktemp -d)
root=$work/memory/root
clean_up() {
  status=$?
  [ $status = 0 ] || tail -n 30 "$work/console" >&2 || true
  if [ -n "${init:-}" ]; then kill -RTMIN+4 "$init" 2> /dev/null || true; fi # power off
  if [ -n "${container:-}" ]; then wait "$container" 2> /dev/null || true; fi
  umount "$root" "$work/memory" 2> /dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'echo "systemd.sh: line $LINENO: $BASH_COMMAND" >&2' ERR
mkdir "$work/memory" && mount -t tmpfs tmpfs "$work/memory"
mkdir "$work/memory/changes" "$work/memory/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/memory/changes,workdir=$work/memory/work" "$root"
"$nspawn" --register=no --keep-unit --private-network --machine kinde-authz-test --directory "$root" \
  --bind "$PWD:/kinde-authz" --bind-ro "$envoy:/envoy" --boot -- --unit=basic.target \
  < /dev/null > "$work/console" 2>&1 &
container=$!

# until_true COMMAND...: within 30 s.
until_true() {
  for _ in $(seq 150); do "$@" > /dev/null 2>&1 && return; sleep 0.2; done
  echo "systemd.sh: still not true: $*" >&2
  return 1
}
started() { init=$(pgrep -P "$container") && [ "$(cat "/proc/$init/comm")" = systemd ]; }
inside() {
  nsenter -t "$init" -m -u -i -n -p -r -w -- env -i -C /kinde-authz HOME="$HOME" ENVOY=/envoy GOFLAGS=-buildvcs=false \
    PATH=/usr/local/bin:/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
property() { inside systemctl show --property "$1" --value "$2"; }
booted() { inside systemctl is-active --quiet basic.target; }
until_true started
until_true booted

# The guide: 0 until its reader edits the settings, 1 until all runs, 2 the replicas one
# after the other, 3 the rest.
awk -v parts="$root/srv/part" '
  /^```sh$/ {on = 1; next}
  /^```/ {on = 0}
  !on {next}
  /^kinde-authz validate|^systemctl reload|^systemctl restart envoy/ {part++}
  {print > (parts part + 0)}' docs/envoy.md
part() { echo "part $1 of docs/envoy.md"; inside bash -euo pipefail "/srv/part$1"; }

# What the reader has: an issuer, an agent, a certificate.
inside systemd-run --quiet --unit issuer /kinde-authz/bin/kinde-dev issuer
inside systemd-run --quiet --unit agent /kinde-authz/bin/kinde-dev agent --listen 127.0.0.1:8000
certificate() {
  inside openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout /etc/ssl/yourapp.key -out /etc/ssl/yourapp.crt 2> /dev/null
}
certificate
# ask WANT [ARG...]: sends a request, and wants that status.
ask() {
  local want=$1 got; shift
  got=$(inside curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' --cacert /etc/ssl/yourapp.crt "$@" \
    https://localhost/api/agents/weather) || true
  [ "$got" = "$want" ] || { echo "systemd.sh: status $got, want $want" >&2; return 1; }
}

part 0
sed -i '/account.bigcustomer.com/,+2d; s|https://yourapp.kinde.com|http://localhost:9100|
  s|audience: \[https://api.yourapp.com\]|audience: [https://api.example.com]|; s|org_abc123, org_def456|org_acme|
  $a insecure_http: true' "$root/etc/kinde-authz/kinde-authz.yaml"
part 1
token="Authorization: Bearer $(inside bin/kinde-dev token)"
ask 200 --header "$token"
ask 401
signed() { # the agent gets an assertion by the key of the file
  inside curl --silent --max-time 5 --cacert /etc/ssl/yourapp.crt --header "$token" https://localhost/api/agents/weather |
    grep -q '"x-kinde-assertion":\["[^"]*\.[^"]*\.'
}
signed
published() { inside curl --silent --fail http://127.0.0.1:9192/jwks; }
[ "$(published | grep -o '"x":"[^"]*"')" = "$(grep -o '"x": *"[^"]*"' "$root/etc/kinde-authz/jwks.json" | tr -d ' ')" ]
for unit in kinde-authz kinde-authz-2 envoy; do
  status=$(inside cat "/proc/$(property MainPID $unit)/status")
  grep -q '^NoNewPrivs:.*1$' <<< "$status"
  grep -q '^Seccomp:.*2$' <<< "$status"
  grep -qE '^Uid:(\s+[1-9][0-9]*){4}$' <<< "$status"
  [ $unit = envoy ] || grep -q '^CapBnd:.*0000000000000000$' <<< "$status"
done

# The start was waited for, and what becomes of a replica that hangs.
[ "$(property Type kinde-authz)" = notify ]
[ "$(property StatusText kinde-authz)" = serving ]
inside kill -STOP "$(property MainPID kinde-authz)"
restarted() { [ "$(property NRestarts kinde-authz)" = 1 ] && [ "$(property StatusText kinde-authz)" = serving ]; }
until_true restarted
ask 200 --header "$token"

part 2 &
replaced=$!
requests=0
while kill -0 $replaced 2> /dev/null; do ask 200 --header "$token"; requests=$((requests + 1)); done
wait $replaced

# A key is changed without a restart.
old=$(published) began=$(property ExecMainStartTimestamp kinde-authz)
inside bash -euc 'cd /etc/kinde-authz-assertion; umask 027; openssl genpkey -algorithm ed25519 > new.pem
  chgrp kinde-authz-key new.pem; mv new.pem keys.pem'
other_key() { [ "$(published)" != "$old" ]; }
until_true other_key
[ "$(property ExecMainStartTimestamp kinde-authz)" = "$began" ]
signed

certificate
part 3
until_true ask 200 --header "$token"
inside systemctl stop kinde-authz kinde-authz-2
ask 503 --header "$token"
for unit in kinde-authz kinde-authz-2; do
  [ "$(property Result $unit)" = success ]
  [ "$(property ExecMainStatus $unit)" = 0 ]
done

# Settings that are refused end the unit, and are not tried again and again.
echo 'nope: 1' >> "$root/etc/kinde-authz/kinde-authz.yaml"
if inside systemctl start kinde-authz; then echo "systemd.sh: a start with refused settings succeeded" >&2; exit 1; fi
until_true inside systemctl is-failed --quiet kinde-authz
[ "$(property ExecMainStatus kinde-authz)" = 2 ]
[ "$(property NRestarts kinde-authz)" = 0 ]

inside systemd-analyze --version | head -n 1
echo "docs/envoy.md works under systemd: $requests requests while both replicas were restarted, and none was lost."
